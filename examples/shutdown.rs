//! The idea: a host ends in order. It takes no more work, ends what it has begun, and then its telemetry within a deadline;
//! the status says what became of every item. Its neighbour `configuration` is about the start.
//!
//! Run it: `cargo run --example shutdown --features telemetry`; with a peer that nobody is behind, to see what is left:
//! `OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:9 cargo run --example shutdown --features telemetry`.
#![allow(clippy::print_stdout, reason = "a program may print, the library never does")]

use std::time::Duration;

use tokio::task::JoinSet;
use trackside::telemetry::{self, Signal, TelemetryConfig};

#[tokio::main]
async fn main() -> Result<(), telemetry::Error> {
    let config = TelemetryConfig::default()
        .or_console()
        .with_service_name("shutdown")
        // For a host that returns early by `?`: dropping the last handle shuts down too, within this time.
        .with_drop_deadline(Duration::from_secs(1));
    let telemetry = telemetry::init(config)?;

    let mut requests = JoinSet::new();
    for number in 0..4_u32 {
        requests.spawn(telemetry::instrument(request(number), "request"));
    }
    // Here a host waits for its signal to stop. Then first what makes spans, and the telemetry last:
    // a span that ends after the shutdown is counted in `dropped.shutdown`.
    while requests.join_next().await.is_some() {}

    // It blocks no worker of the runtime, and goes on if its future is dropped.
    // What failed here is no reason to fail: the host's work is done.
    match telemetry.shutdown_async(Duration::from_secs(2)).await {
        Ok(()) => println!("all was sent"),
        Err(error) => println!("{error}"),
    }

    let status = telemetry.status();
    tell("traces", &status.traces);
    tell("metrics", &status.metrics);
    tell("logs", &status.logs);
    // `std::process::exit` would drop nothing: it belongs after the shutdown.
    Ok(())
}

fn tell(name: &str, signal: &Signal) {
    let Signal { recorded, delivered, rejected, unconfirmed, dropped, last_error, .. } = signal;
    println!(
        "{name}: {recorded} recorded, {delivered} delivered, {rejected} rejected, {unconfirmed} unconfirmed, {} dropped",
        dropped.total()
    );
    if let Some(error) = last_error {
        println!("{name}: {error}");
    }
}

async fn request(number: u32) {
    tokio::task::yield_now().await;
    telemetry::forward_log(20, "done", "host", line!(), "", &[("number", number.into())]);
}
