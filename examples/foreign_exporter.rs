//! The idea: an exporter that was written for the OpenTelemetry SDK is one more destination of this crate's pipeline.
//! Its neighbour `sdk_exporter` goes the other way: our exporters in the SDK's providers.
//!
//! Run it: `cargo run --example foreign_exporter --features telemetry`. The console takes only what has no other destination:
//! here metrics and logs. `OTEL_TRACES_EXPORTER=console` has the spans printed as well, and delivered twice.
#![allow(clippy::print_stdout, reason = "a program may print, the library never does")]

use std::sync::Mutex;
use std::time::Duration;

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use trackside::export::sdk::WithExporters as _;
use trackside::telemetry::{self, TelemetryConfig};

/// Counts spans by name, and prints the counts at its end. It knows the SDK's traits alone.
#[derive(Debug, Default)]
struct Tally(Mutex<std::collections::BTreeMap<String, u32>>);

impl SpanExporter for Tally {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        // An error is an outcome as well: these spans would be `rejected` in the status.
        let mut counts = self.0.lock().map_err(|error| internal(&error))?;
        for span in batch {
            *counts.entry(span.name.into_owned()).or_default() += 1;
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, _within: Duration) -> OTelSdkResult {
        for (name, count) in &*self.0.lock().map_err(|error| internal(&error))? {
            println!("tally: {count} × {name}");
        }
        Ok(())
    }
}

fn internal(error: &dyn std::error::Error) -> OTelSdkError {
    OTelSdkError::InternalFailure(error.to_string())
}

fn main() -> Result<(), telemetry::Error> {
    // It gets a queue of its own; `with_log_exporter` and `with_metric_exporter` are its twins.
    let config = TelemetryConfig::default().or_console().with_service_name("foreign_exporter");
    let telemetry = telemetry::init(config.with_span_exporter(Tally::default()))?;

    for order in 1..=3_u32 {
        let _order = telemetry::span("order").with(|span| {
            span.set("order", order);
        });
        drop(telemetry::span("db.query"));
    }

    telemetry.shutdown(Duration::from_secs(5))?;
    // An item counts once for each destination.
    println!("delivered: {}", telemetry.status().traces.delivered);
    Ok(())
}
