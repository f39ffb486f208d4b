//! Six samplers: who is recorded, what is passed on, and what an unsampled span costs the record.

#![cfg(feature = "telemetry")]

use trackside::telemetry::{self, Parent};
use trackside::testing::Capture;

fn sampled_by(name: &str, argument: &str) -> Capture {
    Capture::builder()
        .variable("OTEL_TRACES_SAMPLER", name)
        .variable("OTEL_TRACES_SAMPLER_ARG", argument)
        .start()
}

fn remote(flags: &str) -> Parent {
    let value = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
    telemetry::extract(|name| (name == "traceparent").then_some(value.as_str()))
}

/// Whether a root, and a child of a sampled and of an unsampled remote parent, are recorded.
fn verdicts(name: &str, argument: &str) -> [bool; 3] {
    // Contexts are read only once `init` was called.
    let _telemetry = telemetry::init(telemetry::TelemetryConfig::default()).expect("idle");
    [Parent::root(), remote("01"), remote("00")].map(|parent| {
        let capture = sampled_by(name, argument);
        drop(telemetry::span("asked").with_parent(parent));
        !capture.spans().is_empty()
    })
}

#[test]
fn each_sampler_by_its_name() {
    let table = [
        ("always_on", "", [true, true, true]),
        ("always_off", "", [false, false, false]),
        ("traceidratio", "1", [true, true, true]),
        ("traceidratio", "0", [false, false, false]),
        ("parentbased_always_on", "", [true, true, false]),
        ("parentbased_always_off", "", [false, true, false]),
        ("parentbased_traceidratio", "1", [true, true, false]),
        ("parentbased_traceidratio", "0", [false, true, false]),
        ("ParentBased_Always_Off", "", [false, true, false]),
        ("", "", [true, true, false]),
        ("unheard_of", "", [true, true, false]),
    ];
    for (name, argument, expected) in table {
        assert_eq!(verdicts(name, argument), expected, "{name} {argument}");
    }
}

#[test]
fn a_ratio_holds_over_many_traces() {
    let capture = sampled_by("traceidratio", "0.1");
    let mut ids = std::collections::HashSet::new();
    for _ in 0..100_000 {
        let guard = telemetry::span("root");
        ids.insert(telemetry::current().trace_id());
        drop(guard);
    }
    assert_eq!(ids.len(), 100_000, "every trace has its own id, sampled or not");
    let kept = capture.spans().len();
    // Six standard deviations around 10,000.
    assert!((9_430..=10_570).contains(&kept), "{kept}");
}

#[test]
fn the_ratio_decides_as_the_other_sdks_do() {
    let _telemetry = telemetry::init(telemetry::TelemetryConfig::default()).unwrap();
    for (last_eight_bytes, expected) in
        [("00000000000000ff", true), ("7fffffffffffffff", true), ("8000000000000000", false)]
    {
        let value = format!("00-0000000000000001{last_eight_bytes}-00f067aa0ba902b7-00");
        let capture = sampled_by("traceidratio", "0.5");
        let parent = telemetry::extract(|name| (name == "traceparent").then_some(value.as_str()));
        drop(telemetry::span("asked").with_parent(parent));
        assert_eq!(!capture.spans().is_empty(), expected, "{last_eight_bytes}");
    }
}

#[test]
fn an_unsampled_span_propagates_and_its_children_inherit() {
    let capture = sampled_by("parentbased_always_off", "");
    let _telemetry = telemetry::init(telemetry::TelemetryConfig::default()).unwrap();
    let outer = telemetry::span("outer").with(|_| panic!("nothing is evaluated for it"));
    assert!(!telemetry::current().is_recording());
    let trace = telemetry::current().trace_id().expect("ids are made all the same");
    let inner = telemetry::span("inner");
    assert_eq!(telemetry::current().trace_id(), Some(trace));
    let mut headers: Vec<(String, String)> = Vec::new();
    telemetry::inject_into(&mut headers);
    let span = telemetry::current().span_id().unwrap();
    assert_eq!(headers, [("traceparent".to_owned(), format!("00-{trace}-{span}-02"))]);
    drop((inner, outer));
    assert!(capture.spans().is_empty());
}
