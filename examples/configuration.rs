//! The idea: arguments stand over variables, variables over defaults; a report says what came of it, and from where.
//! Its neighbour `shutdown` is about the other end of a host's life.
//!
//! Run it: `cargo run --example configuration --features telemetry`, and again with variables: one that counts, one that an
//! argument stands over, one that is wrong: `OTEL_BLRP_SCHEDULE_DELAY=500 OTEL_SERVICE_NAME=other OTEL_BSP_SCHEDULE_DELAY=soon`.
#![allow(clippy::print_stdout, reason = "a program may print, the library never does")]

use std::time::Duration;

use trackside::telemetry::{self, Pace, TelemetryConfig};

fn main() -> Result<(), telemetry::Error> {
    let config = TelemetryConfig::default()
        // Where it goes if no variable says so. Nothing would be sent or printed otherwise.
        .or_console()
        // Who is speaking.
        .with_service_name("configuration")
        .with_service_version("1.0.0")
        .with_environment("staging")
        .with_attribute("team", "checkout")
        // How much: all of it, but for what a caller has sampled out; no metrics; 8 MiB of memory.
        .with_sampler("parentbased_always_on", None)
        .with_metrics(false)
        .with_memory_limit(8 << 20)
        // When.
        .with_pace(Pace::Patient)
        .with_drop_deadline(Duration::from_secs(2))
        // A value of a header is never shown, neither in the report nor in an error.
        .with_header("authorization", "Bearer 0123456789")
        .on_diagnostic(|line| println!("diagnostic: {line}"));

    // The report without a start: good for a `--check` of the host's. `{:#}` adds every variable there is.
    println!("{}", config.resolve());

    // A wrong argument is an error that names it, and nothing was started; a wrong variable is only a diagnostic.
    if let Err(error) = telemetry::init(config.clone().with_endpoint("localhost:4318")) {
        println!("{error}");
    }

    let telemetry = telemetry::init(config)?;
    let status = telemetry.status();
    for (name, signal) in
        [("traces", status.traces), ("metrics", status.metrics), ("logs", status.logs)]
    {
        println!("{name} {}: {}", if signal.on { "on" } else { "off" }, signal.why);
    }
    drop(telemetry::span("configured"));
    telemetry.shutdown(Duration::from_secs(5))
}
