//! A build without TLS says which feature is missing, to whoever asks for it.

#![cfg(all(feature = "receive", not(feature = "tls")))]

mod support;

use support::config;
use trackside::receive::{Receiver, Sink};
use trackside::telemetry::TelemetryConfig;

const MISSING: &str = "this build has no TLS, which is the feature `tls`";

#[test]
fn arguments_are_refused() {
    for config in [
        TelemetryConfig::default().with_endpoint("https://host:4318"),
        TelemetryConfig::default().with_endpoint("capnps://host:4319"),
        TelemetryConfig::default().with_certificate("/a"),
        TelemetryConfig::default().with_client_certificate("/a", "/b"),
    ] {
        let error = trackside::telemetry::init(config).err().expect("no TLS").to_string();
        assert!(error.contains(MISSING), "{error}");
    }
}

#[test]
fn variables_are_noted_and_the_signals_are_off() {
    for url in ["https://host:4318", "capnps://host:4319"] {
        let report = config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", url)]).resolve().to_string();
        assert!(
            report.contains(&format!("! OTEL_EXPORTER_OTLP_ENDPOINT: \"{url}\": {MISSING}")),
            "{report}"
        );
    }
}

#[test]
fn a_receiver_does_not_start() {
    let builder = || Receiver::builder().listen("127.0.0.1:0").forward("http://localhost:4318");
    for builder in [
        builder().tls("/a", "/b"),
        builder().sink(Sink::forward("https://host:4318")),
        builder().sink(Sink::forward("http://host:4318").with_certificate("/a")),
    ] {
        let error = builder.start().err().expect("no TLS").to_string();
        assert!(error.contains(MISSING), "{error}");
    }
}
