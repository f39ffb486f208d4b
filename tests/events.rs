//! `tracing` events and `log` records: what becomes of them, and that nothing feeds back.

#![cfg(feature = "telemetry")]

mod support;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;
use support::collector::{Collector, Step};
use support::layer::{attribute, failed, recorded, recorded_as};
use support::{SOON, assert_conserved, serial, start};
use tracing::{Dispatch, dispatcher, info_span};
use trackside::testing::{Capture, CapturedStatus, CapturedValue};
use trackside::{LogsAs, telemetry};

#[test]
fn events_are_log_records() {
    let capture = recorded(|| {
        let span = info_span!("work");
        span.in_scope(|| tracing::warn!(target: "shop", items = 3, "{} missing", "some"));
        tracing::info!(parent: &span, "explicit");
        span.in_scope(|| tracing::info!(parent: None, "outside"));
        tracing::debug!("alone");
        tracing::trace!("t");
        tracing::error!(error = &failed() as &(dyn std::error::Error + 'static), "e");
    });
    let (logs, span) = (capture.logs(), capture.span("work"));
    assert_eq!(logs.iter().map(|log| log.severity).collect::<Vec<_>>(), [13, 9, 9, 5, 1, 17]);
    assert_eq!((logs[0].body.as_str(), logs[0].scope.as_str()), ("some missing", "shop"));
    assert_eq!(attribute(&logs[0].attributes, "items"), Some(&3.into()));
    assert_eq!(attribute(&logs[0].attributes, "code.file.path"), Some(&file!().into()));
    assert!(matches!(
        attribute(&logs[0].attributes, "code.line.number"),
        Some(CapturedValue::I64(1..))
    ));
    assert_eq!(
        attribute(&logs[0].attributes, "thread.name"),
        Some(&"events_are_log_records".into())
    );
    let spans: Vec<_> = logs.iter().map(|log| log.span_id).collect();
    let id = Some(span.span_id);
    assert_eq!(spans, [id, id, None, None, None, None]);
    assert_eq!(logs[0].trace_id, Some(span.trace_id));
    assert!(span.events.is_empty(), "{:?}", span.events);
    assert_eq!(attribute(&logs[5].attributes, "exception.message"), Some(&"failed".into()));
}

#[test]
fn events_are_span_events_where_asked_for() {
    let work = || {
        let span = info_span!("work");
        span.in_scope(|| tracing::info!(target: "shop", items = 3, "sold"));
        tracing::warn!(parent: &span, "explicit");
        tracing::info!("lost");
        let _guard = telemetry::span("guard");
        tracing::info!(answer = 42);
    };
    let both = recorded_as(LogsAs::Both, work);
    let events = recorded_as(LogsAs::SpanEvents, work);
    assert_eq!((both.logs().len(), events.logs().len()), (4, 0));
    for capture in [both, events] {
        let span = capture.span("work");
        let names: Vec<_> = span.events.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(names, ["sold", "explicit"]);
        let attributes = &span.events[0].attributes;
        for (key, value) in
            [("level", "INFO".into()), ("target", "shop".into()), ("items", 3.into())]
        {
            assert_eq!(attribute(attributes, key), Some(&value), "{key}");
        }
        assert_eq!(
            attribute(&capture.span("guard").events[0].attributes, "answer"),
            Some(&42.into())
        );
    }
}

#[test]
fn an_event_in_a_span_of_another_thread_belongs_to_it() {
    let capture = recorded_as(LogsAs::Both, || {
        let dispatch = dispatcher::get_default(Dispatch::clone);
        let span = info_span!("shared");
        let _here = span.enter();
        std::thread::scope(|scope| {
            let there = || span.in_scope(|| tracing::error!("there"));
            scope.spawn(move || dispatcher::with_default(&dispatch, there));
        });
    });
    let span = capture.span("shared");
    assert_eq!(span.events[0].name, "there");
    assert_eq!(span.status, CapturedStatus::Error(String::new()));
    assert_eq!(capture.logs()[0].span_id, Some(span.span_id));
}

#[test]
fn an_error_event_fails_a_span_without_a_status() {
    let capture = recorded(|| {
        info_span!("instrumented").in_scope(|| tracing::error!(error = %failed()));
        info_span!("said", otel.status_code = "ok").in_scope(|| tracing::error!("x"));
        info_span!("warned").in_scope(|| tracing::warn!("x"));
        let _guard = telemetry::span("ours");
        tracing::error!("x");
    });
    assert_eq!(capture.span("instrumented").status, CapturedStatus::Error("failed".to_owned()));
    assert_eq!(capture.span("said").status, CapturedStatus::Ok);
    assert_eq!(capture.span("warned").status, CapturedStatus::Unset);
    assert_eq!(capture.span("ours").status, CapturedStatus::Unset);
}

#[test]
fn a_record_of_log_keeps_its_place() {
    // What `tracing-log` makes of a record.
    let capture = recorded(|| {
        tracing::info!(
            target: "log",
            {
                log.target = "shop",
                log.module_path = "shop::orders",
                log.file = "orders.rs",
                log.line = 17_u64
            },
            "sold"
        );
        tracing::warn!(target: "log", { log.target = "trackside" }, "about ourselves");
    });
    let logs = capture.logs();
    assert_eq!(logs.len(), 1, "{logs:?}");
    assert_eq!((logs[0].scope.as_str(), logs[0].body.as_str()), ("shop", "sold"));
    assert_eq!(attribute(&logs[0].attributes, "code.file.path"), Some(&"orders.rs".into()));
    assert_eq!(attribute(&logs[0].attributes, "code.line.number"), Some(&17.into()));
    assert!(attribute(&logs[0].attributes, "log.target").is_none());
}

#[test]
fn a_field_may_itself_open_spans() {
    struct Nosy;
    impl std::fmt::Debug for Nosy {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            tracing::Span::current().record("x", "from within");
            tracing::info_span!("of debug").in_scope(|| tracing::info!("inside"));
            f.write_str("nosy")
        }
    }
    let capture = recorded_as(LogsAs::Both, || {
        let span = info_span!("x", x = tracing::field::Empty, y = tracing::field::Empty);
        let _in = span.enter();
        span.record("y", tracing::field::debug(Nosy));
        tracing::info!(z = ?Nosy, "event");
    });
    let span = capture.span("x");
    assert_eq!(span.attribute("y"), Some(&"nosy".into()));
    assert_eq!(span.attribute("x"), Some(&"from within".into()));
    assert_eq!(span.events.len(), 1);
}

#[test]
fn records_of_log_are_log_records() {
    // Another test may have installed it.
    let _ = trackside::Logger::install(log::LevelFilter::Info);
    assert!(trackside::Logger::install(log::LevelFilter::Trace).is_err(), "it is installed");
    let capture = Capture::start();
    let guard = telemetry::span("order");
    log::error!(target: "shop", "{} items are missing", 3);
    log::debug!("below the level");
    log::warn!(target: "trackside", "about ourselves");
    drop(guard);
    let logs = capture.logs();
    assert_eq!(logs.len(), 1, "{logs:?}");
    assert_eq!((logs[0].body.as_str(), logs[0].severity), ("3 items are missing", 17));
    assert_eq!(logs[0].scope, "shop");
    assert_eq!(logs[0].span_id, Some(capture.span("order").span_id));
    assert_eq!(attribute(&logs[0].attributes, "code.file.path"), Some(&file!().into()));
}

/// A failing endpoint makes diagnostics, and they go to `tracing`: none of it may be recorded again.
#[test]
fn a_failing_endpoint_feeds_nothing_back() {
    let _turn = serial();
    let _ = trackside::Logger::install(log::LevelFilter::Info);
    let collector = Collector::start();
    collector.script(vec![Step::status(400); 20]);
    let logs = [("OTEL_LOGS_EXPORTER", "otlp")];
    let telemetry = start(&collector.url(), &logs);
    // `init` has installed a subscriber with the layer, for the whole process.
    assert!(telemetry.report().to_string().contains("installed"), "{}", telemetry.report());
    info_span!("work").in_scope(|| tracing::info!("event"));
    telemetry.force_flush(SOON).unwrap();
    let before = telemetry.status();
    assert!(!before.diagnostics.is_empty());
    telemetry.force_flush(SOON).unwrap();
    let after = telemetry.status();
    assert_eq!((before.traces.recorded, before.logs.recorded), (1, 1));
    assert_eq!((after.traces.recorded, after.logs.recorded), (1, 1));
    telemetry.shutdown(SOON).unwrap();
    assert_conserved(&telemetry);
}

#[test]
fn records_and_spans_arrive_together() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[("OTEL_LOGS_EXPORTER", "otlp")]);
    info_span!("work").in_scope(|| tracing::info!("event"));
    telemetry.shutdown(SOON).unwrap();
    assert_conserved(&telemetry);
    let requests = collector.requests();
    let to = |path| requests.iter().find(|request| request.path == path).expect("both came");
    let spans = &to("/v1/traces").decode().resource_spans[0].scope_spans[0].spans;
    assert_eq!(spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["work"]);
    let request = ExportLogsServiceRequest::decode(&*to("/v1/logs").body).unwrap();
    let scope = &request.resource_logs[0].scope_logs[0];
    assert_eq!(scope.scope.as_ref().map(|scope| scope.name.as_str()), Some("events"));
    assert_eq!(scope.log_records[0].span_id, spans[0].span_id);
}
