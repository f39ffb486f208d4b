"""Processes that come from this one: each exports what is its own, once, and this one goes on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import trackside
from conftest import Collector

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

SOON = 60


def in_fork(child: Callable[[], None]) -> None:
    """Run it in a fork of this process, and wait until it has ended, well."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            # What hangs does not hang the test.
            signal.alarm(SOON)
            child()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    assert status == 0


def names(collector: Collector) -> Counter[str]:
    """How often each name arrived."""
    return Counter(span.name for span in collector.spans)


def test_a_fork_exports_its_own_and_the_parent_goes_on(collector: Collector) -> None:
    trackside.enable_telemetry(endpoint=collector.url)
    with trackside.span("before"):
        pass

    def child() -> None:
        with trackside.span("child"):
            import logging

            logging.getLogger("child").warning("logged")
        assert trackside.flush(SOON)
        assert trackside.status().traces.delivered == 1
        assert trackside.status().logs.delivered == 1

    for _ in range(2):
        in_fork(child)
    with trackside.span("parent"):
        pass
    assert trackside.flush(SOON)
    assert names(collector) == {"before": 1, "child": 2, "parent": 1}
    assert len({span.span_id for span in collector.spans}) == 4
    assert [name for name, _ in collector.logs] == ["child", "child"]


def test_a_current_span_is_a_parent_in_the_fork_and_is_sent_once(collector: Collector) -> None:
    trackside.enable_telemetry(endpoint=collector.url)
    with trackside.span("open") as span:

        def child() -> None:
            with trackside.span("below"):
                pass
            span.__exit__()
            assert trackside.flush(SOON)

        in_fork(child)
    assert trackside.flush(SOON)
    assert names(collector) == {"open": 1, "below": 1}
    below = next(one for one in collector.spans if one.name == "below")
    assert below.parent_span_id.hex() == span.span_id


def test_a_fork_that_records_nothing_starts_nothing(collector: Collector) -> None:
    trackside.enable_telemetry(endpoint=collector.url)

    def child() -> None:
        if sys.platform == "linux":
            assert len(os.listdir("/proc/self/task")) == 1

    in_fork(child)


WORKER = """
import multiprocessing, os, sys, trackside

def work(number):
    trackside.enable_telemetry(endpoint=sys.argv[1])
    with trackside.span("work"):
        pass

if __name__ == "__main__":
    trackside.enable_telemetry(endpoint=sys.argv[1])
    with trackside.span("parent"):
        context = multiprocessing.get_context(sys.argv[2])
        workers = [context.Process(target=work, args=(n,)) for n in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
            assert worker.exitcode == 0, worker.exitcode
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_multiprocessing_exports_once_per_worker(
    method: str, collector: Collector, tmp_path: Path
) -> None:
    assert method in multiprocessing.get_all_start_methods()
    script = tmp_path / "program.py"
    script.write_text(WORKER)
    done = subprocess.run(
        [sys.executable, str(script), collector.url, method],
        capture_output=True, text=True, timeout=2 * SOON,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert names(collector) == {"parent": 1, "work": 3}
    assert len({span.span_id for span in collector.spans}) == 4


APP = """
import os, trackside

trackside.enable_telemetry(endpoint=os.environ["ENDPOINT"])
with trackside.span("loaded"):
    pass

def app(environ, start_response):
    with trackside.span("request", pid=os.getpid()):
        start_response("200 OK", [("content-type", "text/plain")])
        return [str(os.getpid()).encode()]
"""


@pytest.mark.parametrize("preload", [[], ["--preload"]])
def test_gunicorn_exports_once_per_request(
    preload: list[str], collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "served.py").write_text(APP)
    bound = tmp_path / "bound"
    (tmp_path / "gunicorn.conf.py").write_text(
        f"def when_ready(server):\n    open({str(bound)!r} + '~', 'w').write(str(server.LISTENERS[0].sock.getsockname()[1]))\n"
        f"    import os; os.rename({str(bound)!r} + '~', {str(bound)!r})\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-w", "2", "-b", "127.0.0.1:0", *preload, "served:app"],
        cwd=tmp_path, env=os.environ | {"ENDPOINT": collector.url},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        end = time.monotonic() + SOON
        while not bound.exists():
            assert server.poll() is None and time.monotonic() < end, server.communicate()[0]
            time.sleep(0.01)
        url = f"http://127.0.0.1:{bound.read_text()}/"
        # More than one worker may take them all; each request is one span in any case.
        pids = {urllib.request.urlopen(url, timeout=SOON).read() for _ in range(20)}
        assert pids
    finally:
        server.terminate()
        said = server.communicate(timeout=SOON)[0]
    assert server.returncode == 0, said
    loaded = 1 if preload else 2
    assert names(collector) == {"loaded": loaded, "request": 20}, said
    assert len({span.span_id for span in collector.spans}) == 20 + loaded
