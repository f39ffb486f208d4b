//! Our exporters in the SDK's own providers: what arrives, what an export answers, and how it ends.

#![cfg(feature = "telemetry")]

mod support;

use std::collections::HashMap;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant, SystemTime};

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _,
    TraceFlags, TraceId, TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Array, Context, InstrumentationScope, KeyValue, Value};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Wire;
use opentelemetry_proto::tonic::common::v1::{KeyValue as WirePair, KeyValueList};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter as _;
use opentelemetry_sdk::metrics::{SdkMeterProvider, Temporality};
use opentelemetry_sdk::trace::{
    Sampler, SdkTracerProvider, SpanData, SpanEvents, SpanExporter as _, SpanLinks,
};
use prost::Message as _;
use support::SOON;
use support::collector::{Collector, Step};
use trackside::export::sdk::{LogExporter, MetricExporter, SpanExporter};

fn spans_to(url: &str) -> SpanExporter {
    let builder = SpanExporter::builder().with_endpoint(url).with_timeout(SOON);
    builder.build().expect("a good endpoint")
}

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

fn span_data(name: &'static str) -> SpanData {
    let (trace, span) = (TraceId::from(7), SpanId::from(9));
    SpanData {
        span_context: SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: name.into(),
        start_time: SystemTime::UNIX_EPOCH,
        end_time: SystemTime::UNIX_EPOCH + Duration::from_nanos(5),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Awaits with no runtime at all.
fn wait<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let (mut future, end) = (pin!(future), Instant::now() + 2 * SOON);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
            return output;
        }
        assert!(Instant::now() < end, "no answer");
        std::thread::park_timeout(SOON);
    }
}

fn export(exporter: &SpanExporter) -> OTelSdkResult {
    wait(exporter.export(vec![span_data("one")]))
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

#[test]
fn a_busy_peer_gets_it_once_more() {
    let collector = Collector::start();
    collector.script(vec![Step::status(503), Step::status(200)]);
    export(&spans_to(&collector.url())).expect("the second attempt is acknowledged");
    assert_eq!(collector.requests().len(), 2);
    assert_eq!(collector.spans().len(), 1);
}

#[test]
fn a_refusal_is_an_error_that_names_the_status() {
    let collector = Collector::start();
    collector.script(vec![Step::status(400)]);
    let error = export(&spans_to(&collector.url())).unwrap_err();
    assert!(matches!(error, OTelSdkError::InternalFailure(_)), "{error:?}");
    assert!(error.to_string().contains("400"), "{error}");
    assert_eq!(collector.requests().len(), 1, "it is not tried again");
}

#[test]
fn a_partial_success_is_an_error_with_the_peers_words() {
    let collector = Collector::start();
    let partial =
        ExportTracePartialSuccess { rejected_spans: 1, error_message: "too old".to_owned() };
    let body = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    collector.script(vec![Step::Answer { status: 200, headers: Vec::new(), body }]);
    let error = export(&spans_to(&collector.url())).unwrap_err().to_string();
    assert!(error.contains("1 of 1") && error.contains("too old"), "{error}");
}

#[test]
fn a_refused_connection_is_an_error_with_its_cause_within_the_timeout() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let limit = Duration::from_millis(600);
    let exporter = SpanExporter::builder().with_endpoint(&url).with_timeout(limit).build().unwrap();
    let begin = Instant::now();
    let error = export(&exporter).unwrap_err().to_string();
    assert!(begin.elapsed() < limit + Duration::from_secs(5), "{:?}", begin.elapsed());
    assert!(error.contains("Connection refused"), "{error}");
}

#[test]
fn silence_is_a_timeout() {
    let collector = Collector::start();
    collector.script(vec![Step::NeverAnswer]);
    let limit = Duration::from_millis(200);
    let builder = SpanExporter::builder().with_endpoint(&collector.url()).with_timeout(limit);
    let error = export(&builder.build().unwrap()).unwrap_err();
    assert!(matches!(error, OTelSdkError::Timeout(of) if of == limit), "{error:?}");
}

#[test]
fn a_shutdown_leaves_the_others_and_takes_nothing_more() {
    let collector = Collector::start();
    let (one, other) = (spans_to(&collector.url()), spans_to(&collector.url()));
    export(&one).expect("it is alive");
    one.shutdown().expect("nothing is under way");
    assert!(matches!(export(&one), Err(OTelSdkError::AlreadyShutdown)));
    assert!(matches!(one.force_flush(), Err(OTelSdkError::AlreadyShutdown)));
    assert!(matches!(one.shutdown(), Err(OTelSdkError::AlreadyShutdown)));
    export(&other).expect("the other one lives");
    assert_eq!(collector.spans().len(), 2);
}

