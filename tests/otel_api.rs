//! Instrumentation written against the OpenTelemetry API lands in our pipeline, whole.

#![cfg(feature = "telemetry")]

mod support;

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context as Task, Poll};
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span as Exported;
use prost::Message as _;
use support::collector::Collector;
use support::metrics::collect;
use support::{SOON, assert_conserved, block_on, serial, start};
use tower_layer::Layer as _;
use tower_service::Service;
use trackside::otel::api::logs::{
    AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity,
};
use trackside::otel::api::propagation::TextMapPropagator as _;
use trackside::otel::api::trace::{
    Event, Link, Span as _, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _,
    TracerProvider as _,
};
use trackside::otel::api::{
    Array, Context, InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId, Value, global,
};
use trackside::otel::{self, Tracer};
use trackside::telemetry::{self, Kind};
use trackside::testing::{Capture, CapturedStatus, CapturedValue, ManualClock};

fn tracer() -> Tracer {
    let scope = InstrumentationScope::builder("shop").with_version("1.2").build();
    otel::tracer_provider().tracer_with_scope(scope)
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(seconds, 1)
}

fn other_span() -> SpanContext {
    let (trace, span) = (TraceId::from(7), SpanId::from(8));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, true, "k=v".parse().unwrap_or_default())
}

#[test]
fn every_field_of_a_span_arrives() {
    let capture = Capture::start();
    let list = Value::Array(Array::String(vec!["a".into(), "b".into()]));
    let mut span = tracer()
        .span_builder("first name")
        .with_kind(SpanKind::Consumer)
        .with_start_time(at(1_000))
        .with_attributes([KeyValue::new("early", true), KeyValue::new("twice", 1)])
        .with_events(vec![Event::new("built", at(1_001), vec![KeyValue::new("e", 1)], 2)])
        .with_links(vec![Link::new(other_span(), vec![KeyValue::new("l", 1)], 0)])
        .start(&tracer());
    assert!(span.is_recording() && span.span_context().is_valid());
    assert!(span.span_context().is_sampled() && !span.span_context().is_remote());
    span.set_attribute(KeyValue::new("twice", 2));
    span.set_attributes([KeyValue::new("ratio", 0.5), KeyValue::new("list", list)]);
    span.add_event_with_timestamp("late", at(1_002), vec![KeyValue::new("word", "w")]);
    span.add_link(other_span(), vec![]);
    span.add_link(SpanContext::NONE, vec![]);
    span.update_name(String::from("second name"));
    span.set_status(Status::error("first"));
    span.set_status(Status::Unset);
    let context = span.span_context().clone();
    span.end_with_timestamp(at(1_003));
    assert!(!span.is_recording());
    span.set_attribute(KeyValue::new("after", 1));
    span.end();
    drop(span);

    let span = capture.span("second name");
    assert_eq!(capture.spans().len(), 1);
    assert_eq!(span.trace_id.to_string(), context.trace_id().to_string());
    assert_eq!(span.span_id.to_string(), context.span_id().to_string());
    assert_eq!((span.kind, span.parent), (Kind::Consumer, None));
    assert_eq!((&*span.scope, &*span.scope_version), ("shop", "1.2"));
    assert_eq!((span.start, span.duration), (at(1_000), Duration::from_secs(3)));
    let list = CapturedValue::Array(vec!["a".into(), "b".into()]);
    let expected: [(String, CapturedValue); 4] = [
        ("early".into(), true.into()),
        ("twice".into(), 2_i64.into()),
        ("ratio".into(), 0.5.into()),
        ("list".into(), list),
    ];
    assert_eq!(span.attributes, expected);
    let events: Vec<_> = span.events.iter().map(|event| (&*event.name, event.time)).collect();
    assert_eq!(events, [("built", at(1_001)), ("late", at(1_002))]);
    assert_eq!(span.events[0].dropped_attributes, 2);
    assert_eq!(span.events[1].attributes, [("word".into(), "w".into())]);
    assert_eq!(span.links.len(), 2);
    assert!(span.links.iter().all(|link| (link.trace_id.0, link.span_id.0) == (7, 8)));
    assert!(span.links.iter().all(|link| link.is_remote));
    assert_eq!(span.links[0].attributes, [("l".into(), 1_i64.into())]);
    assert_eq!(span.status, CapturedStatus::Error("first".into()));
}

#[test]
fn ok_is_final_and_what_is_dropped_has_ended() {
    let capture = Capture::start();
    let mut span = tracer().start("s");
    span.set_status(Status::Ok);
    span.set_status(Status::error("no"));
    span.record_error(&std::fmt::Error);
    drop(span);
    let span = capture.span("s");
    assert_eq!((span.status, &*span.events[0].name), (CapturedStatus::Ok, "exception"));
}

