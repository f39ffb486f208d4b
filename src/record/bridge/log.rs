//! The `log` crate's records.

use std::fmt::Write as _;

use log::{Level, LevelFilter, Log, Metadata, Record, SetLoggerError};

use super::super::log::{Body, Entry, Scratch};
use super::super::{gate, local, log_filter};
use super::{is_own, set_place};

/// A logger that makes log records of what the `log` crate is told, with the trace and span of the moment.
///
/// Where `tracing-log`'s `LogTracer` is installed, [`layer`](crate::layer) gets the same records, and
/// this is not needed: a process has one logger, so there are no duplicates. (But the feature
/// `log-always` of `tracing` copies each event to `log`: with it, use only one of the two.)
///
/// ```
/// use trackside::{telemetry, testing::Capture};
///
/// # fn main() -> Result<(), log::SetLoggerError> {
/// trackside::Logger::install(log::LevelFilter::Info)?;
/// let capture = Capture::start();
/// let guard = telemetry::span("order");
/// log::warn!("{} items are missing", 3);
/// drop(guard);
/// let record = &capture.logs()[0];
/// assert_eq!((record.body.as_str(), record.severity), ("3 items are missing", 13));
/// assert_eq!(record.span_id, Some(capture.span("order").span_id));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Logger;

impl Logger {
    /// Makes it the process's logger, for records of this level and more serious ones.
    ///
    /// # Errors
    /// Where the process has a logger already; it stays. A host's own may call this one's
    /// [`Log`](log::Log) methods.
    pub fn install(most: LevelFilter) -> Result<(), SetLoggerError> {
        log::set_logger(&Self)?;
        log::set_max_level(most);
        Ok(())
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        gate::read() & (gate::LOGS | gate::CAPTURES) != 0
            && !is_own(metadata.target())
            && log_filter::admits(metadata.target(), severity(metadata.level()))
            && !local::is_suppressed()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        local::with(|local| {
            local.log(gate::read(), |limits, Scratch { attributes, text }| {
                set_place(local, record.file(), record.line(), |key, value| {
                    attributes.set(key, value, limits.attributes, limits.value_length);
                });
                let body = record.args();
                Some(Entry {
                    severity: severity(record.level()),
                    body: match body.as_str() {
                        Some(text) => Body::Value(text.into()),
                        None => {
                            // A `Display` that fails leaves what it has written.
                            let _ = text.write_fmt(*body);
                            Body::Written
                        }
                    },
                    scope: record.target().into(),
                    ..Entry::default()
                })
            });
        });
    }

    /// Does nothing: [`Telemetry::force_flush`](crate::telemetry::Telemetry::force_flush) has a deadline.
    fn flush(&self) {}
}

const fn severity(level: Level) -> u8 {
    match level {
        Level::Error => 17,
        Level::Warn => 13,
        Level::Info => 9,
        Level::Debug => 5,
        Level::Trace => 1,
    }
}
