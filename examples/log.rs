//! The idea: what a host and its libraries tell the crate `log` becomes log records, each with the span it was said in.
//! Its neighbour `tracing` does it for that crate; `logs` forwards records of any other logger.
//!
//! Run it: `cargo run --example log --features telemetry`.

use std::time::Duration;

use trackside::telemetry::{self, TelemetryConfig};

/// It knows `log` and nothing else.
mod library {
    pub(super) fn parse(line: &str) -> Result<u32, std::num::ParseIntError> {
        log::debug!("not recorded: the level is below the one that was asked for");
        log::info!(target: "library.parser", "parsing {} bytes", line.len());
        line.parse()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The process has one logger. A host that has its own already calls `trackside::Logger` from within that one.
    trackside::Logger::install(log::LevelFilter::Info)?;
    let config = TelemetryConfig::default().or_console().with_service_name("log");
    let telemetry = telemetry::init(config)?;

    for line in ["42", "many"] {
        let _span = telemetry::span("line").with(|span| {
            span.set("text", line);
        });
        if let Err(error) = library::parse(line) {
            log::error!("{line:?} is not a number: {error}");
        }
    }
    log::info!("outside of a span it is a record too, without a trace");

    telemetry.shutdown(Duration::from_secs(5))?;
    Ok(())
}
