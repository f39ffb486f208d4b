//! What every process of the host does: telemetry around its work.

use std::error::Error;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::LocalSet;
use trackside::telemetry::{self, TelemetryConfig};

/// One thread: Cap'n Proto's calls do not leave theirs.
pub(crate) fn run(
    service: &str,
    work: impl Future<Output = Result<(), Box<dyn Error>>>,
) -> Result<(), Box<dyn Error>> {
    let config = TelemetryConfig::default().or_console().with_service_name(service);
    // What is told to `log` becomes log records, as from `init` on what is told to `tracing`. The targets are words, since
    // those that begin with `trackside`, which runs this code too, are never recorded.
    trackside::Logger::install(log::LevelFilter::Info)?;
    let telemetry = telemetry::init(config)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let done = LocalSet::new().block_on(&runtime, work);
    // The connections end here, and with them their sessions: before the last numbers leave.
    drop(runtime);
    telemetry.shutdown(Duration::from_secs(5))?;
    done
}
