//! The idea: telemetry over Cap'n Proto, from this crate's pipeline and from the OpenTelemetry SDK, to one receiver.
//!
//! Here the receiver stands in the same program and prints what it takes; elsewhere it is `trackside receive`, and
//! `OTEL_EXPORTER_OTLP_ENDPOINT=capnp://host:4319` is all that a host needs. Its neighbour `sdk_exporter` sends OTLP.
//! Run it: `cargo run --example capnp --features receive`.
#![allow(clippy::print_stdout, reason = "a program may print, the library never does")]

use std::error::Error;
use std::time::Duration;

use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use trackside::export::CapnpSpanExporter;
use trackside::receive::{Receiver, Sink};
use trackside::telemetry::{self, TelemetryConfig};

const WITHIN: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let receiver = Receiver::builder().listen("127.0.0.1:0").sink(Sink::console(false)).start()?;
    // `capnp://127.0.0.1:..`, as it would stand in the variable.
    let endpoint = receiver.addresses()[0].to_string();

    let config = TelemetryConfig::default().with_endpoint(&endpoint).with_service_name("shop");
    let telemetry = telemetry::init(config)?;
    drop(telemetry::span("order").with(|span| {
        span.set("lines", 3);
    }));
    telemetry.force_flush(WITHIN)?;
    let spans = telemetry.status().traces;
    println!("delivered {} of {} spans of the pipeline", spans.delivered, spans.recorded);

    // A host that keeps its SDK takes the exporter alone.
    let exporter = CapnpSpanExporter::builder().with_endpoint(endpoint).with_timeout(WITHIN);
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter.build()?).build();
    provider.tracer("shop").in_span("invoice", |_context| {});
    provider.shutdown()?;

    telemetry.shutdown(WITHIN)?;
    let counts = receiver.shutdown(WITHIN)?;
    println!("the receiver took {} spans", counts.traces.taken);
    Ok(())
}
