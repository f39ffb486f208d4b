//! `init` and the process's subscriber: one of ours where there is none, and never in place of another.
//!
//! A process sets it once, and nothing here captures: a program of its own.

#![cfg(feature = "telemetry")]

mod support;

use support::{SOON, config, serial};
use tracing::subscriber::{set_global_default, with_default};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;
use trackside::telemetry::{self, TelemetryConfig};

/// What the report says after a start and a shutdown.
fn report(config: TelemetryConfig) -> String {
    let telemetry = telemetry::init(config).expect("the configuration is good");
    let report = telemetry.report().to_string();
    telemetry.shutdown(SOON).expect("there is nothing to send");
    report
}

#[test]
fn a_hosts_subscriber_stays() {
    let _turn = serial();
    let on = || config(&[("OTEL_TRACES_EXPORTER", "console")]);
    let told = report(on().set_globals(false));
    assert!(!told.contains("! tracing:"), "{told}");
    report(config(&[("OTEL_METRICS_EXPORTER", "console")]));
    // Both have left the place to the host.
    set_global_default(registry()).expect("nobody has set one");
    let told = report(on());
    assert!(told.contains("! tracing: the process has a subscriber"), "{told}");
    assert!(told.contains("add trackside::layer()"), "{told}");
    tracing::dispatcher::get_default(|host| assert!(host.is::<tracing_subscriber::Registry>()));
    with_default(registry().with(trackside::layer()), || {
        let told = report(on());
        assert!(!told.contains("! tracing:"), "{told}");
    });
}

#[test]
fn contexts_pass_through_where_spans_are_off() {
    const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let _turn = serial();
    let telemetry = telemetry::init(config(&[])).expect("nothing can be wrong");
    with_default(registry().with(trackside::layer()), || {
        let caller = telemetry::extract(|name| (name == "traceparent").then_some(CALLER));
        let span = tracing::info_span!("request");
        assert!(trackside::set_parent(&span, caller));
        let _in = span.enter();
        let mut headers = Vec::new();
        telemetry::inject_into(&mut headers);
        assert_eq!(headers, [("traceparent".to_owned(), CALLER.to_owned())]);
    });
    assert!(telemetry::current().trace_id().is_none());
    telemetry.shutdown(SOON).expect("there is nothing to send");
}