#[test]
fn times_of_now_are_the_clocks_own() {
    let clock = ManualClock::at(at(5));
    let capture = Capture::builder().clock(&clock).start();
    // Through the boxes of the API an end, and an event, come with the wall clock's now.
    tracer().in_span("boxed", |cx| {
        clock.advance(Duration::from_secs(1));
        cx.span().add_event("e", vec![]);
        clock.advance(Duration::from_secs(1));
        cx.span().end();
    });
    let span = capture.span("boxed");
    assert_eq!((span.start, span.duration), (at(5), Duration::from_secs(2)));
    assert_eq!(span.events[0].time, at(6));

    let capture = Capture::start();
    for _ in 0..100 {
        tracer().in_span("short", |cx| {
            cx.span().add_event("e", vec![]);
            cx.span().end();
        });
        let Some(span) = capture.spans().pop() else { panic!("no span") };
        let event = span.events[0].time;
        assert!(span.start <= event && event <= span.start + span.duration, "{span:?}");
    }
}

#[test]
fn the_sampler_is_asked_first() {
    let capture = Capture::builder().variable("OTEL_TRACES_SAMPLER", "always_off").start();
    let mut span = tracer().start("unsampled");
    assert!(span.span_context().is_valid() && !span.span_context().is_sampled());
    assert!(!span.is_recording());
    span.set_attribute(KeyValue::new("k", 1));
    let cx = Context::new().with_span(span);
    let child = tracer().start_with_context("child", &cx);
    assert_eq!(child.span_context().trace_id(), cx.span().span_context().trace_id());
    drop((child, cx));
    assert!(capture.spans().is_empty());
}

#[test]
fn suppressed_is_not_recorded() {
    let capture = Capture::start();
    let outer = tracer().start("outer");
    let cx = Context::new().with_span(outer);
    let suppressed = cx.with_telemetry_suppressed().attach();
    assert!(!tracer().start("inner").span_context().is_remote());
    let logger = otel::logger_provider().logger("l");
    assert!(!logger.event_enabled(Severity::Fatal, "t", None));
    logger.emit(logger.create_log_record());
    drop((suppressed, cx));
    assert_eq!(capture.spans().len(), 1);
    assert!(capture.logs().is_empty());
}

#[test]
fn log_records_arrive_whole() {
    let capture = Capture::start();
    let logger = otel::logger_provider().logger("shop.orders");
    let mut record = logger.create_log_record();
    record.set_event_name("order.placed");
    record.set_timestamp(at(1));
    record.set_observed_timestamp(at(2));
    record.set_severity_number(Severity::Warn2);
    record.set_severity_text("NOTICE");
    record.set_body("body".into());
    record.add_attribute("list", AnyValue::from_iter([1, 2]));
    let entries: HashMap<&'static str, AnyValue> =
        HashMap::from([("b", AnyValue::from(1)), ("a\"", AnyValue::from("x\n"))]);
    record.add_attributes([("map", AnyValue::from_iter(entries)), ("n", 1.into())]);
    let span_id = tracer().in_span("s", |cx| {
        logger.emit(record);
        cx.span().span_context().span_id()
    });
    let mut record = logger.create_log_record();
    record.set_target("target");
    record.set_body(7.into());
    record.set_trace_context(TraceId::from(1), SpanId::from(2), None);
    logger.emit(record);

    let [log, other] = &capture.logs()[..] else { panic!("{:?}", capture.logs()) };
    assert_eq!((log.time, log.observed, log.severity), (at(1), at(2), 14));
    assert_eq!((&*log.severity_text, &*log.body), ("NOTICE", "body"));
    assert_eq!((&*log.event_name, &*log.scope), ("order.placed", "shop.orders"));
    assert_eq!(log.span_id.unwrap().to_string(), span_id.to_string());
    let list = CapturedValue::Array(vec![1_i64.into(), 2_i64.into()]);
    let map = CapturedValue::from(r#"{"a\"":"x\u000a","b":1}"#);
    let expected = [("list".into(), list), ("map".into(), map), ("n".into(), 1_i64.into())];
    assert_eq!(log.attributes, expected);
    assert_eq!((&*other.scope, &*other.body), ("target", "7"));
    assert_eq!((other.trace_id.unwrap().0, other.span_id.unwrap().0), (1, 2));
    assert!(other.time.elapsed().unwrap() < SOON && other.severity_text.is_empty());
}

type Response = http::Response<http_body_util::Empty<bytes::Bytes>>;

/// The host's service behind the instrumentation of others.
struct Shop;

impl Service<http::Request<()>> for Shop {
    type Response = Response;
    type Error = Infallible;
    type Future = telemetry::Instrumented<Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<()>) -> Self::Future {
        telemetry::instrument(ready(Ok(Response::default())), "shop")
    }
}

const ALL: [(&str, &str); 2] = [("OTEL_LOGS_EXPORTER", "otlp"), ("OTEL_METRICS_EXPORTER", "otlp")];

