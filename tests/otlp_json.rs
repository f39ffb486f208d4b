//! OTLP as JSON over HTTP: what arrives, and what its answers mean.

#![cfg(feature = "telemetry")]

mod support;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use serde::de::DeserializeOwned;
use support::collector::{Collector, Received, Step};
use support::{SOON, assert_conserved, record, serial, start};
use trackside::telemetry;

const JSON: (&str, &str) = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");

fn answer(status: u16, body: &str) -> Step {
    let headers = vec![("Content-Type", "application/json; charset=utf-8".to_owned())];
    Step::Answer { status, headers, body: body.as_bytes().to_vec() }
}

fn read<T: DeserializeOwned>(requests: &[Received], path: &str) -> T {
    let found: Vec<_> = requests.iter().filter(|request| request.path == path).collect();
    let [request] = found[..] else { panic!("{} requests of {path}", found.len()) };
    assert_eq!(request.header("content-type"), ["application/json"]);
    serde_json::from_slice(&request.body).expect("the body is OTLP as JSON")
}

#[test]
fn three_signals_arrive_as_json() {
    let _turn = serial();
    let collector = Collector::start();
    let all = [("OTEL_METRICS_EXPORTER", ""), ("OTEL_LOGS_EXPORTER", ""), JSON];
    let telemetry = start(&collector.url(), &all);
    let mut span = telemetry::span("work");
    span = span.with(|span| {
        span.set("text", "w\u{e4}rde \"x\"");
    });
    telemetry::forward_log(20, "a line", "shop", 7, "main", &[]);
    drop(span);
    telemetry::counter("orders").add(3, &[]);
    telemetry.shutdown(SOON).unwrap();

    let requests = collector.requests();
    let traces: ExportTraceServiceRequest = read(&requests, "/v1/traces");
    let [span] = &traces.resource_spans[0].scope_spans[0].spans[..] else { panic!("{traces:?}") };
    assert_eq!((span.name.as_str(), span.trace_id.len(), span.span_id.len()), ("work", 16, 8));
    assert!(format!("{:?}", span.attributes).contains("w\u{e4}rde \\\"x\\\""), "{span:?}");
    let logs: ExportLogsServiceRequest = read(&requests, "/v1/logs");
    let [log] = &logs.resource_logs[0].scope_logs[0].log_records[..] else { panic!("{logs:?}") };
    assert_eq!(log.span_id, span.span_id);
    let metrics: ExportMetricsServiceRequest = read(&requests, "/v1/metrics");
    let scopes = &metrics.resource_metrics[0].scope_metrics;
    let names = scopes.iter().flat_map(|scope| &scope.metrics).map(|metric| metric.name.as_str());
    assert!(names.clone().any(|name| name == "orders"), "{:?}", names.collect::<Vec<_>>());
}

#[test]
fn a_partial_success_in_json_is_counted() {
    let _turn = serial();
    let collector = Collector::start();
    let body = r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too \"old\""}}"#;
    collector.script(vec![answer(200, body)]);
    let telemetry = start(&collector.url(), &[JSON]);
    record("work", 5);
    telemetry.force_flush(SOON).unwrap();
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.delivered, traces.rejected), (3, 2));
    let said = telemetry.status().diagnostics.join("\n");
    assert!(said.contains("too \"old\""), "{said}");
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn an_error_in_json_has_the_words_of_the_peer() {
    let _turn = serial();
    let collector = Collector::start();
    collector.script(vec![answer(400, r#"{"code":3,"message":"no such tenant"}"#)]);
    let telemetry = start(&collector.url(), &[JSON]);
    record("work", 1);
    telemetry.force_flush(SOON).unwrap();
    let traces = assert_conserved(&telemetry);
    assert_eq!(traces.rejected, 1);
    let error = traces.last_error.unwrap_or_default();
    assert!(error.ends_with("answered 400 Bad Request: no such tenant"), "{error}");
    telemetry.shutdown(SOON).unwrap();
}
