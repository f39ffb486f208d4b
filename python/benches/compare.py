"""What one call costs on the calling thread, here and with opentelemetry-python: SDK, batch processor, OTLP over HTTP.

Run by ``scripts/python --bench [RECORD]``, which writes the figures to the file RECORD, too. Each figure is the processor
time of the calling thread for one call, the least of several rounds in which the sides take turns; each side is a process
of its own. What was recorded is flushed after each burst, outside of the measurement: no queue overflows, and a call that
throws its record away would be a cheap one. The server counts what arrives.
"""

from __future__ import annotations

import csv
import gzip
import json
import logging
import os
import platform
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# Less than the 512 at which opentelemetry-python's batch is full and its thread begins to export.
BURST = 250
BURSTS = 16
ROUNDS = 7

SPAN, COUNTER, BOUND = "span, 4 attributes", "counter, 1 attribute", "counter, bound"
LOGS = {
    "log record, argument and extra": "bench.extra",
    "log record, text alone": "bench.plain",
    "log record in a span": "bench.span",
}
SIDES = {"ours": "trackside", "theirs": "opentelemetry-python", "alone": "logging alone"}


class Side:
    """What one side does, by task, and what makes it send."""

    def __init__(self) -> None:
        self.calls: dict[str, Callable[[], object]] = {}
        self.flush: Callable[[], object] = lambda: None
        # A span that is open while the records of one task are made.
        self.around: Callable[[], Any] | None = None

    def log(self) -> None:
        """Add the records of `logging`, which nobody shows."""
        logging.getLogger("bench").addHandler(logging.NullHandler())
        extra, plain, span = (logging.getLogger(name) for name in LOGS.values())
        names = list(LOGS)
        self.calls[names[0]] = lambda: extra.warning("queue of %d", 9, extra={"user": "ada"})
        self.calls[names[1]] = lambda: plain.warning("queue is long")
        self.calls[names[2]] = lambda: span.warning("queue is long")

    def measure(self, task: str) -> float:
        """Nanoseconds of this thread for one call."""
        call, spent = self.calls[task], 0
        around = self.around() if self.around and task.endswith("in a span") else None
        if around is not None:
            around.__enter__()
        for _ in range(BURSTS):
            begin = time.thread_time_ns()
            for _ in range(BURST):
                call()
            spent += time.thread_time_ns() - begin
            self.flush()
        if around is not None:
            around.__exit__(None, None, None)
        return spent / (BURSTS * BURST)


def ours(url: str) -> Side:
    """With this package."""
    import trackside

    trackside.enable_telemetry(endpoint=url)
    counter = trackside.counter("jobs")
    bound = trackside.counter("bound_jobs").bind(queue="mail")

    def span() -> None:
        with trackside.span("load", table="orders", rows=3, share=0.5, cached=True):
            pass

    side = Side()
    side.calls[SPAN] = span
    side.log()
    side.calls[COUNTER] = lambda: counter.add(1, queue="mail")
    side.calls[BOUND] = lambda: bound.add(1)
    side.flush = lambda: trackside.flush(60)
    side.around = lambda: trackside.span("around")
    return side


def theirs(url: str) -> Side:
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
    metrics = MeterProvider(
        [PeriodicExportingMetricReader(OTLPMetricExporter(url + "/v1/metrics"))]
    )
    counter = metrics.get_meter("bench").create_counter("jobs")

    def span() -> None:
        attributes: dict[str, str | float | bool] = {"table": "orders", "rows": 3, "share": 0.5, "cached": True}  # fmt: skip
        with tracer.start_as_current_span("load", attributes=attributes):
            pass

    side = Side()
    side.calls[SPAN] = span
    side.log()
    side.calls[COUNTER] = lambda: counter.add(1, {"queue": "mail"})
    side.flush = lambda: (traces.force_flush(), logs.force_flush(), metrics.force_flush())
    side.around = lambda: tracer.start_as_current_span("around")
    return side


def alone(_: str) -> Side:
    """Without telemetry: what `logging` itself costs, with a handler that does nothing."""
    side = Side()
    side.log()
    return side


def child(side: Side) -> None:
    """Measures one round for each line that comes in."""
    for call in side.calls.values():
        call()
    side.flush()
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps({task: side.measure(task) for task in side.calls}), flush=True)


