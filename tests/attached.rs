//! When our spans are attached as OpenTelemetry's `Context`; no stock layer is made in this process.

#![cfg(feature = "telemetry")]

mod support;

use opentelemetry_sdk::trace::InMemorySpanExporter;
use support::{SOON, block_on, config, serial};
use trackside::export::sdk::WithExporters as _;
use trackside::otel;
use trackside::otel::api::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use trackside::otel::api::{Context, KeyValue};
use trackside::telemetry::{self, OtelContext, Parent};

fn is_attached() -> bool {
    let ours = telemetry::current().span_id().map(|id| id.to_string());
    let theirs = Context::current().span().span_context().span_id().to_string();
    ours == Some(theirs)
}

#[test]
fn as_it_was_configured() {
    let _turn = serial();
    for (when, expected) in
        [(OtelContext::On, true), (OtelContext::Auto, false), (OtelContext::Off, false)]
    {
        let exporter = InMemorySpanExporter::default();
        let config = config(&[]).with_otel_context(when).with_span_exporter(exporter.clone());
        let telemetry = telemetry::init(config).expect("the configuration is good");
        let word = format!("{when:?}").to_lowercase();
        assert!(
            telemetry
                .report()
                .to_string()
                .lines()
                .any(|line| { line.starts_with("otel_context") && line.contains(&word) })
        );
        let within = async {
            assert_eq!(is_attached(), expected, "{when:?}");
            Context::current().span().set_attribute(KeyValue::new("by", "api"));
            // It reads the `Context` it was given, and so finds a parent only where there is one.
            let tracer = otel::tracer_provider().tracer("api");
            drop(tracer.start_with_context("child", &Context::current()));
            let apart = telemetry::in_context(async {
                assert!(!Context::current().span().span_context().is_valid(), "{when:?}");
            });
            apart.with_parent(Parent::root()).await;
        };
        block_on(telemetry::instrument(within, "ours"));
        assert!(!Context::current().span().span_context().is_valid());
        telemetry.force_flush(SOON).expect("all is delivered");
        let spans = exporter.get_finished_spans().expect("a list");
        telemetry.shutdown(SOON).expect("nothing is left");
        let find = |name: &str| spans.iter().find(|span| span.name == name).expect("it was sent");
        let (ours, child) = (find("ours"), find("child"));
        assert_eq!(ours.attributes.len(), usize::from(expected), "{when:?}");
        assert_eq!(child.parent_span_id == ours.span_context.span_id(), expected, "{when:?}");
    }
}
