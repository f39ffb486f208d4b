//! A host whose subscriber has the stock layer keeps it, and is not told to add ours.

#![cfg(all(feature = "telemetry", feature = "tracing-opentelemetry"))]

mod support;

use opentelemetry_sdk::trace::InMemorySpanExporter;
use support::{SOON, config};
use tracing::{info_span, subscriber::set_global_default};
use tracing_subscriber::layer::SubscriberExt;
use trackside::export::sdk::WithExporters as _;
use trackside::{otel, telemetry};

#[test]
fn a_hosts_stock_layer_stays_and_its_spans_leave_through_us() {
    let subscriber = tracing_subscriber::registry().with(otel::layer());
    set_global_default(subscriber).expect("the only one of this process");
    let exporter = InMemorySpanExporter::default();
    let config = config(&[]).with_span_exporter(exporter.clone());
    let telemetry = telemetry::init(config).expect("the configuration is good");
    let report = telemetry.report().to_string();
    assert!(!report.contains("trackside::layer()"), "{report}");
    info_span!("outer").in_scope(|| drop(telemetry::span("inner")));
    telemetry.force_flush(SOON).expect("it is delivered");
    let spans = exporter.get_finished_spans().expect("a list");
    let [inner, outer] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!((&*inner.name, &*outer.name), ("inner", "outer"));
    assert_eq!(inner.parent_span_id, outer.span_context.span_id());
    telemetry.shutdown(SOON).expect("nothing is left");
}
