//! The idea: a host with a logger of its own (here one like Python's) forwards each record, and an error with its causes.
//! Its neighbour `log` is for hosts whose logger is the crate `log`; `metrics` is the other signal without spans.
//!
//! Run it: `cargo run --example logs --features telemetry`.

use std::error::Error;
use std::time::{Duration, SystemTime};
use std::{fmt, num};

use trackside::telemetry::{self, TelemetryConfig, Value};

fn main() -> Result<(), telemetry::Error> {
    let config = TelemetryConfig::default().or_console().with_service_name("logs");
    let telemetry = telemetry::init(config)?;

    // Level (10 DEBUG to 50 CRITICAL), text, logger, line, thread, extras.
    let hosts = ["a".into(), "b".into()];
    let extras = [("port", Value::I64(7000)), ("hosts", Value::Array(&hosts))];
    telemetry::forward_log(20, "listening", "shop.server", 31, "MainThread", &extras);
    // A record that was queued keeps its own time.
    let then = SystemTime::now() - Duration::from_secs(90);
    telemetry::forward_log_at(then, 30, "slow start", "shop.server", 12, "MainThread", &[]);

    {
        let _span = telemetry::span("order");
        // Inside a span a record has its trace and span.
        telemetry::forward_log(10, "reading", "shop.orders", 44, "worker-1", &[]);
        if let Err(error) = quantity("many") {
            // `exception.message`, and the chain of causes in `exception.stacktrace`.
            telemetry::log_error(40, "order refused", "shop.orders", 47, "worker-1", &error);
            // The record does not fail the span: that is said on the span, as an event and its status.
            telemetry::current().with(|span| {
                span.record_error(&error);
            });
        }
    }

    telemetry.shutdown(Duration::from_secs(5))
}

fn quantity(text: &str) -> Result<u32, BadOrder> {
    text.parse().map_err(BadOrder)
}

#[derive(Debug)]
struct BadOrder(num::ParseIntError);

impl fmt::Display for BadOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the quantity cannot be read")
    }
}

impl Error for BadOrder {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
