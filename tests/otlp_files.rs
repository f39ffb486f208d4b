//! The exporter `file`: OTLP as JSON lines, a file for each signal.

#![cfg(feature = "telemetry")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use serde::de::DeserializeOwned;
use support::{SOON, assert_conserved, config, record, serial};
use trackside::telemetry::{self, TelemetryConfig};

const FILES: [(&str, &str); 6] = [
    ("OTEL_TRACES_EXPORTER", "file"),
    ("OTEL_METRICS_EXPORTER", "otlp_file"),
    ("OTEL_LOGS_EXPORTER", "file"),
    ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "600000"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "600000"),
];

/// Removed by its drop.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let name = format!("trackside-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name).join("made"))
    }

    fn lines<T: DeserializeOwned>(&self, name: &str) -> Vec<T> {
        lines(&self.0.join(name))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.parent().expect("it has one"));
    }
}

fn lines<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let text = fs::read_to_string(path).expect("the file is there");
    assert!(text.ends_with('\n'), "{text}");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is OTLP")).collect()
}

fn spans(lines: &[ExportTraceServiceRequest]) -> usize {
    let scopes = lines.iter().flat_map(|line| &line.resource_spans[0].scope_spans);
    scopes.map(|scope| scope.spans.len()).sum()
}

#[test]
fn each_signal_has_a_file_and_each_batch_a_line() {
    let _turn = serial();
    let directory = Directory::new("signals");
    let config = config(&FILES).with_file_directory(&directory.0).with_service_name("shop");
    let telemetry = telemetry::init(config).unwrap();
    let shown = telemetry.report().to_string();
    assert!(shown.contains("traces.jsonl") && shown.contains("104857600 bytes"), "{shown}");
    for _ in 0..2 {
        record("work", 3);
        telemetry::forward_log(20, "a line\nof two", "shop", 7, "main", &[]);
        telemetry.force_flush(SOON).unwrap();
    }
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.delivered, traces.waiting), (6, 0));
    telemetry.shutdown(SOON).unwrap();

    let traces: Vec<ExportTraceServiceRequest> = directory.lines("traces.jsonl");
    assert_eq!((traces.len(), spans(&traces)), (2, 6));
    assert!(format!("{:?}", traces[0].resource_spans[0].resource).contains("shop"));
    let logs: Vec<ExportLogsServiceRequest> = directory.lines("logs.jsonl");
    assert_eq!(logs.len(), 2);
    assert!(format!("{logs:?}").contains("a line\\nof two"), "{logs:?}");
    let metrics: Vec<ExportMetricsServiceRequest> = directory.lines("metrics.jsonl");
    assert!(!metrics.is_empty());
}

#[test]
fn a_file_that_is_full_is_put_aside() {
    let _turn = serial();
    let directory = Directory::new("rotation");
    let config = config(&[FILES[0], FILES[3]])
        .with_file_directory(&directory.0)
        .with_file_rotation(1, Duration::from_secs(3600), 2);
    let telemetry = telemetry::init(config).unwrap();
    for _ in 0..4 {
        record("work", 1);
        telemetry.force_flush(SOON).unwrap();
    }
    telemetry.shutdown(SOON).unwrap();
    let names = fs::read_dir(&directory.0).unwrap().map(|entry| entry.unwrap().path());
    let names: Vec<_> = names.collect();
    assert_eq!(names.len(), 3, "the current one and two: {names:?}");
    for name in names {
        assert_eq!(spans(&lines(&name)), 1);
    }
}

#[test]
fn what_cannot_be_written_waits_and_is_counted() {
    let _turn = serial();
    let directory = Directory::new("blocked");
    fs::create_dir_all(directory.0.parent().unwrap()).unwrap();
    // Where the directory should be there is a file.
    fs::write(&directory.0, "in the way").unwrap();
    let config = config(&[FILES[0], FILES[3]]).with_file_directory(&directory.0);
    let telemetry = telemetry::init(config).unwrap();
    record("work", 2);
    telemetry.force_flush(Duration::from_millis(200)).unwrap_err();
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.delivered, traces.waiting), (0, 2));
    let error = traces.last_error.unwrap();
    assert!(error.contains("traces.jsonl: "), "{error}");
    fs::remove_file(&directory.0).unwrap();
    telemetry.shutdown(SOON).unwrap();
    assert_eq!(spans(&directory.lines("traces.jsonl")), 2);
}

#[test]
fn arguments_that_cannot_be_used_are_named() {
    let _turn = serial();
    let error = telemetry::init(TelemetryConfig::default().with_file_directory("")).unwrap_err();
    assert!(error.to_string().contains("with_file_directory"), "{error}");
    for config in [
        TelemetryConfig::default().with_file_rotation(0, SOON, 1),
        TelemetryConfig::default().with_file_rotation(1, Duration::ZERO, 1),
    ] {
        let error = telemetry::init(config).unwrap_err().to_string();
        assert!(error.contains("with_file_rotation"), "{error}");
    }
}
