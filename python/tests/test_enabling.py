"""Start and end: what wins over what, what stays untouched, and how long anything may take."""

from __future__ import annotations

import inspect
import itertools
import logging
import os
import subprocess
import sys
import threading
import time

import pytest
import trackside
from conftest import Collector, attributes


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")} | variables
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )


def test_the_signature_is_the_one_that_was_asked_for() -> None:
    signature = inspect.signature(trackside.enable_telemetry)
    assert all(p.kind is p.KEYWORD_ONLY for p in signature.parameters.values())
    assert {p.name: p.default for p in signature.parameters.values()} == {
        "traces": True,
        "metrics": True,
        "logs": True,
        "endpoint": None,
        "service_name": None,
        "log_level": logging.INFO,
        "sampler": None,
    }
    assert list(signature.parameters) == [
        "traces", "metrics", "logs", "endpoint", "service_name", "log_level", "sampler"
    ]  # fmt: skip
    assert signature.return_annotation == "None"
    for name in ("init_telemetry", "forward_log", "shutdown_telemetry"):
        assert callable(getattr(trackside, name))


def test_importing_does_nothing() -> None:
    done = run(
        "import logging, os, sys, threading\n"
        "before = dict(os.environ), list(logging.root.handlers), logging.basicConfig\n"
        "import trackside\n"
        "assert before == (dict(os.environ), list(logging.root.handlers), logging.basicConfig)\n"
        "assert len(os.listdir('/proc/self/task')) == 1 or sys.platform != 'linux'\n"
        "assert 'opentelemetry' not in sys.modules\n",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_nothing_configured_starts_nothing() -> None:
    before = dict(os.environ)
    trackside.enable_telemetry()
    status = trackside.status()
    assert not (status.traces.on or status.metrics.on or status.logs.on)
    assert not any(isinstance(h, trackside.Handler) for h in logging.getLogger().handlers)
    assert dict(os.environ) == before
    assert "no endpoint" in status.traces.why or status.traces.why


def test_a_second_call_changes_nothing(collector: Collector) -> None:
    for endpoint in (collector.url, "http://127.0.0.1:9"):
        trackside.enable_telemetry(endpoint=endpoint)
    ours = [h for h in logging.getLogger().handlers if isinstance(h, trackside.Handler)]
    assert len(ours) == 1
    with trackside.span("once"):
        pass
    assert trackside.flush()
    assert [span.name for span in collector.spans] == ["once"]


def test_it_may_be_enabled_again_after_a_shutdown(collector: Collector) -> None:
    for name in ("first", "second"):
        trackside.enable_telemetry(endpoint=collector.url)
        with trackside.span(name):
            pass
        assert trackside.shutdown()
        assert trackside.shutdown()
        assert not any(isinstance(h, trackside.Handler) for h in logging.getLogger().handlers)
    assert [span.name for span in collector.spans] == ["first", "second"]
    assert trackside.status().traces.delivered == 1


@pytest.mark.parametrize("flags", list(itertools.product([True, False], repeat=3)))
def test_a_flag_switches_its_signal_off(
    flags: tuple[bool, bool, bool], collector: Collector
) -> None:
    traces, metrics, logs = flags
    trackside.enable_telemetry(
        traces=traces, metrics=metrics, logs=logs, endpoint=collector.url
    )
    status = trackside.status()
    assert (status.traces.on, status.metrics.on, status.logs.on) == flags


def test_arguments_win_over_variables_and_variables_over_defaults(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_SERVICE_NAME": "by-variable",
        "OTEL_RESOURCE_ATTRIBUTES": "team=checkout",
        "OTEL_TRACES_SAMPLER": "always_off",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    trackside.enable_telemetry(
        endpoint=collector.url, service_name="by-argument", sampler="traceidratio:1.0"
    )
    with trackside.span("sampled"):
        pass
    assert trackside.flush()
    assert collector.resource()["service.name"] == "by-argument"
    assert collector.resource()["team"] == "checkout"
    assert [span.name for span in collector.spans] == ["sampled"]
    assert dict(os.environ) == before
    trackside.shutdown()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    collector.requests.clear()
    trackside.enable_telemetry()
    with trackside.span("not sampled"):
        logging.getLogger().warning("logged")
    assert trackside.flush()
    assert collector.resource()["service.name"] == "by-variable"
    assert collector.spans == []


def test_the_sampler_and_the_log_filter_may_change(collector: Collector) -> None:
    trackside.enable_telemetry(endpoint=collector.url)
    for number, sampler in enumerate(["always_off", "traceidratio:0", "always_on", "traceidratio"]):
        trackside.set_sampler(sampler)
        with trackside.span(f"span {number}"):
            pass
    trackside.set_log_filter("error,shop=debug")
    logging.getLogger("elsewhere").warning("held back")
    logging.getLogger("shop").warning("passes")
    trackside.set_log_filter("info")
    logging.getLogger("elsewhere").warning("passes again")
    for change, bad in [
        (trackside.set_sampler, "sometimes"),
        (trackside.set_sampler, "traceidratio:7"),
        (trackside.set_sampler, "traceidratio:many"),
        (trackside.set_log_filter, "loud"),
    ]:
        with pytest.raises(ValueError, match=bad.rpartition(":")[2]):
            change(bad)
    assert trackside.flush()
    assert [span.name for span in collector.spans] == ["span 2", "span 3"]
    assert [record.body.string_value for _, record in collector.logs] == ["passes", "passes again"]
    assert "set_sampler" in trackside.report() and "set_log_filter" in trackside.report()
    trackside.shutdown()
    trackside.set_sampler("always_off")


def test_a_process_knows_what_it_was_started_with() -> None:
    code = (
        "import trackside\n"
        "trackside.enable_telemetry()\n"
        "place = trackside.inherited()\n"
        "print(place.trace_id, place.span_id, place.baggage('tenant'))\n"
    )
    caller = f"00-{10:032x}-{11:016x}-01"
    started = run(code, TRACEPARENT=caller, BAGGAGE="tenant=acme")
    assert started.stdout.split() == [f"{10:032x}", f"{11:016x}", "acme"], started.stderr
    assert run(code).stdout.split() == ["None", "None", "None"]


def test_a_bad_argument_is_named_and_starts_nothing() -> None:
    for arguments, named in [
        ({"endpoint": "localhost:4318"}, "localhost:4318"),
        ({"sampler": "sometimes"}, "sometimes"),
        ({"sampler": "traceidratio:many"}, "ratio"),
        ({"sampler": "traceidratio:7"}, "7"),
    ]:
        with pytest.raises(ValueError, match=named):
            trackside.enable_telemetry(**arguments)  # type: ignore[arg-type]
        assert trackside.report() == "" or not trackside.status().traces.on


def test_the_report_says_where_a_value_came_from(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    trackside.enable_telemetry(endpoint=collector.url)
    line = next(line for line in trackside.report().splitlines() if "shop" in line)
    assert "OTEL_SERVICE_NAME" in line


def test_flush_and_shutdown_let_other_threads_run(collector: Collector) -> None:
    trackside.enable_telemetry(endpoint=collector.url)
    for wait in (trackside.flush, trackside.shutdown):
        with trackside.span("waits"):
            pass
        collector.answers.clear()
        counted, is_over = 0, threading.Event()

        def count() -> None:
            nonlocal counted
            while not is_over.wait(0.001):
                counted += 1

        thread = threading.Thread(target=count)
        begin = time.monotonic()
        thread.start()
        is_done = wait(1.0)
        took = time.monotonic() - begin
        seen = counted
        is_over.set()
        thread.join()
        collector.answers.set()
        assert not is_done
        assert 0.9 < took < 30
        # Where the GIL were held, the thread would have had a turn or two.
        assert seen > 20


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_ends_a_flush(collector: Collector) -> None:
    import signal

    # A shell that starts this in the background has it ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    trackside.enable_telemetry(endpoint=collector.url)
    with trackside.span("waits"):
        pass
    collector.answers.clear()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begin = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            trackside.flush(60)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - begin < 30


def test_the_interpreters_exit_flushes_within_a_bound(collector: Collector) -> None:
    code = (
        "import trackside\n"
        f"trackside.enable_telemetry(endpoint={collector.url!r})\n"
        "with trackside.span('last'): pass\n"
    )
    done = run(code)
    assert (done.returncode, done.stderr) == (0, "")
    assert [span.name for span in collector.spans] == ["last"]
    begin = time.monotonic()
    collector.answers.clear()
    assert run(code).returncode == 0
    assert time.monotonic() - begin < 30


def test_an_unreachable_endpoint_is_said_once_and_nothing_more() -> None:
    code = (
        "import logging, trackside\n"
        "trackside.enable_telemetry(endpoint='http://127.0.0.1:9')\n"
        "with trackside.span('lost'): pass\n"
        "logging.getLogger('host').error('on')\n"
        "assert not trackside.flush(0.5)\n"
        "assert not trackside.flush(0.2)\n"
        "status = trackside.status()\n"
        "assert status.traces.waiting == 1 and status.logs.waiting == 1, status\n"
        "assert not trackside.shutdown(0)\n"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "/v1/traces" in line]
    assert len(said) == 1 and "cannot" in said[0], done.stderr
    # What `logging` shows without any set-up is shown still.
    assert "on" in done.stderr.splitlines()


def test_counts_are_conserved(collector: Collector) -> None:
    trackside.enable_telemetry(endpoint=collector.url)
    for _ in range(100):
        with trackside.span("counted"):
            pass
    assert trackside.flush()
    traces = trackside.status().traces
    assert traces.recorded == traces.delivered == 100
    assert traces.dropped.total == traces.waiting == 0
    assert traces.last_success is not None


def test_the_service_is_named_by_its_classes() -> None:
    for classes, name in [
        (["Cart"], "shop.Cart"),
        (["Cart", "Till"], "-multi"),
        ([], "unknown_service:"),
    ]:
        code = "import trackside\n"
        for one in classes:
            code += f"@trackside.service(package='shop')\nclass {one}: pass\n"
        code += "trackside.enable_telemetry(endpoint='http://127.0.0.1:9')\n"
        code += "print(trackside.report())\n"
        code += "trackside.shutdown(0)\n"
        done = run(code)
        line = next(line for line in done.stdout.splitlines() if "service.name" in line)
        assert name in line
    code = "import trackside\n@trackside.service\nclass Own: pass\n"
    code += "trackside.enable_telemetry(endpoint='http://127.0.0.1:9')\nprint(trackside.report())\ntrackside.shutdown(0)\n"
    assert " Own " in run(code).stdout


def test_metrics_arrive(collector: Collector) -> None:
    jobs = trackside.counter("jobs", unit="{job}", description="Jobs done.")
    level = trackside.up_down_counter("level")
    heat = trackside.gauge("heat")
    wait = trackside.histogram("wait", unit="s", boundaries=[1.0, 2.0])
    trackside.enable_telemetry(endpoint=collector.url)
    bound = jobs.bind(queue="mail")
    bound.add(2)
    bound.add(3, kind="late")
    level.add(5)
    level.add(-2)
    heat.record(36.6, place="oven")
    wait.record(1.5)
    assert trackside.flush()
    points = collector.metric("jobs").sum.data_points
    by_kind = {attributes(point).get("kind"): point.as_int for point in points}
    assert by_kind == {None: 2, "late": 3}
    assert all(attributes(point)["queue"] == "mail" for point in points)
    assert collector.metric("jobs").unit == "{job}"
    assert collector.metric("level").sum.data_points[0].as_int == 3
    assert collector.metric("heat").gauge.data_points[0].as_double == 36.6
    point = collector.metric("wait").histogram.data_points[0]
    assert list(point.explicit_bounds) == [1.0, 2.0]
    assert list(point.bucket_counts) == [0, 1, 0]
