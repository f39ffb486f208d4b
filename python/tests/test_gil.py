"""The thread that exports never takes the GIL: it neither waits for Python's threads nor makes them wait."""

from __future__ import annotations

import ctypes
import os
import select
import subprocess
import sys
import threading

import pytest
import trackside
from conftest import Collector

SOON = 60
SPANS = 5_000

# A process of its own, since a server within this one would need the GIL that is held. It answers nothing before it is
# told to, and says when it has all of the spans.
SERVER = """
import gzip, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

go, done, expected = map(int, sys.argv[1:])
requests, spans = 0, 0

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global requests, spans
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if requests == 0:
            os.read(go, 1)
        requests += 1
        request = ExportTraceServiceRequest.FromString(body)
        spans += sum(len(scope.spans) for of in request.resource_spans for scope in of.scope_spans)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
        if spans == expected:
            os.write(done, b"%d" % requests)

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


class PollFd(ctypes.Structure):
    """A `struct pollfd`."""

    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


@pytest.mark.skipif(sys.platform == "win32", reason="poll of POSIX")
def test_an_export_goes_on_while_python_holds_the_gil(monkeypatch: pytest.MonkeyPatch) -> None:
    # Many requests: all but the first are sent after the server was told to answer.
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", str(2 * SPANS))
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    (go, tell), (done, say) = os.pipe(), os.pipe()
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(go), str(say), str(SPANS)],
        pass_fds=(go, say), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        trackside.enable_telemetry(endpoint=f"http://127.0.0.1:{server.stdout.readline().strip()}")
        for _ in range(SPANS):
            with trackside.span("load"):
                pass
        assert trackside.status().traces.delivered == 0
        # Functions of a PyDLL keep the GIL, however long they take.
        holds = ctypes.PyDLL(None)
        waited = PollFd(done, select.POLLIN, 0)
        assert holds.write(tell, b"x", 1) == 1
        assert holds.poll(ctypes.byref(waited), 1, SOON * 1000) == 1
        assert int(os.read(done, 16)) >= 10
        assert trackside.flush(SOON)
        assert trackside.status().traces.delivered == SPANS
    finally:
        server.kill()
        server.communicate()
        for fd in (go, tell, done, say):
            os.close(fd)


def test_python_goes_on_while_an_export_is_under_way(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", str(2 * SPANS))
    trackside.enable_telemetry(endpoint=collector.url)
    collector.answers.clear()
    for _ in range(SPANS):
        with trackside.span("load"):
            pass
    # In flight: the request is there, and its answer is not.
    assert collector.arrived.wait(SOON)
    counted = 0

    def count() -> None:
        nonlocal counted
        for _ in range(100_000):
            counted += 1

    thread = threading.Thread(target=count)
    thread.start()
    thread.join(SOON)
    assert counted == 100_000
    assert trackside.status().traces.delivered == 0
    collector.answers.set()
    assert trackside.flush(SOON)
    assert trackside.status().traces.delivered == SPANS == len(collector.spans)
