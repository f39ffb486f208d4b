//! The host as a program: one line of its own, and nothing of telemetry's.

use std::error::Error;
use std::time::Duration;

use host::rpc::Connection;
use host::{Refusal, block_on, calling, engine, threads};
use trackside::telemetry::{self, TelemetryConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let threads_before = threads();
    let telemetry = telemetry::init(TelemetryConfig::default().with_service_name("host"))?;
    let connection = Connection::open();
    let found = block_on(calling::length(1))?;
    let missing = block_on(calling::length(9));
    let ticks = block_on(engine::tick(0.5));
    drop(connection);
    telemetry.force_flush(Duration::from_secs(5))?;
    if threads() != threads_before {
        return Err("telemetry started a thread although nothing is configured".into());
    }
    if telemetry.status().traces.on || telemetry.report().to_string().is_empty() {
        return Err("telemetry has to be off here, and to say so".into());
    }
    block_on(telemetry.shutdown_async(Duration::from_secs(5)))?;
    telemetry.shutdown(Duration::from_secs(5))?;
    if missing != Err(Refusal::Missing(9)) {
        return Err("a missing key was found".into());
    }
    println!("length {found}, ticks {ticks}");
    Ok(())
}
