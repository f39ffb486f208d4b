//! Logs: level, text, logger, place, extras, and the span of the moment; all the way to a collector.

#![cfg(feature = "telemetry")]

mod support;

use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use prost::Message as _;
use support::collector::{Collector, Step};
use support::metrics::{METRICS, collect};
use support::{SOON, assert_conserved, serial, start};
use trackside::telemetry::{self, Value, forward_log, forward_log_at};
use trackside::testing::{Capture, CapturedValue};

const LOGS: [(&str, &str); 1] = [("OTEL_LOGS_EXPORTER", "otlp")];

fn decode(body: &[u8]) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest::decode(body).expect("the body is OTLP")
}

#[test]
fn levels_are_pythons() {
    // The counter of forwarded records is the process's.
    let _turn = serial();
    let capture = Capture::start();
    let table = [
        (10, 5, "DEBUG"),
        (20, 9, "INFO"),
        (30, 13, "WARN"),
        (40, 17, "ERROR"),
        (50, 21, "FATAL"),
        (0, 1, "TRACE"),
        (5, 1, "TRACE"),
        (19, 5, "DEBUG"),
        (25, 9, "INFO"),
        (49, 17, "ERROR"),
        (1000, 21, "FATAL"),
        (-3, 1, "TRACE"),
    ];
    for (level, ..) in table {
        forward_log(level, "text", "logger", 1, "main", &[]);
    }
    for (log, (level, severity, name)) in capture.logs().iter().zip(table) {
        assert_eq!((log.severity, &*log.severity_text), (severity, name), "{level}");
    }
    assert_eq!(capture.logs().len(), table.len());
}

#[test]
fn a_record_says_where_it_comes_from_and_when() {
    // The counter of forwarded records is the process's.
    let _turn = serial();
    let capture = Capture::start();
    let at = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_234_567_890_123);
    let list = [Value::from("a"), Value::from(2_i64)];
    let guard = telemetry::span("around");
    forward_log_at(
        at,
        30,
        "queue is long",
        "shop.orders",
        17,
        "worker-1",
        &[
            ("flag", true.into()),
            ("ratio", 0.5.into()),
            ("made", format_args!("{}", 7).into()),
            ("list", list[..].into()),
        ],
    );
    drop(guard);
    forward_log(20, "outside", "", 0, "", &[]);
    let [inside, outside] = &capture.logs()[..] else { panic!("two records") };
    let span = capture.span("around");
    assert_eq!(inside.time, at);
    assert_eq!((&*inside.body, &*inside.scope), ("queue is long", "shop.orders"));
    assert_eq!((inside.trace_id, inside.span_id), (Some(span.trace_id), Some(span.span_id)));
    let expected: [(&str, CapturedValue); 6] = [
        ("code.line.number", 17_i64.into()),
        ("thread.name", "worker-1".into()),
        ("flag", true.into()),
        ("ratio", 0.5.into()),
        ("made", "7".into()),
        ("list", (&list[..]).into()),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value));
    assert_eq!(inside.attributes, expected);
    assert_eq!((outside.trace_id, outside.span_id), (None, None));
    assert_eq!(outside.attributes, []);
    assert!(outside.time.elapsed().expect("not in the future") < SOON);
}

