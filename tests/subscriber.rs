//! `init` and the process's subscriber: one of ours where there is none, and never in place of another.
//!
//! A process sets it once, so this is one test, in a program of its own.

#![cfg(feature = "telemetry")]

mod support;

use support::{SOON, config};
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
