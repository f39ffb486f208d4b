"""What one call costs on the calling thread, here and with opentelemetry-python: SDK, batch processor, OTLP over HTTP.

Run by ``scripts/python --bench``. Each figure is the processor time of the calling thread for one call, the least of several
rounds in which the two take turns; each side is a process of its own. The server discards what it is sent.
"""

from __future__ import annotations

import json
import logging
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CALLS = 20_000
ROUNDS = 7


class Discards(BaseHTTPRequestHandler):
    """Answers 200 to everything."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def cost(call: Callable[[], None]) -> float:
    """Nanoseconds of this thread for one call."""
    begin = time.thread_time_ns()
    for _ in range(CALLS):
        call()
    return (time.thread_time_ns() - begin) / CALLS


def quiet() -> logging.Logger:
    """A logger whose records nobody shows."""
    log = logging.getLogger("bench")
    log.addHandler(logging.NullHandler())
    return log


def ours(url: str) -> dict[str, Callable[[], None]]:
    """With this package."""
    import trackside

    trackside.enable_telemetry(endpoint=url)
    counter = trackside.counter("jobs")
    bound = counter.bind(queue="mail")
    log = quiet()

    def span() -> None:
        with trackside.span("load", table="orders", rows=3, share=0.5, cached=True):
            pass

    return {
        "span, 4 attributes": span,
        "log record": lambda: log.warning("queue of %d", 9, extra={"user": "ada"}),
        "counter, 1 attribute": lambda: counter.add(1, queue="mail"),
        "counter, bound": lambda: bound.add(1),
    }


def theirs(url: str) -> dict[str, Callable[[], None]]:
    """With opentelemetry-python."""
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    traces = TracerProvider()
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url + "/v1/traces")))
    tracer = traces.get_tracer("bench")
    logs = LoggerProvider()
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(url + "/v1/logs")))
    logging.getLogger().addHandler(LoggingHandler(logging.INFO, logs))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(url + "/v1/metrics"))
    counter = MeterProvider([reader]).get_meter("bench").create_counter("jobs")
    log = quiet()

    def span() -> None:
        attributes: dict[str, str | float | bool] = {"table": "orders", "rows": 3, "share": 0.5, "cached": True}
        with tracer.start_as_current_span("load", attributes=attributes):
            pass

    return {
        "span, 4 attributes": span,
        "log record": lambda: log.warning("queue of %d", 9, extra={"user": "ada"}),
        "counter, 1 attribute": lambda: counter.add(1, {"queue": "mail"}),
    }


def nothing() -> dict[str, Callable[[], None]]:
    """Without telemetry: what `logging` itself costs."""
    log = quiet()
    return {"log record": lambda: log.warning("queue of %d", 9, extra={"user": "ada"})}


def child(side: str, url: str) -> None:
    """Measures one round for each line that comes in."""
    calls = {"ours": lambda: ours(url), "theirs": lambda: theirs(url), "nothing": nothing}[side]()
    for call in calls.values():
        call()
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps({name: cost(call) for name, call in calls.items()}), flush=True)


def main() -> None:
    """Compare."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Discards)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    sides = ("ours", "theirs", "nothing")
    children = {
        side: subprocess.Popen(
            [sys.executable, __file__, side, url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for side in sides
    }  # fmt: skip
    least: dict[str, dict[str, float]] = {side: {} for side in sides}
    for process in children.values():
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for _ in range(ROUNDS):
        for side, process in children.items():
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            for name, found in json.loads(process.stdout.readline()).items():
                least[side][name] = min(found, least[side].get(name, found))
    for process in children.values():
        assert process.stdin is not None
        process.stdin.close()
        process.kill()
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}")
    print(f"{'ns on the calling thread':<26}{'trackside':>10}{'otel':>10}{'logging':>10}{'ratio':>8}")
    for name, here in least["ours"].items():
        there = least["theirs"].get(name)
        alone = least["nothing"].get(name)
        ratio = "" if there is None else f"{there / here:.1f}"
        if there is not None and alone is not None:
            ratio += f" ({(there - alone) / max(here - alone, 1):.1f} without logging's own)"
        shown = [f"{number:.0f}" if number is not None else "" for number in (here, there, alone)]
        print(f"{name:<26}{shown[0]:>10}{shown[1]:>10}{shown[2]:>10}   {ratio}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        child(sys.argv[1], sys.argv[2])
    else:
        main()
