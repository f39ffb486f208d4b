//! What is asked for and not compiled in is said, with the name of the feature, and nothing else is sent instead.

#![cfg(all(
    feature = "telemetry",
    not(feature = "grpc"),
    not(feature = "config-file"),
    not(feature = "zstd")
))]

mod support;

use support::config;
use trackside::telemetry::{self, TelemetryConfig};

const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318");

#[test]
fn an_argument_is_an_error_of_init() {
    let config = TelemetryConfig::default().with_protocol("grpc");
    let error = telemetry::init(config).err().expect("no gRPC").to_string();
    let expected = "with_protocol: \"grpc\": this build has no gRPC, which is the feature `grpc`; switch it on";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_variable_is_a_diagnostic_and_its_signals_are_off() {
    let on = |name: &str, state: &str, report: &str| {
        report.lines().any(|line| line.split_whitespace().take(2).eq([name, state]))
    };
    let grpc = config(&[BASE, ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc")]).resolve().to_string();
    let line = "! OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: \"grpc\": this build has no gRPC, which is the feature `grpc`";
    assert!(
        grpc.contains(line) && on("logs", "off:", &grpc) && on("traces", "on:", &grpc),
        "{grpc}"
    );

    let file = config(&[BASE, ("OTEL_CONFIG_FILE", "otel.yaml")]).resolve().to_string();
    let line = "! OTEL_CONFIG_FILE: this build reads no file of configuration, which is the feature `config-file`";
    assert!(file.contains(line), "{file}");
    for signal in ["traces", "metrics", "logs"] {
        assert!(on(signal, "off:", &file), "{file}");
    }
}

#[test]
fn a_compression_is_a_diagnostic_and_nothing_is_compressed() {
    let zstd = config(&[BASE, ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd")]).resolve().to_string();
    let line = "! OTEL_EXPORTER_OTLP_COMPRESSION: this build has no zstd, which is the feature `zstd`; nothing is";
    assert!(zstd.contains(line), "{zstd}");
}
