"""OTLP over gRPC, to the server that the gRPC project makes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
import trackside
from conftest import REQUESTS, Collector, attributes

SERVICES = {
    "trace.v1.TraceService": REQUESTS["/v1/traces"],
    "metrics.v1.MetricsService": REQUESTS["/v1/metrics"],
    "logs.v1.LogsService": REQUESTS["/v1/logs"],
}


@pytest.fixture
def address(collector: Collector) -> Iterator[str]:
    """Where a gRPC server listens; what it takes is kept where the collector keeps its own."""

    def export(request: Any, context: Any) -> bytes:
        collector.requests.append(request)
        # An answer without a field.
        return b""

    server = grpc.server(ThreadPoolExecutor(2))
    for service, request in SERVICES.items():
        method = grpc.unary_unary_rpc_method_handler(export, request.FromString)  # type: ignore[attr-defined]
        name = f"opentelemetry.proto.collector.{service}"
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(name, {"Export": method}),)
        )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop(None).wait(10)


def test_three_signals_arrive_over_grpc(
    collector: Collector, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    jobs = trackside.counter("jobs.over.grpc")
    trackside.enable_telemetry(endpoint=address, service_name="shop")
    with trackside.span("order", item=7) as span:
        logging.getLogger("shop").warning("low on stock")
        trace = span.trace_id
    jobs.add(3, queue="mail")
    assert trackside.flush()

    (sent,) = collector.spans
    assert (sent.name, sent.trace_id.hex(), attributes(sent)["item"]) == ("order", trace, 7)
    ((scope, record),) = collector.logs
    assert (scope, record.body.string_value) == ("shop", "low on stock")
    assert record.span_id == sent.span_id
    (point,) = collector.metric("jobs.over.grpc").sum.data_points
    assert (point.as_int, attributes(point)) == (3, {"queue": "mail"})
    assert collector.resource()["service.name"] == "shop"
    status = trackside.status()
    assert (status.traces.delivered, status.logs.delivered) == (1, 1)
