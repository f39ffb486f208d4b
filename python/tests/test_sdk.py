"""Our exporters in opentelemetry-python's own providers: every value that was recorded is compared at the receiver."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Collector, attributes, plain
from opentelemetry import context, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
    MetricExportResult,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceState
from trackside import otel

RESOURCE = Resource({"service.name": "shop", "replicas": 3, "zones": ["a", "b"]}, "https://schema")
OTHER = SpanContext(
    5, 6, is_remote=True, trace_flags=trace.TraceFlags(1), trace_state=TraceState([("k", "v")])
)


def assert_same(request: Any, expected: Any) -> None:
    """Every field; as text, so that a difference can be seen."""
    assert str(request).splitlines() == str(expected).splitlines()
    assert request == expected


def test_spans_arrive_whole(collector: Collector) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    provider.add_span_processor(BatchSpanProcessor(otel.SpanExporter(collector.url)))
    tracer = provider.get_tracer("lib", "1.2", "https://scope", {"a": 1})
    parent = trace.set_span_in_context(trace.NonRecordingSpan(OTHER))
    with tracer.start_as_current_span(
        "root", parent, SpanKind.SERVER, {"text": "x", "numbers": [1, 2], "share": 0.5, "is": True},
        [Link(OTHER, {"why": "because"})],
    ) as root:  # fmt: skip
        root.add_event("event", {"n": 1}, timestamp=1234)
        root.set_status(Status(StatusCode.ERROR, "broken"))
        with tracer.start_as_current_span("child", kind=SpanKind.CLIENT):
            pass
    provider.get_tracer("other").start_span("alone", context.Context()).end()
    assert provider.force_flush()
    [request] = collector.requests
    expected = encode_spans(kept.get_finished_spans())
    # The stock encoder leaves out the flags of `traceparent` and the states of links; OTLP has a place for both.
    own = {span.context.span_id: span.context.trace_flags for span in kept.get_finished_spans()}
    for resource in expected.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                span.flags |= own[int.from_bytes(span.span_id)]
                for link in span.links:
                    link.flags |= 1
                    link.trace_state = "k=v"
    assert_same(request, expected)
    arrived = {span.name: span for span in collector.spans}
    assert arrived["root"].trace_state == "k=v"
    assert arrived["root"].flags == 0x301
    assert arrived["child"].flags == 0x101
    assert arrived["alone"].flags & 0x301 == 0x101
    assert collector.resource() == {"service.name": "shop", "replicas": 3, "zones": ["a", "b"]} | {
        key: value for key, value in collector.resource().items() if key.startswith("telemetry.")
    }
    provider.shutdown()


def test_log_records_arrive_whole(collector: Collector) -> None:
    kept: Any = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(resource=RESOURCE)
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    provider.add_log_record_processor(BatchLogRecordProcessor(otel.LogExporter(collector.url)))
    logger = provider.get_logger("lib", "1.2")
    bodies: list[Any] = ["text", 7, 0.5, True, b"raw", ["a", 1, None], {"k": {"l": [1]}}, ""]
    for body in bodies:
        logger.emit(
            LogRecord(
                timestamp=11, observed_timestamp=12, severity_number=SeverityNumber.WARN,
                severity_text="warning", body=body, attributes={"a": 1, "deep": {"b": [1, "x"]}},
                event_name="happened",
                context=trace.set_span_in_context(trace.NonRecordingSpan(OTHER)),
            )
        )  # fmt: skip
    assert provider.force_flush()
    [request] = collector.requests
    assert_same(request, encode_logs(kept.get_finished_logs()))
    assert [plain(record.body) for _, record in collector.logs] == bodies
    provider.shutdown()


def measure(provider: MeterProvider) -> None:
    """One of each kind."""
    meter = provider.get_meter("lib", "1.2")
    counter = meter.create_counter("counter", "1", "counts")
    tracer = TracerProvider().get_tracer("any")
    with tracer.start_as_current_span("exemplary"):
        counter.add(3, {"k": "v", "dropped": 1})
        meter.create_histogram("histogram").record(7.5, {"a": [1, 2]})
    meter.create_counter("float_counter").add(0.5)
    meter.create_up_down_counter("level").add(-2)
    meter.create_gauge("gauge").set(36.6)
    exponential = meter.create_histogram("exponential")
    for value in (0.0, 1.0, 2.5, 1000.0):
        exponential.record(value)
    meter.create_observable_counter(
        "observed", [lambda _: [__import__("opentelemetry.metrics").metrics.Observation(9)]]
    )


VIEWS = [
    View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation()),
    View(instrument_name="counter", attribute_keys={"k"}),
]


def test_metrics_arrive_whole(collector: Collector) -> None:
    kept = InMemoryMetricReader()
    reader = PeriodicExportingMetricReader(otel.MetricExporter(collector.url), 600_000)
    provider = MeterProvider([kept, reader], RESOURCE, views=VIEWS)
    measure(provider)
    data = kept.get_metrics_data()
    assert data is not None
    expected = encode_metrics(data)
    assert otel.MetricExporter(collector.url).export(data) is MetricExportResult.SUCCESS
    assert_same(collector.requests[-1], expected)
    assert provider.force_flush()
    names = {metric.name for metric in collector.metrics}
    assert names == {
        "counter", "float_counter", "level", "gauge", "histogram", "exponential", "observed"
    }  # fmt: skip
    [point] = collector.metric("counter").sum.data_points
    assert point.as_int == 3 and attributes(point) == {"k": "v"}
    [exemplar] = point.exemplars
    assert exemplar.as_int == 3 and len(exemplar.trace_id) == 16
    assert {pair.key for pair in exemplar.filtered_attributes} == {"dropped"}
    assert collector.metric("counter").sum.aggregation_temporality == 2
    provider.shutdown()


@pytest.mark.parametrize(
    ("preference", "of_counter", "of_level"),
    [("cumulative", 2, 2), ("delta", 1, 2), ("lowmemory", 1, 2)],
)
def test_temporality_is_the_environments(
    preference: str, of_counter: int, of_level: int, collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference)
    reader = PeriodicExportingMetricReader(otel.MetricExporter(collector.url), 600_000)
    provider = MeterProvider([reader])
    measure(provider)
    assert provider.force_flush()
    assert collector.metric("counter").sum.aggregation_temporality == of_counter
    assert collector.metric("level").sum.aggregation_temporality == of_level
    provider.shutdown()


def test_an_unconfigured_exporter_is_cumulative() -> None:
    exporter = otel.MetricExporter()
    assert exporter._line.native.temporality == "cumulative"
    assert AggregationTemporality.DELTA not in (exporter._preferred_temporality or {}).values()


def test_a_failure_is_a_failure_and_the_next_one_arrives(collector: Collector) -> None:
    dead = otel.SpanExporter("http://127.0.0.1:9", timeout=0.2)
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    provider.get_tracer("any").start_span("one").end()
    spans = kept.get_finished_spans()
    assert dead.export(spans) is SpanExportResult.FAILURE
    assert otel.SpanExporter(collector.url).export(spans) is SpanExportResult.SUCCESS
    assert otel.SpanExporter(collector.url).export([]) is SpanExportResult.SUCCESS
    assert dead.export([object()]) is SpanExportResult.FAILURE  # type: ignore[list-item]
    with pytest.raises(ValueError, match="nowhere"):
        otel.SpanExporter("nowhere")


@pytest.mark.parametrize("exporter", [otel.SpanExporter, otel.LogExporter, otel.MetricExporter])
def test_a_protocol_that_cannot_be_spoken_is_named(
    exporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for protocol in ("http/json", "capnp", "smoke"):
        with pytest.raises(ValueError, match=protocol) as raised:
            exporter("http://127.0.0.1:9", protocol=protocol)
        assert "protocol" in str(raised.value)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
    with pytest.raises(ValueError, match="OTEL_EXPORTER_OTLP_PROTOCOL"):
        exporter("http://127.0.0.1:9")
    # An argument wins over a variable; both of these are spoken.
    for protocol in ("http/protobuf", "grpc"):
        made = exporter("http://127.0.0.1:9", protocol=protocol, timeout=0.2)
        made.shutdown()


def test_garbage_collection_in_flight_is_harmless(collector: Collector) -> None:
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(otel.SpanExporter(collector.url, timeout=60)))
    collector.answers.clear()
    for index in range(100):
        provider.get_tracer("any").start_span(str(index)).end()
    done: list[bool] = []
    flushing = threading.Thread(target=lambda: done.append(provider.force_flush()))
    flushing.start()
    for _ in range(5):
        gc.collect()
    collector.answers.set()
    flushing.join(30)
    assert done == [True]
    assert len(collector.spans) == 100
    provider.shutdown()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_has_exporters_of_its_own(collector: Collector) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(otel.SpanExporter(collector.url, timeout=20)))
    provider.get_tracer("any").start_span("before").end()
    pid = os.fork()
    if pid == 0:
        provider.get_tracer("any").start_span("child").end()
        os._exit(0)
    os.waitpid(pid, 0)
    provider.get_tracer("any").start_span("parent").end()
    assert [span.name for span in collector.spans] == ["before", "child", "parent"]
    provider.shutdown()


@pytest.fixture
def bridged() -> Iterator[Collector]:
    """Telemetry of ours, where the API of OpenTelemetry is in use."""
    import trackside

    made = Collector()
    trackside.enable_telemetry(endpoint=made.url)
    yield made
    trackside.shutdown(1)
    made.close()


def test_the_api_and_we_are_in_one_trace(bridged: Collector) -> None:
    import trackside

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("theirs")
    with trackside.span("ours.outer") as outer:
        assert trace.get_current_span().get_span_context().span_id == int(outer.span_id or "", 16)
        trace.get_current_span().set_attribute("by", "api")
        with tracer.start_as_current_span("theirs") as theirs, trackside.span("ours.inner"):
            with trackside.span("ours.innermost"):
                pass
    assert not trace.get_current_span().get_span_context().is_valid
    assert trackside.flush()
    ours = {span.name: span for span in bridged.spans}
    [their] = kept.get_finished_spans()
    assert their.parent is not None and their.parent.span_id == int(outer.span_id or "", 16)
    assert int(ours["ours.inner"].parent_span_id.hex(), 16) == theirs.get_span_context().span_id
    assert ours["ours.innermost"].parent_span_id == ours["ours.inner"].span_id
    assert len({span.trace_id for span in bridged.spans}) == 1
    assert attributes(ours["ours.outer"]) == {"by": "api"}
