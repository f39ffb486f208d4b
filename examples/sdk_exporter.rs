//! The idea: a host that has the OpenTelemetry SDK keeps it, and only its exporters are this crate's.
//!
//! An endpoint is not named here, so `OTEL_EXPORTER_OTLP_ENDPOINT` says it, or else it is `http://localhost:4318`.
//! Its neighbour `quickstart` needs no SDK. Run it: `cargo run --example sdk_exporter --features telemetry`.
#![allow(clippy::print_stdout, reason = "a program may print, the library never does")]

use std::error::Error;
use std::time::Duration;

use opentelemetry::logs::{LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use trackside::export::sdk::{LogExporter, MetricExporter, SpanExporter};

fn main() -> Result<(), Box<dyn Error>> {
    let timeout = Duration::from_secs(3);
    let spans = SpanExporter::builder().with_timeout(timeout).build()?;
    let logs = LogExporter::builder().with_timeout(timeout).build()?;
    let metrics = MetricExporter::builder().with_timeout(timeout).build()?;

    let tracers = SdkTracerProvider::builder().with_batch_exporter(spans).build();
    let loggers = SdkLoggerProvider::builder().with_batch_exporter(logs).build();
    let meters = SdkMeterProvider::builder().with_periodic_exporter(metrics).build();

    let logger = loggers.logger("shop");
    let orders = meters.meter("shop").u64_counter("orders").build();
    tracers.tracer("shop").in_span("order", |_context| {
        orders.add(1, &[]);
        let mut record = logger.create_log_record();
        record.set_severity_number(Severity::Info);
        record.set_body("an order came in".into());
        logger.emit(record);
    });

    // A flush tells how its own export went; of one that the schedule began before, the SDK only logs it.
    let flushed = [tracers.force_flush(), loggers.force_flush(), meters.force_flush()];
    for (signal, flushed) in ["traces", "logs", "metrics"].iter().zip(flushed) {
        println!(
            "{signal}: {}",
            flushed.map_or_else(|error| error.to_string(), |()| "flushed".into())
        );
    }
    tracers.shutdown()?;
    loggers.shutdown()?;
    Ok(meters.shutdown()?)
}
