//! Our exporters in the SDK's own providers: each value arrives as it was.

#![cfg(feature = "telemetry")]

mod support;

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _,
    TraceFlags, TraceId, TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Array, Context, InstrumentationScope, KeyValue, Value};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Wire;
use opentelemetry_proto::tonic::common::v1::{KeyValue as WirePair, KeyValueList};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter as _;
use opentelemetry_sdk::metrics::{SdkMeterProvider, Temporality};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanExporter as _};
use prost::Message as _;
use support::SOON;
use support::collector::Collector;
use support::sdk::{span_data, spans_to, wait};
use trackside::export::sdk::{LogExporter, MetricExporter};

fn resource() -> Resource {
    Resource::builder_empty()
        .with_schema_url(
            [KeyValue::new("service.name", "shop"), KeyValue::new("replicas", 3)],
            "https://schema/resource",
        )
        .build()
}

fn scope(name: &'static str) -> InstrumentationScope {
    InstrumentationScope::builder(name)
        .with_version("1.2")
        .with_schema_url("https://schema/scope")
        .with_attributes([KeyValue::new("of", "scope")])
        .build()
}

fn pair(key: &str, value: Wire) -> WirePair {
    let value = opentelemetry_proto::tonic::common::v1::AnyValue { value: Some(value) };
    WirePair { key: key.into(), value: Some(value), ..WirePair::default() }
}

fn text(value: &str) -> Wire {
    Wire::StringValue(value.into())
}

fn list(values: Vec<Wire>) -> Wire {
    let value = |value| opentelemetry_proto::tonic::common::v1::AnyValue { value: Some(value) };
    Wire::ArrayValue(opentelemetry_proto::tonic::common::v1::ArrayValue {
        values: values.into_iter().map(value).collect(),
    })
}

/// The resource, then the scope, as they must arrive.
macro_rules! assert_origin {
    ($of_resource:expr, $scopes:ident) => {{
        let resource = $of_resource.resource.as_ref().expect("a resource");
        let expected = [pair("replicas", Wire::IntValue(3)), pair("service.name", text("shop"))];
        assert_eq!(resource.attributes, expected);
        assert_eq!($of_resource.schema_url, "https://schema/resource");
        let first = $of_resource.$scopes[0].scope.as_ref().expect("a scope");
        assert_eq!((first.name.as_str(), first.version.as_str()), ("first", "1.2"));
        assert_eq!(first.attributes, [pair("of", text("scope"))]);
        assert_eq!($of_resource.$scopes[0].schema_url, "https://schema/scope");
    }};
}

