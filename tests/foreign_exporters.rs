//! Exporters of the SDK's as destinations of our pipeline.

#![cfg(feature = "telemetry")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::InMemoryLogExporter;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, Temporality};
use opentelemetry_sdk::trace::{self, InMemorySpanExporter, SpanData};
use prost::Message as _;
use support::collector::Collector;
use support::{SOON, assert_conserved, config, record, serial};
use trackside::export::sdk::{LogExporter, MetricExporter, SpanExporter, WithExporters as _};
use trackside::telemetry::{self, Kind, Parent, Telemetry, TelemetryConfig, Value};

/// Schedules that no test waits for, and these variables.
fn quiet(variables: &[(&str, &str)]) -> TelemetryConfig {
    let mut all = vec![
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "600000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "600000"),
    ];
    all.extend_from_slice(variables);
    config(&all)
}

fn init(config: TelemetryConfig) -> Telemetry {
    telemetry::init(config).expect("the configuration is good")
}

fn remote() -> Parent {
    telemetry::extract(|name| match name {
        "traceparent" => Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        "tracestate" => Some("vendor=x,other=y"),
        _ => None,
    })
}

/// What the SDK says of an exporter, and how often it was called.
#[derive(Clone, Debug, Default)]
struct Scripted {
    calls: Arc<AtomicUsize>,
    ends: Arc<AtomicUsize>,
    then: Then,
}

#[derive(Clone, Copy, Debug, Default)]
enum Then {
    #[default]
    Fail,
    Late,
    Panic,
    Hang,
}

impl trace::SpanExporter for Scripted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        assert!(!batch.is_empty());
        // Only the first call goes wrong.
        if self.calls.fetch_add(1, Ordering::SeqCst) > 0 {
            return Ok(());
        }
        match self.then {
            Then::Fail => Err(OTelSdkError::InternalFailure("out of paper".to_owned())),
            Then::Late => Err(OTelSdkError::Timeout(Duration::from_secs(3))),
            Then::Panic => panic!("out of order"),
            Then::Hang => std::future::pending().await,
        }
    }

    fn shutdown_with_timeout(&self, within: Duration) -> OTelSdkResult {
        assert!(within <= SOON);
        self.ends.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[test]
fn spans_are_those_of_the_otlp_path() {
    let _turn = serial();
    let (ours, theirs) = (Collector::start(), Collector::start());
    let exporter = SpanExporter::builder().with_endpoint(&theirs.url()).build().unwrap();
    let memory = InMemorySpanExporter::default();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*ours.url()),
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "8"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "1"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "1"),
    ];
    let config = quiet(&variables).with_metrics(false).with_logs(false);
    let telemetry = init(config.with_span_exporter(exporter).with_span_exporter(memory.clone()));
    let texts = [Value::from("a"), Value::from("b")];
    let numbers = [Value::from(1_i64), Value::from(2_i64)];
    let outer = telemetry::span("outer").with_parent(remote()).with_kind(Kind::Server);
    drop(telemetry::span("inner").with(|span| {
        span.set("bool", true).set("i64", -3_i64).set("f64", 0.5).set("str", "text");
        span.set("texts", &texts[..]).set("numbers", &numbers[..]);
        span.event("hit", &[("of", "event".into())]).event("beyond", &[]);
        span.link(&remote()).link(&remote());
        span.error("broken", &"it broke")
            .set("beyond", 1_i64)
            .set("more", 2_i64)
            .set("most", 3_i64);
    }));
    drop(outer);
    telemetry.force_flush(SOON).expect("both collectors answer");
    assert_eq!(assert_conserved(&telemetry).delivered, 3 * 2, "each of three has both");

    let decode = |from: &Collector| {
        let body = from.wait_for(1, SOON).remove(0).body;
        let mut request = ExportTraceServiceRequest::decode(&body[..]).expect("the body is OTLP");
        let of_resource = &mut request.resource_spans[0];
        let attributes = &mut of_resource.resource.as_mut().expect("a resource").attributes;
        attributes.sort_by(|one, other| one.key.cmp(&other.key));
        request
    };
    let expected = decode(&ours);
    assert_eq!(decode(&theirs), expected);
    let inner = &expected.resource_spans[0].scope_spans[0].spans[0];
    assert!(inner.attributes.len() == 8 && inner.dropped_attributes_count > 0, "{inner:?}");
    assert_eq!((inner.events.len(), inner.dropped_events_count), (1, 1));
    assert_eq!((inner.links.len(), inner.dropped_links_count), (1, 1));
    let names: Vec<_> =
        memory.get_finished_spans().unwrap().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["inner", "outer"]);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn log_records_are_those_of_the_otlp_path() {
    let _turn = serial();
    let (ours, theirs) = (Collector::start(), Collector::start());
    let exporter = LogExporter::builder().with_endpoint(&theirs.url()).build().unwrap();
    let memory = InMemoryLogExporter::default();
    let config = quiet(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &ours.url())])
        .with_metrics(false)
        .with_traces(false);
    let telemetry = init(config.with_log_exporter(exporter).with_log_exporter(memory.clone()));
    let mixed = [Value::from("a"), Value::from(2_i64), Value::Bytes(&[0, 255])];
    let extras = [("list", mixed[..].into()), ("bytes", Value::Bytes(&[1, 2])), ("n", 1.5.into())];
    telemetry::forward_log(30, "queue is long", "shop.orders", 17, "worker", &extras);
    telemetry::forward_log(20, "plain", "", 0, "", &[]);
    telemetry.force_flush(SOON).expect("both collectors answer");
    assert_conserved(&telemetry);
    assert_eq!(telemetry.status().logs.delivered, 3 * 2, "each of three has both");
    let decode = |from: &Collector| {
        let body = from.wait_for(1, SOON).remove(0).body;
        let mut request = ExportLogsServiceRequest::decode(&body[..]).expect("the body is OTLP");
        let resource = request.resource_logs[0].resource.as_mut().expect("a resource");
        resource.attributes.sort_by(|one, other| one.key.cmp(&other.key));
        request
    };
    assert_eq!(decode(&theirs), decode(&ours));
    assert_eq!(memory.get_emitted_logs().unwrap().len(), 2);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn metrics_are_those_of_the_otlp_path() {
    let _turn = serial();
    let (ours, theirs) = (Collector::start(), Collector::start());
    let exporter = MetricExporter::builder().with_endpoint(&theirs.url()).build().unwrap();
    let memory = InMemoryMetricExporter::default();
    let config =
        quiet(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &ours.url())]).with_traces(false).with_logs(false);
    let telemetry =
        init(config.with_metric_exporter(exporter).with_metric_exporter(memory.clone()));
    let (jobs, sizes) = (telemetry::counter("jobs"), telemetry::histogram("sizes"));
    for round in 1..=2 {
        jobs.add(2, &[("queue", "mail".into())]);
        sizes.record(3.5, &[]);
        telemetry.force_flush(SOON).expect("both collectors answer");
        assert_conserved(&telemetry);
        let decode = |from: &Collector| {
            let body = from.wait_for(round, SOON).remove(round - 1).body;
            let mut request = ExportMetricsServiceRequest::decode(&body[..]).expect("OTLP");
            let resource = request.resource_metrics[0].resource.as_mut().expect("a resource");
            resource.attributes.sort_by(|one, other| one.key.cmp(&other.key));
            request
        };
        assert_eq!(decode(&theirs), decode(&ours));
    }
    let series = support::metrics::series(&theirs.requests()[1]);
    assert_eq!(series["jobs{queue=mail}"], 4.0);
    assert_eq!(memory.get_finished_metrics().unwrap().len(), 2);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn a_failure_is_counted_and_the_next_batch_goes_through() {
    let _turn = serial();
    for then in [Then::Fail, Then::Late, Then::Panic, Then::Hang] {
        let exporter = Scripted { then, ..Scripted::default() };
        let config = quiet(&[("OTEL_BSP_EXPORT_TIMEOUT", "100")]);
        let telemetry = init(config.with_span_exporter(exporter.clone()));
        record("lost", 3);
        telemetry.force_flush(SOON).expect("it is settled");
        let traces = assert_conserved(&telemetry);
        let expected = if matches!(then, Then::Fail) { (3, 0) } else { (0, 3) };
        assert_eq!((traces.rejected, traces.unconfirmed), expected, "{then:?}");
        record("kept", 2);
        telemetry.force_flush(SOON).expect("it is delivered");
        assert_eq!(assert_conserved(&telemetry).delivered, 2, "{then:?}");
        let said = telemetry.status().diagnostics.join("\n");
        assert!(said.contains("Scripted"), "{then:?}: {said}");
        assert!(!matches!(then, Then::Fail) || said.contains("out of paper"), "{said}");
        telemetry.shutdown(SOON).expect("nothing is left");
        assert_eq!(exporter.calls.load(Ordering::SeqCst), 2, "no batch is handed over twice");
        assert_eq!(exporter.ends.load(Ordering::SeqCst), 1, "it is shut down once");
    }
}

