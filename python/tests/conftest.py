"""What the tests share: a collector that decodes what arrives, and a process without telemetry after each test."""

from __future__ import annotations

import gzip
import logging
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trackside
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS: dict[str, Callable[[], Any]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Collector:
    """An OTLP endpoint of its own: every request, decoded."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.answers = threading.Event()
        self.answers.set()
        self.arrived = threading.Event()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                request = REQUESTS[self.path]()
                request.ParseFromString(body)
                collector.arrived.set()
                collector.answers.wait(60)
                collector.requests.append(request)
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Answer nobody any more."""
        self.answers.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def _all(self, resources: str, scopes: str, items: str) -> list[Any]:
        found = []
        for request in list(self.requests):
            for resource in getattr(request, resources, ()):
                for scope in getattr(resource, scopes):
                    found += [(resource.resource, scope.scope, item) for item in getattr(scope, items)]
        return found

    @property
    def spans(self) -> list[Any]:
        """Each span."""
        return [item for *_, item in self._all("resource_spans", "scope_spans", "spans")]

    @property
    def logs(self) -> list[tuple[str, Any]]:
        """Each record with its logger's name."""
        return [
            (scope.name, item)
            for _, scope, item in self._all("resource_logs", "scope_logs", "log_records")
        ]

    @property
    def metrics(self) -> list[Any]:
        """Each metric of each collection."""
        return [item for *_, item in self._all("resource_metrics", "scope_metrics", "metrics")]

    def metric(self, name: str) -> Any:
        """The newest of that name."""
        found = [metric for metric in self.metrics if metric.name == name]
        assert found, f"no {name}; there are {sorted({metric.name for metric in self.metrics})}"
        return found[-1]

    def resource(self) -> dict[str, Any]:
        """The attributes of the first resource."""
        for request in self.requests:
            for field in ("resource_spans", "resource_metrics", "resource_logs"):
                for one in getattr(request, field, ()):
                    return attributes(one.resource)
        raise AssertionError("nothing arrived")


def plain(value: Any) -> Any:
    """A value of OTLP's as Python's."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: plain(item.value) for item in value.kvlist_value.values}
    return getattr(value, kind)


def attributes(of: Any) -> dict[str, Any]:
    """Attributes of OTLP's as a dictionary."""
    return {pair.key: plain(pair.value) for pair in of.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector for one test."""
    made = Collector()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No variables from outside, and nothing left behind."""
    for name in os.environ:
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    trackside.shutdown(1.0)
    root.setLevel(level)
    root.handlers[:] = handlers