#[test]
fn a_span_arrives_as_it_was() {
    let collector = Collector::start();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource())
        .with_sampler(Sampler::AlwaysOn)
        .with_max_attributes_per_span(6)
        .with_max_events_per_span(1)
        .with_max_links_per_span(1)
        .with_batch_exporter(spans_to(&collector.url()))
        .build();
    let state = TraceState::from_key_value([("vendor", "x"), ("other", "y")]).unwrap();
    let context = |span: u64| {
        SpanContext::new(7.into(), span.into(), TraceFlags::SAMPLED, true, state.clone())
    };
    let remote = Context::new().with_remote_span_context(context(0xABC));
    let link = |span| Link::new(context(span), vec![KeyValue::new("of", "link")], 4);
    let tracer = provider.tracer_with_scope(scope("first"));
    let (start, end) = (SystemTime::now(), SystemTime::now() + Duration::from_micros(17));
    let builder = SpanBuilder::from_name("load")
        .with_kind(SpanKind::Consumer)
        .with_start_time(start)
        .with_links(vec![link(1), link(2)])
        .with_attributes([
            KeyValue::new("bool", true),
            KeyValue::new("i64", -3),
            KeyValue::new("f64", 0.5),
            KeyValue::new("str", "text"),
            KeyValue::new("texts", Value::Array(Array::String(vec!["a".into(), "b".into()]))),
            KeyValue::new("numbers", Value::Array(Array::I64(vec![1, 2]))),
            KeyValue::new("beyond", 1),
        ]);
    let mut span = tracer.build_with_context(builder, &remote);
    span.add_event_with_timestamp("hit", start, vec![KeyValue::new("of", "event")]);
    span.add_event("beyond", Vec::new());
    span.set_status(Status::error("broken"));
    let own = span.span_context().clone();
    span.end_with_timestamp(end);
    provider.tracer_with_scope(scope("second")).start("other").end();
    provider.force_flush().expect("the collector answers");
    provider.shutdown().expect("nothing is left");

    let decoded = collector.wait_for(1, SOON)[0].decode();
    let [of_resource] = &decoded.resource_spans[..] else { panic!("{decoded:?}") };
    assert_origin!(of_resource, scope_spans);
    let [first, second] = &of_resource.scope_spans[..] else { panic!("{of_resource:?}") };
    assert_eq!(second.spans[0].name, "other");
    let nanos = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    let span = &first.spans[0];
    assert_eq!(span.trace_id, 7_u128.to_be_bytes());
    assert_eq!(span.span_id, own.span_id().to_bytes());
    assert_eq!(span.parent_span_id, 0xABC_u64.to_be_bytes());
    assert_eq!(span.flags, 0x301, "sampled, and the parent is remote");
    assert_eq!(span.trace_state, "vendor=x,other=y");
    assert_eq!((span.name.as_str(), span.kind), ("load", 5));
    assert_eq!(u128::from(span.start_time_unix_nano), nanos(start));
    assert_eq!(u128::from(span.end_time_unix_nano), nanos(end));
    let expected = [
        pair("bool", Wire::BoolValue(true)),
        pair("i64", Wire::IntValue(-3)),
        pair("f64", Wire::DoubleValue(0.5)),
        pair("str", text("text")),
        pair("texts", list(vec![text("a"), text("b")])),
        pair("numbers", list(vec![Wire::IntValue(1), Wire::IntValue(2)])),
    ];
    assert_eq!(span.attributes, expected);
    assert_eq!(span.dropped_attributes_count, 1);
    assert_eq!((span.events.len(), span.dropped_events_count), (1, 1));
    assert_eq!(span.events[0].name, "hit");
    assert_eq!(u128::from(span.events[0].time_unix_nano), nanos(start));
    assert_eq!(span.events[0].attributes, [pair("of", text("event"))]);
    assert_eq!((span.links.len(), span.dropped_links_count), (1, 1));
    assert_eq!(span.links[0].span_id, 1_u64.to_be_bytes());
    assert_eq!(span.links[0].flags, 0x301);
    assert_eq!(span.links[0].trace_state, "vendor=x,other=y");
    assert_eq!(span.links[0].attributes, [pair("of", text("link"))]);
    let status = span.status.as_ref().expect("a status");
    assert_eq!((status.message.as_str(), status.code), ("broken", 2));
}

#[test]
fn what_was_dropped_is_told() {
    let collector = Collector::start();
    let mut span = span_data("full");
    span.dropped_attributes_count = 1;
    span.events.dropped_count = 2;
    let event = opentelemetry::trace::Event::new("hit", span.end_time, Vec::new(), 3);
    span.events.events.push(event);
    span.links.dropped_count = 4;
    span.links.links.push(Link::new(span.span_context.clone(), Vec::new(), 5));
    wait(spans_to(&collector.url()).export(vec![span])).expect("it is acknowledged");
    let span = collector.spans().remove(0);
    assert_eq!(span.dropped_attributes_count, 1);
    assert_eq!((span.dropped_events_count, span.events[0].dropped_attributes_count), (2, 3));
    assert_eq!((span.dropped_links_count, span.links[0].dropped_attributes_count), (4, 5));
    assert_eq!((span.flags, span.links[0].flags), (0x101, 0x101), "nothing is remote");
}