class Counting(ThreadingHTTPServer):
    """Answers 200 to everything, and counts the items of each side and task."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Counts)
        self.delivered: Counter[tuple[str, str]] = Counter()
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Counts(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Counting

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        _, side, _, signal = self.path.split("/")
        found = items(signal, body)
        with self.server.lock:
            for task, number in found.items():
                # Sums are cumulative; spans and records are not.
                if signal == "metrics":
                    self.server.delivered[side, task] = number
                else:
                    self.server.delivered[side, task] += number
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def items(signal: str, body: bytes) -> Counter[str]:
    """How many of each task are in a request."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found: Counter[str] = Counter()
    if signal == "traces":
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                found[SPAN] += sum(span.name == "load" for span in scope.spans)
    elif signal == "logs":
        tasks = {logger: task for task, logger in LOGS.items()}
        for of in ExportLogsServiceRequest.FromString(body).resource_logs:
            for records in of.scope_logs:
                if records.scope.name in tasks:
                    found[tasks[records.scope.name]] += len(records.log_records)
    else:
        tasks = {"jobs": COUNTER, "bound_jobs": BOUND}
        for owner in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for metrics in owner.scope_metrics:
                for metric in metrics.metrics:
                    if metric.name in tasks:
                        found[tasks[metric.name]] = sum(p.as_int for p in metric.sum.data_points)
    return found


def measured(server: Counting) -> dict[str, dict[str, float]]:
    """The least of the rounds, by side and task."""
    children = {
        side: subprocess.Popen(
            [sys.executable, __file__, "--side", side, f"{server.url}/{side}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for side in SIDES
    }  # fmt: skip
    least: dict[str, dict[str, float]] = {side: {} for side in SIDES}
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
        process.wait(60)
    return least


def rows(server: Counting) -> list[dict[str, str]]:
    """A row for each task and side; ratios say how often a call of opentelemetry-python's costs this one."""
    least = measured(server)
    # As called: one more for each task, before the rounds.
    submitted = 1 + ROUNDS * BURSTS * BURST
    made = []
    for task in least["ours"]:
        there, without = least["theirs"].get(task), least["alone"].get(task)
        for side, variant in SIDES.items():
            here = least[side].get(task)
            if here is None:
                continue
            net = None if without is None or side == "alone" else here - without
            row = {"task": task, "variant": variant, "nanoseconds": f"{here:.0f}"}
            row["net_nanoseconds"] = "" if net is None else f"{net:.0f}"
            row["ratio"] = "" if there is None else f"{there / here:.2f}"
            row["net_ratio"] = ""
            if net is not None and there is not None and without is not None:
                row["net_ratio"] = f"{(there - without) / max(net, 1):.2f}"
            row["submitted"] = "" if side == "alone" else str(submitted)
            row["delivered"] = "" if side == "alone" else str(server.delivered[side, task])
            made.append(row)
    return made


def machine() -> str:
    """The processor, and how many of it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))  # fmt: skip
    except (OSError, StopIteration):
        model = platform.machine()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model} x {os.cpu_count()}; {python}"


def main() -> None:
    """Compare."""
    found = rows(Counting())
    print(machine())
    names = ["nanoseconds", "net_nanoseconds", "ratio", "net_ratio", "submitted", "delivered"]
    print(f"{'task':<32}{'variant':<22}" + "".join(f"{name:>17}" for name in names))
    for row in found:
        print(f"{row['task']:<32}{row['variant']:<22}" + "".join(f"{row[name]:>17}" for name in names))
    if len(sys.argv) == 2:
        load = f"{os.getloadavg()[2]:.2f}" if hasattr(os, "getloadavg") else "unknown"
        head = {"machine": machine(), "load": load, "command": f"scripts/python --bench {sys.argv[1]}"}
        with open(sys.argv[1], "w", newline="") as file:
            writer = csv.DictWriter(file, [*head, *found[0]], lineterminator="\n")
            writer.writeheader()
            writer.writerows(head | row for row in found)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        child({"ours": ours, "theirs": theirs, "alone": alone}[sys.argv[2]](sys.argv[3]))
    else:
        main()