#[test]
fn one_that_fails_does_not_touch_the_others() {
    let _turn = serial();
    let collector = Collector::start();
    let config = quiet(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
    let config = config.with_metrics(false).with_logs(false);
    let exporter = Scripted { then: Then::Hang, ..Scripted::default() };
    let telemetry = init(config.with_span_exporter(exporter.clone()));
    record("span", 4);
    let within = Duration::from_millis(500);
    assert!(telemetry.force_flush(within).is_err(), "one of two has not answered");
    assert_eq!(collector.spans().len(), 4);
    assert!(telemetry.shutdown(within).is_err());
    let traces = assert_conserved(&telemetry);
    assert_eq!(traces.waiting, 0, "{traces:?}");
    assert_eq!((traces.delivered, traces.unconfirmed), (4, 4));
    assert_eq!(exporter.ends.load(Ordering::SeqCst), 1, "it is shut down all the same");
}

#[test]
fn the_report_names_it_and_off_is_off() {
    let with = |config: TelemetryConfig| config.with_span_exporter(Scripted::default());
    let report = with(config(&[])).resolve().to_string();
    assert!(report.contains("Scripted") && report.contains("an exporter was given"), "{report}");
    for off in
        [with(config(&[("OTEL_SDK_DISABLED", "true")])), with(config(&[])).with_traces(false)]
    {
        assert!(!off.resolve().to_string().contains("Scripted"));
    }
    let delta = MetricExporter::builder().with_temporality(Temporality::Delta).build().unwrap();
    let report = config(&[]).with_metric_exporter(delta).resolve().to_string();
    assert!(report.contains("asks for delta metrics and is given cumulative ones"), "{report}");
    let named = with(config(&[("OTEL_TRACES_EXPORTER", "none")])).resolve().to_string();
    assert!(named.contains("Scripted"), "an argument stands over a variable: {named}");
}
