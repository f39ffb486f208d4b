//! Crates of others, written against the OpenTelemetry API, as they are: bridges of logs, and meters.
//!
//! `otel_api.rs` has one for HTTP servers.

#![cfg(feature = "telemetry")]

mod support;

use std::sync::atomic::{AtomicU32, Ordering};

use opentelemetry_appender_log::OpenTelemetryLogBridge;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Wire;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message as _;
use support::collector::{Collector, Step};
use support::{SOON, assert_conserved, serial, start};
use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt;
use trackside::otel::api::{global, trace::TraceContextExt as _, trace::Tracer as _};
use trackside::{LogsAs, otel, telemetry};

const LOGS: [(&str, &str); 1] = [("OTEL_LOGS_EXPORTER", "otlp")];

/// A log record and the name of its scope.
type Log = (String, LogRecord);

/// What a collector has of logs.
fn logs(collector: &Collector) -> Vec<Log> {
    let requests = collector.requests().into_iter();
    let answered = requests.filter(|it| it.path == "/v1/logs" && it.status == Some(200));
    let decoded = answered.map(|it| ExportLogsServiceRequest::decode(&*it.body).expect("OTLP"));
    let scopes = decoded.flat_map(|it| it.resource_logs).flat_map(|it| it.scope_logs);
    scopes
        .flat_map(|group| {
            let scope = group.scope.map(|scope| scope.name).unwrap_or_default();
            group.log_records.into_iter().map(move |record| (scope.clone(), record))
        })
        .collect()
}

/// The record that says this.
#[track_caller]
fn find<'a>(logs: &'a [Log], body: &str) -> &'a Log {
    let says = |log: &LogRecord| match log.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Wire::StringValue(text)) => text == body,
        _ => false,
    };
    let found: Vec<_> = logs.iter().filter(|(_, log)| says(log)).collect();
    let [log] = found[..] else { panic!("{body:?} came {} times: {logs:#?}", found.len()) };
    log
}

/// The record belongs to the span of this name.
#[track_caller]
fn assert_on_span(collector: &Collector, log: &LogRecord, name: &str) {
    let spans = collector.spans();
    let span = spans.iter().find(|span| span.name == name).expect("the span arrived");
    assert_eq!((&log.trace_id, &log.span_id), (&span.trace_id, &span.span_id), "{log:?}");
    assert_eq!(log.flags & 1, 1, "the span is sampled");
}

fn attribute<'a>(log: &'a LogRecord, key: &str) -> Option<&'a Wire> {
    let pair = log.attributes.iter().find(|pair| pair.key == key)?;
    pair.value.as_ref()?.value.as_ref()
}

/// Hands everything on, and counts what this crate says of itself.
struct Counting(OpenTelemetryLogBridge<otel::LoggerProvider, otel::Logger>);

static SAID: AtomicU32 = AtomicU32::new(0);

impl log::Log for Counting {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.target() == "trackside" && record.level() == log::Level::Warn {
            SAID.fetch_add(1, Ordering::SeqCst);
        }
        self.0.log(record);
    }

    fn flush(&self) {}
}

#[test]
fn a_bridge_from_log_lands_with_the_span_of_the_moment_and_feeds_nothing_back() {
    let _turn = serial();
    let bridge = OpenTelemetryLogBridge::new(&otel::logger_provider());
    log::set_boxed_logger(Box::new(Counting(bridge))).expect("the only test here that sets one");
    log::set_max_level(log::LevelFilter::Trace);
    log::warn!("before init");

    let collector = Collector::start();
    let telemetry = start(&collector.url(), &LOGS);
    telemetry.force_flush(SOON).unwrap();
    // What is refused is said to `log`, and that leads back to us.
    collector.script(vec![Step::status(400)]);
    let guard = telemetry::span("refused");
    drop(guard);
    telemetry.force_flush(SOON).unwrap();
    assert_eq!(telemetry.status().traces.rejected, 1);
    assert!(SAID.load(Ordering::SeqCst) > 0, "the bridge was told of it");

    let guard = telemetry::span("order");
    log::warn!(target: "shop", items = 3, name = "tea"; "ours");
    global::tracer("library").in_span("query", |_| log::debug!(target: "shop", "api"));
    drop(guard);
    log::error!(target: "shop", "alone");
    telemetry.shutdown(SOON).unwrap();
    log::error!(target: "shop", "after the shutdown");
    assert_conserved(&telemetry);

    let logs = logs(&collector);
    assert_eq!(logs.len(), 3, "{logs:#?}");
    let (scope, ours) = find(&logs, "ours");
    assert_eq!((&**scope, ours.severity_number, &*ours.severity_text), ("shop", 13, "WARN"));
    assert_eq!(attribute(ours, "items"), Some(&Wire::IntValue(3)));
    assert_eq!(attribute(ours, "name"), Some(&Wire::StringValue("tea".into())));
    assert_on_span(&collector, ours, "order");
    let (_, api) = find(&logs, "api");
    assert_eq!(api.severity_number, 5);
    assert_on_span(&collector, api, "query");
    let (_, alone) = find(&logs, "alone");
    assert!(alone.trace_id.is_empty() && alone.span_id.is_empty(), "{alone:?}");
}

