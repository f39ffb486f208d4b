//! Contexts cross processes: W3C headers in and out of every carrier.

#![cfg(feature = "telemetry")]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use trackside::telemetry::{self, Kind, Parent, TelemetryConfig};
use trackside::testing::{self, Capture};

const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The propagators are one setting of the process.
static TURN: Mutex<()> = Mutex::new(());

/// The handle stands first, so that it is dropped before the turn ends.
fn propagating(variables: &[(&str, &str)]) -> (telemetry::Telemetry, MutexGuard<'static, ()>) {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let config = testing::with_variables(TelemetryConfig::default(), variables);
    (telemetry::init(config).expect("no argument is bad"), turn)
}

#[test]
fn a_remote_parent_is_honoured_with_its_flags_and_state() {
    let _init = propagating(&[]);
    let capture = Capture::start();
    let headers = vec![
        ("TraceParent".to_owned(), VALID.to_owned()),
        ("tracestate".to_owned(), "a=1, b=2".to_owned()),
        ("Tracestate".to_owned(), "c=3".to_owned()),
        ("baggage".to_owned(), "user=al%20ice".to_owned()),
    ];
    let parent = telemetry::extract_from(&headers);
    assert_eq!(parent.trace_id().unwrap().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(parent.baggage("user"), Some("al ice"));
    let guard = telemetry::span("served").with_parent(parent).with_kind(Kind::Server);
    let mut out: Vec<(String, String)> = vec![("TRACEPARENT".to_owned(), "old".to_owned())];
    telemetry::inject_into(&mut out);
    let span = telemetry::current().span_id().unwrap();
    drop(guard);
    let expected = [
        ("TRACEPARENT".to_owned(), format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{span}-01")),
        ("tracestate".to_owned(), "a=1,b=2,c=3".to_owned()),
        ("baggage".to_owned(), "user=al%20ice".to_owned()),
    ];
    assert_eq!(out, expected);
    let served = capture.span("served");
    assert_eq!(served.parent.unwrap().to_string(), "00f067aa0ba902b7");
    assert!(served.parent_is_remote);
    assert_eq!(served.trace_state, "a=1,b=2,c=3");
}

#[test]
fn malformed_or_absent_headers_make_a_root_and_no_error() {
    let _init = propagating(&[]);
    let bad = [
        "",
        "00",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "zz-ü",
        "00\n",
    ];
    for value in bad {
        let parent = telemetry::extract(|name| (name == "traceparent").then_some(value));
        assert!(parent.trace_id().is_none(), "{value:?}");
        let capture = Capture::start();
        drop(telemetry::span("root").with_parent(parent));
        assert_eq!(capture.span("root").parent, None, "{value:?}");
    }
    let none = telemetry::extract(|_| None);
    assert!(none.trace_id().is_none() && none.span_id().is_none());
}

#[test]
fn every_carrier_gives_back_what_it_was_given() {
    let _init = propagating(&[]);
    let _capture = Capture::start();
    let _guard = telemetry::span("sender");
    let here = Parent::current().with_baggage("k", "v ü");
    let _context = telemetry::span("below").with_parent(here.clone());
    let sent = Parent::current();
    let check = |back: Parent| {
        assert_eq!(back.trace_id(), sent.trace_id());
        assert_eq!(back.span_id(), sent.span_id());
        assert_eq!(back.baggage("k"), Some("v ü"));
    };
    let mut list: Vec<(String, String)> = Vec::new();
    telemetry::inject_into(&mut list);
    check(telemetry::extract_from(&list));
    let mut hash: HashMap<String, String> = HashMap::new();
    telemetry::inject_into(&mut hash);
    check(telemetry::extract_from(&hash));
    let mut tree: BTreeMap<String, String> = BTreeMap::new();
    telemetry::inject(|name, value| {
        tree.insert(name.to_uppercase(), value.to_owned());
    });
    check(telemetry::extract_from(&tree));
    check(telemetry::extract(|name| tree.get(&name.to_uppercase()).map(String::as_str)));
}

#[test]
fn contexts_pass_through_where_nothing_is_recorded() {
    let (telemetry, _turn) = propagating(&[("OTEL_SDK_DISABLED", "true")]);
    assert!(!telemetry.status().traces.on);
    let parent = telemetry::extract(|name| (name == "traceparent").then_some(VALID));
    let _guard = telemetry::span("proxy").with_parent(parent);
    let mut out: Vec<(String, String)> = Vec::new();
    telemetry::inject_into(&mut out);
    assert_eq!(out, [("traceparent".to_owned(), VALID.to_owned())]);
}

#[test]
fn propagators_by_variable() {
    for (value, trace_context, baggage) in [
        ("tracecontext", true, false),
        ("baggage", false, true),
        ("none", false, false),
        ("", true, true),
    ] {
        let _init = propagating(&[("OTEL_PROPAGATORS", value)]);
        let headers = vec![
            ("traceparent".to_owned(), VALID.to_owned()),
            ("baggage".to_owned(), "k=v".to_owned()),
        ];
        let parent = telemetry::extract_from(&headers);
        assert_eq!(parent.trace_id().is_some(), trace_context, "{value}");
        assert_eq!(parent.baggage("k").is_some(), baggage, "{value}");
    }
}