#[test]
fn a_log_record_arrives_as_it_was() {
    let collector = Collector::start();
    let exporter = LogExporter::builder().with_endpoint(&collector.url()).build().unwrap();
    let provider = SdkLoggerProvider::builder()
        .with_resource(resource())
        .with_batch_exporter(exporter)
        .build();
    let logger = provider.logger_with_scope(scope("first"));
    let mut record = logger.create_log_record();
    let at = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_234_567_891);
    record.set_timestamp(at);
    record.set_observed_timestamp(at + Duration::from_nanos(1));
    record.set_severity_number(Severity::Warn2);
    record.set_severity_text("careful");
    record.set_event_name("low");
    let map = HashMap::from([
        ("b".into(), AnyValue::Bytes(Box::new(vec![1, 2]))),
        ("a".into(), AnyValue::ListAny(Box::new(vec![AnyValue::Int(1), AnyValue::Boolean(true)]))),
    ]);
    record.set_body(AnyValue::Map(Box::new(map)));
    record.add_attribute("stock", 2.5);
    record.set_trace_context(TraceId::from(7), SpanId::from(9), Some(TraceFlags::SAMPLED));
    logger.emit(record);
    let mut targeted = logger.create_log_record();
    targeted.set_target("shop::cart");
    logger.emit(targeted);
    provider.shutdown().expect("nothing is left");

    let body = collector.wait_for(1, SOON).remove(0).body;
    let decoded = ExportLogsServiceRequest::decode(&body[..]).expect("the body is OTLP");
    let of_resource = &decoded.resource_logs[0];
    assert_origin!(of_resource, scope_logs);
    assert_eq!(of_resource.scope_logs[1].scope.as_ref().unwrap().name, "shop::cart");
    let log = &of_resource.scope_logs[0].log_records[0];
    assert_eq!((log.time_unix_nano, log.observed_time_unix_nano), (1_234_567_891, 1_234_567_892));
    assert_eq!((log.severity_number, log.severity_text.as_str()), (14, "careful"));
    assert_eq!(log.event_name, "low");
    let values = vec![
        pair("a", list(vec![Wire::IntValue(1), Wire::BoolValue(true)])),
        pair("b", Wire::BytesValue(vec![1, 2])),
    ];
    let expected = Wire::KvlistValue(KeyValueList { values });
    assert_eq!(log.body.as_ref().and_then(|body| body.value.as_ref()), Some(&expected));
    assert_eq!(log.attributes, [pair("stock", Wire::DoubleValue(2.5))]);
    assert_eq!(
        (&log.trace_id[..], &log.span_id[..]),
        (&7_u128.to_be_bytes()[..], &9_u64.to_be_bytes()[..])
    );
    assert_eq!(log.flags, 1);
}

#[test]
fn metrics_arrive_at_the_readers_interval() {
    let collector = Collector::start();
    let exporter = MetricExporter::builder().with_endpoint(&collector.url()).build().unwrap();
    assert_eq!(exporter.temporality(), Temporality::Cumulative);
    let reader = opentelemetry_sdk::metrics::PeriodicReader::builder(exporter)
        .with_interval(Duration::from_millis(20))
        .build();
    let provider =
        SdkMeterProvider::builder().with_resource(resource()).with_reader(reader).build();
    let meter = provider.meter_with_scope(scope("first"));
    meter.u64_counter("jobs").build().add(5, &[KeyValue::new("queue", "mail")]);
    let requests = collector.wait_for(2, SOON);
    provider.shutdown().expect("the collector answers");
    let decoded = ExportMetricsServiceRequest::decode(&requests[1].body[..]).unwrap();
    assert_origin!(&decoded.resource_metrics[0], scope_metrics);
    assert_eq!(
        support::metrics::series(&requests[1]),
        [("jobs{queue=mail}".to_owned(), 5.0)].into()
    );

    let delta = MetricExporter::builder().with_temporality(Temporality::Delta).build().unwrap();
    assert_eq!(delta.temporality(), Temporality::Delta);
}
