//! The stock exporters, `opentelemetry-otlp` and `opentelemetry-stdout`, as destinations of our pipeline.

#![cfg(all(feature = "telemetry", feature = "opentelemetry-otlp"))]

mod support;

use std::process::Command;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;
use support::collector::{Collector, Step};
use support::{SOON, assert_conserved, config, record, serial};
use trackside::export::sdk::WithExporters as _;
use trackside::otel::otlp::{self, WithExportConfig as _};
use trackside::telemetry::{self, Telemetry, TelemetryConfig};

const QUIET: [(&str, &str); 4] = [
    ("OTEL_SERVICE_NAME", "shop"),
    ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "600000"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "600000"),
];

fn init(config: TelemetryConfig) -> Telemetry {
    telemetry::init(config).expect("the configuration is good")
}

/// The host enables one of the stock exporter's HTTP clients, here `hyper-client`: the thread that
/// calls it has the runtime that it needs.
fn with_otlp(collector: &Collector) -> TelemetryConfig {
    let to = |signal: &str| format!("{}/v1/{signal}", collector.url());
    let spans = otlp::SpanExporter::builder().with_http().with_endpoint(to("traces")).build();
    let logs = otlp::LogExporter::builder().with_http().with_endpoint(to("logs")).build();
    let metrics = otlp::MetricExporter::builder().with_http().with_endpoint(to("metrics")).build();
    config(&QUIET)
        .with_span_exporter(spans.expect("a good endpoint"))
        .with_log_exporter(logs.expect("a good endpoint"))
        .with_metric_exporter(metrics.expect("a good endpoint"))
}

fn one_of_each() {
    {
        let _span = telemetry::span("load").with(|span| {
            span.set("rows", 3_i64);
        });
        telemetry::forward_log(30, "queue is long", "shop.orders", 17, "worker", &[]);
    }
    telemetry::counter("jobs").add(2, &[("queue", "mail".into())]);
}

#[track_caller]
fn assert_all_delivered(telemetry: &Telemetry) {
    assert_conserved(telemetry);
    let status = telemetry.status();
    for signal in [status.traces, status.logs, status.metrics] {
        assert!(signal.recorded > 0 && signal.delivered == signal.recorded, "{signal:#?}");
    }
}

#[test]
fn all_that_stock_otlp_is_handed_arrives() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = init(with_otlp(&collector));
    one_of_each();
    record("more", 1_000);
    telemetry.force_flush(SOON).expect("the collector answers");
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.recorded, traces.delivered), (1_001, 1_001));
    assert_all_delivered(&telemetry);
    telemetry.shutdown(SOON).expect("nothing is left");

    let spans = collector.spans();
    assert_eq!(spans.len(), 1_001);
    let load = spans.iter().find(|span| span.name == "load").expect("it arrived");
    assert_eq!(load.attributes[0].key, "rows");
    let requests = collector.requests();
    let of =
        |path: &str| requests.iter().filter(|request| request.path == path).collect::<Vec<_>>();
    let logs = ExportLogsServiceRequest::decode(&of("/v1/logs")[0].body[..]).expect("it is OTLP");
    let record = &logs.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!((&record.span_id, &record.trace_id), (&load.span_id, &load.trace_id));
    let series = support::metrics::series(of("/v1/metrics")[0]);
    assert_eq!(series["jobs{queue=mail}"], 2.0);
}

#[test]
fn what_stock_otlp_could_not_send_is_counted_as_it_said() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = init(with_otlp(&collector).with_metrics(false).with_logs(false));
    // Not tried again by it; what it says is that the batch is refused.
    collector.script(vec![Step::status(400)]);
    record("lost", 3);
    telemetry.force_flush(SOON).expect("it is settled");
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.delivered, traces.rejected), (0, 3));
    assert!(traces.last_error.is_some_and(|error| error.contains("SpanExporter")));
    // Tried again by it.
    collector.script(vec![Step::status(503)]);
    record("kept", 2);
    telemetry.force_flush(SOON).expect("it is delivered");
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.delivered, traces.rejected), (2, 3));
    assert_eq!(collector.spans().len(), 2);
    telemetry.shutdown(SOON).expect("nothing is left");
}

#[test]
fn what_cannot_be_built_is_an_error_and_no_panic() {
    // Stock: of a URL that is none. Ours: of a transport that is not there.
    let stock = otlp::SpanExporter::builder().with_http().with_endpoint("not a url").build();
    assert!(stock.is_err());
    let ours = trackside::export::sdk::SpanExporter::builder().with_endpoint("https://host:4318");
    let error = ours.build().expect_err("no TLS in this version").to_string();
    assert!(error.contains("https://host:4318"), "{error}");
}

#[test]
#[ignore = "runs inside the process that the test below starts"]
fn to_stdout() {
    let exporters = config(&QUIET)
        .with_span_exporter(opentelemetry_stdout::SpanExporter::default())
        .with_log_exporter(opentelemetry_stdout::LogExporter::default())
        .with_metric_exporter(opentelemetry_stdout::MetricExporter::default());
    let telemetry = init(exporters);
    one_of_each();
    telemetry.force_flush(SOON).expect("standard output takes it");
    assert_all_delivered(&telemetry);
    telemetry.shutdown(SOON).expect("nothing is left");
}

#[test]
fn stock_stdout_shows_all_that_it_is_handed() {
    let program = std::env::current_exe().expect("a test has a path");
    let arguments = ["--exact", "to_stdout", "--ignored", "--nocapture"];
    let output = Command::new(program).args(arguments).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    for expected in ["load", "rows: I64(3)", "queue is long", "jobs", "service.name", "shop"] {
        assert!(said.contains(expected), "no {expected:?} in:\n{said}");
    }
}