#[test]
fn a_library_of_others_works_through_the_globals() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &ALL);
    let globals = "true (tracer provider, meter provider, propagator)";
    assert!(telemetry.report().to_string().contains(globals), "{}", telemetry.report());
    let layer = opentelemetry_instrumentation_tower::http::server::Layer::new();
    let request = http::Request::builder()
        .uri("/orders")
        .header("traceparent", "00-12345678901234567890123456789012-1234567890123456-01");
    block_on(layer.layer(Shop).call(request.body(()).unwrap())).unwrap();
    telemetry.force_flush(SOON).unwrap();

    let spans = collector.spans();
    let find = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let (outer, inner): (&Exported, &Exported) = (find("GET"), find("shop"));
    assert_eq!(outer.trace_id[..4], [0x12, 0x34, 0x56, 0x78]);
    assert_eq!(outer.parent_span_id[..2], [0x12, 0x34]);
    assert_eq!((&inner.trace_id, &inner.parent_span_id), (&outer.trace_id, &outer.span_id));
    assert_eq!(outer.kind, 2);
    let key = |key: &str| outer.attributes.iter().any(|pair| pair.key == key);
    assert!(key("http.request.method") && key("url.path") && key("http.response.status_code"));
    assert!(outer.start_time_unix_nano <= inner.start_time_unix_nano);
    assert!(outer.end_time_unix_nano >= inner.end_time_unix_nano);
    let traces = collector.requests().into_iter().find(|it| it.path == "/v1/traces").unwrap();
    let scopes: BTreeSet<_> = traces.decode().resource_spans[0]
        .scope_spans
        .iter()
        .map(|group| (group.scope.clone().unwrap().name, group.spans.len()))
        .collect();
    let library = "opentelemetry-instrumentation-tower";
    assert_eq!(scopes, BTreeSet::from([(library.to_owned(), 1), ("trackside".to_owned(), 1)]));
    let metrics = collect(&telemetry, &collector);
    assert!(
        metrics.keys().any(|key| key.starts_with("http.server.request.duration")),
        "{metrics:?}"
    );
    telemetry.shutdown(SOON).unwrap();
    assert_conserved(&telemetry);
}

#[test]
fn after_a_shutdown_the_globals_do_nothing_and_after_init_they_work_again() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &ALL);
    let tracer = global::tracer("kept");
    let logger = otel::logger_provider().logger("kept");
    let mut open = tracer.start("over the shutdown");
    telemetry.shutdown(SOON).unwrap();
    open.set_attribute(KeyValue::new("k", 1));
    open.end();
    assert_eq!(telemetry.status().traces.dropped.shutdown, 1);
    tracer.in_span("inert", |cx| {
        assert!(!cx.span().is_recording() && !cx.span().span_context().is_valid());
        logger.emit(logger.create_log_record());
    });
    let remote = Context::new().with_remote_span_context(other_span());
    let passed = tracer.start_with_context("inert", &remote);
    assert_eq!(passed.span_context(), &other_span());
    global::meter("kept").u64_counter("inert").build().add(1, &[]);
    assert!(collector.spans().is_empty());
    let recorded = telemetry.status();
    assert_eq!((recorded.traces.recorded, recorded.logs.recorded), (1, 0));

    let collector = Collector::start();
    let telemetry = start(&collector.url(), &ALL);
    let trace = tracer.in_span("again", |cx| {
        logger.emit(logger.create_log_record());
        cx.span().span_context().trace_id()
    });
    global::meter("kept").u64_counter("again").build().add(2, &[]);
    let metrics = collect(&telemetry, &collector);
    assert_eq!(metrics.get("again{}"), Some(&2.0), "{metrics:?}");
    let spans = collector.spans();
    assert_eq!((spans.len(), &*spans[0].name), (1, "again"));
    let requests = collector.requests();
    let logs = requests.iter().find(|request| request.path == "/v1/logs").unwrap();
    let logs = ExportLogsServiceRequest::decode(&*logs.body).unwrap();
    let group = &logs.resource_logs[0].scope_logs[0];
    assert_eq!(group.scope.as_ref().unwrap().name, "kept");
    assert_eq!(group.log_records[0].trace_id, trace.to_bytes());
    telemetry.shutdown(SOON).unwrap();
    assert_conserved(&telemetry);
}

#[test]
fn the_global_propagator_writes_what_is_current_and_reads_it_back() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[("OTEL_PROPAGATORS", "tracecontext")]);
    let guard = telemetry::span("ours");
    let mut headers: HashMap<String, String> = HashMap::new();
    global::get_text_map_propagator(|propagator| {
        propagator.inject(&mut headers);
        let fields: Vec<&str> = propagator.fields().collect();
        assert_eq!(fields, ["traceparent", "tracestate"]);
    });
    let current = telemetry::current();
    let (trace, span) = (current.trace_id().unwrap(), current.span_id().unwrap());
    assert_eq!(headers["traceparent"], format!("00-{trace}-{span}-03"));
    headers.insert("tracestate".into(), "vendor=1".into());
    let cx = global::get_text_map_propagator(|propagator| propagator.extract(&headers));
    assert_eq!(cx.span().span_context().trace_state().header(), "vendor=1");
    let child = otel::tracer_provider().tracer("t").start_with_context("child", &cx);
    assert_eq!(child.span_context().trace_state().header(), "vendor=1");
    assert_eq!(child.span_context().trace_id().to_string(), trace.to_string());
    drop((child, guard));
    assert!(!otel::propagator().extract(&HashMap::<String, String>::new()).has_active_span());
    telemetry.shutdown(SOON).unwrap();
}