#[test]
fn a_bridge_from_tracing_lands_with_the_span_of_the_moment() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &LOGS);
    let bridge = OpenTelemetryTracingBridge::new(&otel::logger_provider());
    // The bridge has the events; our layer has the spans, and events on them.
    let spans = trackside::layer().with_logs_as(LogsAs::SpanEvents);
    with_default(tracing_subscriber::registry().with(bridge).with(spans), || {
        let request = tracing::info_span!("request").entered();
        tracing::warn!(target: "shop", items = 3, "in tracing");
        global::tracer("library").in_span("query", |cx| {
            tracing::info!(target: "shop", "in the api");
            assert!(cx.has_active_span());
        });
        let guard = telemetry::span("ours");
        tracing::info!(target: "shop", "in ours");
        drop((guard, request));
        tracing::error!(target: "shop", "alone");
    });
    telemetry.shutdown(SOON).unwrap();
    assert_conserved(&telemetry);

    let logs = logs(&collector);
    assert_eq!(logs.len(), 4, "{logs:#?}");
    for (body, span) in [("in tracing", "request"), ("in the api", "query"), ("in ours", "ours")] {
        assert_on_span(&collector, &find(&logs, body).1, span);
    }
    let (scope, log) = find(&logs, "in tracing");
    assert_eq!((&**scope, log.severity_number), ("shop", 13));
    assert_eq!(attribute(log, "items"), Some(&Wire::IntValue(3)));
    assert!(find(&logs, "alone").1.trace_id.is_empty());
    let spans = collector.spans();
    let request = spans.iter().find(|span| span.name == "request").unwrap();
    for name in ["query", "ours"] {
        let span = spans.iter().find(|span| span.name == name).unwrap();
        assert_eq!(span.parent_span_id, request.span_id, "{name}");
    }
}

/// The crate reads /proc.
#[cfg(target_os = "linux")]
#[test]
fn meters_of_others_are_asked_at_each_collection() {
    use support::metrics::{METRICS, collect};

    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &METRICS);
    opentelemetry_instrumentation_process::init().expect("/proc can be read");
    let first = collect(&telemetry, &collector);
    let memory = first.get("process.memory.usage{}");
    assert!(memory.is_some_and(|bytes| *bytes > 1e6), "{first:?}");
    let threads = |of: &std::collections::BTreeMap<String, f64>| of["process.thread.count{}"];
    let files =
        |of: &std::collections::BTreeMap<String, f64>| of["process.unix.file_descriptor.count{}"];
    assert!(first.keys().any(|key| key.starts_with("process.cpu.time{cpu.mode=")), "{first:?}");
    assert!(threads(&first) >= 2.0, "this one and ours at least: {first:?}");

    // More of what can be counted, so that the second collection must differ.
    let open: Vec<_> = (0..64).map(|_| std::fs::File::open("/proc/self/stat").unwrap()).collect();
    let second = collect(&telemetry, &collector);
    drop(open);
    assert!(files(&second) >= files(&first) + 32.0, "{} then {}", files(&first), files(&second));
    telemetry.shutdown(SOON).unwrap();
    assert_conserved(&telemetry);
}