#[test]
fn limits_cut_and_count() {
    // The counter of forwarded records is the process's.
    let _turn = serial();
    let capture = Capture::builder()
        .variable("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "2")
        .variable("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3")
        .start();
    let extras = [("a", "äöüß".into()), ("b", 1_i64.into()), ("c", 2_i64.into())];
    forward_log(20, "a long text stays whole", "", 0, "", &extras);
    let log = &capture.logs()[0];
    assert_eq!(log.attributes[0].1, "äöü".into());
    assert_eq!((log.attributes.len(), log.dropped_attributes), (2, 1));
    assert_eq!(log.body, "a long text stays whole");
}

#[test]
fn records_arrive_grouped_by_logger() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &LOGS);
    let guard = telemetry::span("around");
    let (trace, span) = (telemetry::current().trace_id(), telemetry::current().span_id());
    forward_log(20, "one", "a", 1, "main", &[("n", 1_i64.into())]);
    forward_log(40, "two", "b", 2, "main", &[]);
    forward_log(20, "three", "a", 3, "main", &[]);
    drop(guard);
    telemetry.force_flush(SOON).unwrap();
    let requests = collector.requests();
    let request = requests.iter().find(|request| request.path == "/v1/logs").expect("logs arrive");
    let decoded = decode(&request.body);
    let scopes = &decoded.resource_logs[0].scope_logs;
    let names: Vec<_> = scopes.iter().map(|scope| &*scope.scope.as_ref().unwrap().name).collect();
    assert_eq!(names, ["a", "b"]);
    let first = &scopes[0].log_records[0];
    assert_eq!(first.body.as_ref().unwrap().value, Some(Any::StringValue("one".into())));
    assert_eq!(first.trace_id, trace.unwrap().0.to_be_bytes());
    assert_eq!(first.span_id, span.unwrap().0.to_be_bytes());
    assert_eq!((first.severity_number, &*first.severity_text), (9, "INFO"));
    assert!(first.time_unix_nano > 0 && first.time_unix_nano == first.observed_time_unix_nano);
    assert_eq!(scopes[0].log_records.len() + scopes[1].log_records.len(), 3);
    assert_conserved(&telemetry);
    let logs = telemetry.status().logs;
    assert_eq!((logs.recorded, logs.delivered), (3, 3));
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn logs_leave_on_their_own_schedule_and_with_retries() {
    let _turn = serial();
    let collector = Collector::start();
    collector.script(vec![Step::status(503)]);
    let variables = [LOGS[0], ("OTEL_BLRP_SCHEDULE_DELAY", "20")];
    let telemetry = start(&collector.url(), &variables);
    forward_log(20, "soon", "", 0, "", &[]);
    support::wait_until("the answer", || telemetry.status().logs.delivered == 1);
    assert_eq!(collector.requests().len(), 2, "the same frame again, no spans");
    assert_conserved(&telemetry);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn a_full_queue_and_a_shutdown_are_counted() {
    let _turn = serial();
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let variables =
        [LOGS[0], ("OTEL_BLRP_MAX_QUEUE_SIZE", "5"), ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "5")];
    let telemetry = start(&format!("http://{address}"), &variables);
    let say = |count| (0..count).for_each(|_| forward_log(20, "text", "", 0, "", &[]));
    say(5);
    assert!(telemetry.force_flush(Duration::from_millis(50)).is_err());
    say(7);
    assert!(telemetry.force_flush(Duration::from_millis(50)).is_err());
    let logs = telemetry.status().logs;
    assert_eq!((logs.recorded, logs.waiting, logs.dropped.queue_full), (12, 5, 7));
    assert!(telemetry.shutdown(Duration::from_millis(50)).is_err());
    assert_conserved(&telemetry);
    assert_eq!(telemetry.status().logs.dropped.shutdown, 5);
}

#[test]
fn a_display_may_log_itself() {
    // The counter of forwarded records is the process's.
    let _turn = serial();
    struct Chatty;
    impl std::fmt::Display for Chatty {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            forward_log(10, "inner", "", 0, "", &[("k", 1_i64.into())]);
            f.write_str("outer value")
        }
    }
    let capture = Capture::start();
    forward_log(20, "outer", "", 0, "", &[("v", format_args!("{Chatty}").into())]);
    let logs = capture.logs();
    assert_eq!((&*logs[0].body, &*logs[1].body), ("inner", "outer"));
    assert_eq!(logs[1].attributes, [("v".to_owned(), "outer value".into())]);
}

#[test]
fn logs_switch_off_alone() {
    let _turn = serial();
    for (name, value) in [("OTEL_LOGS_EXPORTER", "none"), ("OTEL_SDK_DISABLED", "true")] {
        let collector = Collector::start();
        let telemetry = start(&collector.url(), &[(name, value)]);
        forward_log(40, "nowhere", "", 0, "", &[]);
        assert!(!telemetry.status().logs.on);
        telemetry.shutdown(SOON).unwrap();
        assert!(collector.requests().iter().all(|request| request.path != "/v1/logs"));
        assert_eq!(telemetry.status().logs.recorded, 0);
        assert_conserved(&telemetry);
    }
}

#[test]
fn forwarded_records_are_counted_by_level_whatever_becomes_of_them() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &METRICS);
    for level in [10, 20, 20, 30, 40, 50] {
        forward_log(level, "text", "", 0, "", &[]);
    }
    let all = collect(&telemetry, &collector);
    let counted: Vec<_> = all.iter().map(|(series, count)| (&**series, *count)).collect();
    let expected = [
        ("python_logs_forwarded_total{level=DEBUG}", 1.0),
        ("python_logs_forwarded_total{level=ERROR}", 1.0),
        ("python_logs_forwarded_total{level=FATAL}", 1.0),
        ("python_logs_forwarded_total{level=INFO}", 2.0),
        ("python_logs_forwarded_total{level=WARN}", 1.0),
    ];
    assert_eq!(counted, expected);
    telemetry.shutdown(SOON).unwrap();
}