#[test]
fn a_shutdown_keeps_its_deadline_and_answers_what_it_gives_up() {
    let collector = Collector::start();
    collector.script(vec![Step::NeverAnswer]);
    let exporter = spans_to(&collector.url());
    let pending = exporter.export(vec![span_data("one")]);
    collector.wait_for(1, SOON);
    let within = Duration::from_millis(50);
    let ended = exporter.shutdown_with_timeout(within);
    assert!(matches!(ended, Err(OTelSdkError::Timeout(of)) if of == within), "{ended:?}");
    assert!(matches!(wait(pending), Err(OTelSdkError::AlreadyShutdown)));
}

#[test]
fn a_flush_waits_for_what_is_under_way() {
    let collector = Collector::start();
    let gate = collector.gate();
    collector.script(vec![Step::Hold(gate.clone(), Box::new(Step::status(200)))]);
    let exporter = spans_to(&collector.url());
    let mut pending = pin!(exporter.export(vec![span_data("one")]));
    collector.wait_for(1, SOON);
    let mut cx = TaskContext::from_waker(Waker::noop());
    assert!(pending.as_mut().poll(&mut cx).is_pending());
    gate.release();
    exporter.force_flush().expect("the answer comes");
    assert!(matches!(pending.as_mut().poll(&mut cx), Poll::Ready(Ok(()))));
}

#[test]
fn an_empty_batch_is_ok_and_sends_nothing() {
    let collector = Collector::start();
    wait(spans_to(&collector.url()).export(Vec::new())).expect("nothing can fail");
    let metrics = MetricExporter::builder().with_endpoint(&collector.url()).build().unwrap();
    wait(metrics.export(&Default::default())).expect("nothing can fail");
    assert_eq!(collector.connections(), 0);
}

#[test]
fn eight_threads_share_one_exporter() {
    let collector = Collector::start();
    let exporter = spans_to(&collector.url());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| export(&exporter).expect("it is acknowledged")));
        }
    });
    assert_eq!(collector.spans().len(), 400);
}

#[test]
fn every_kind_of_runtime_will_do() {
    let collector = Collector::start();
    let exporter = Arc::new(spans_to(&collector.url()));
    let one = || vec![span_data("one")];
    let current = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    current.block_on(exporter.export(one())).expect("inside current_thread");
    current.block_on(async { export(&exporter) }).expect("blocking the current thread");
    current.block_on(async { exporter.force_flush() }).expect("a flush that blocks it");
    let local = tokio::task::LocalSet::new();
    let shared = Arc::clone(&exporter);
    let task = local.spawn_local(async move { shared.export(vec![span_data("one")]).await });
    local.block_on(&current, task).expect("no panic").expect("inside a LocalSet");
    let shared = Arc::clone(&exporter);
    let task = many.spawn(async move { shared.export(vec![span_data("one")]).await });
    many.block_on(task).expect("no panic").expect("on a worker thread");
    let shared = Arc::clone(&exporter);
    let task = many.spawn_blocking(move || export(&shared));
    many.block_on(task).expect("no panic").expect("inside spawn_blocking");
    assert_eq!(collector.spans().len(), 5);
}

#[test]
fn all_exporters_share_one_thread() {
    let exporters: Vec<_> = (0..5).map(|_| spans_to("http://localhost:9")).collect();
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    let ours = names.filter(|name| name.trim() == "trackside-sdk").count();
    assert_eq!(ours, usize::from(cfg!(target_os = "linux")), "{exporters:?}");
}

#[test]
fn bad_arguments_are_named_and_secrets_are_not_shown() {
    let builder = || SpanExporter::builder().with_header("authorization", "hunter2hunter2");
    let error = builder().with_endpoint("gopher://x").build().unwrap_err().to_string();
    assert!(error.contains("with_endpoint") && error.contains("gopher"), "{error}");
    let error = builder().with_header("a b", "hunter2hunter2").build().unwrap_err().to_string();
    assert!(error.contains("with_header") && !error.contains("hunter2"), "{error}");
    assert!(!format!("{:?} {:?}", builder(), builder().build()).contains("hunter2"));
}

#[test]
fn headers_and_gzip_reach_the_peer() {
    let collector = Collector::start();
    let builder = SpanExporter::builder().with_endpoint(&collector.url()).with_gzip(true);
    let exporter = builder.with_header("x-tenant", "blue").build().unwrap();
    wait(exporter.export(vec![span_data("long"); 100])).expect("it is acknowledged");
    let request = collector.wait_for(1, SOON).remove(0);
    assert_eq!(request.path, "/v1/traces");
    assert_eq!(request.header("x-tenant"), ["blue"]);
    assert_eq!(request.header("content-encoding"), ["gzip"]);
    assert!(request.raw_length < request.body.len());
}
