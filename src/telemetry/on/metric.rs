//! Metrics and logs, which this version accepts and does not export yet.

use std::time::SystemTime;

use super::super::Value;
use super::super::words::Direction;

macro_rules! instrument_kind {
    ($(#[$doc:meta])* $make:ident -> $name:ident, $verb:ident($ty:ty)) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(());

        /// Names one; `const`, so it can be a `static`, and it may be made before `init`.
        ///
        /// This version does not export measurements yet.
        #[must_use]
        pub const fn $make(_name: &'static str) -> $name {
            $name(())
        }

        impl $name {
            /// UCUM unit, such as `ms`, `By` or `{job}`.
            #[must_use]
            pub const fn with_unit(self, _unit: &'static str) -> Self {
                self
            }

            /// What it measures.
            #[must_use]
            pub const fn with_description(self, _text: &'static str) -> Self {
                self
            }

            /// The same instrument with attributes resolved once; what a measurement is given comes on top.
            #[must_use]
            pub fn bind(&self, _attributes: &[(&'static str, Value<'_>)]) -> Self {
                Self(())
            }

            /// One measurement; not exported in this version.
            pub fn $verb(&self, _value: $ty, _attributes: &[(&'static str, Value<'_>)]) {}
        }
    };
}
instrument_kind!(
    /// A sum that only grows.
    counter -> Counter, add(u64)
);
instrument_kind!(
    /// A sum that goes both ways.
    up_down_counter -> UpDownCounter, add(i64)
);
instrument_kind!(
    /// The last value.
    gauge -> Gauge, record(f64)
);
instrument_kind!(
    /// A distribution.
    histogram -> Histogram, record(f64)
);

impl Histogram {
    /// Explicit upper bounds, ascending; the specification's default where not given.
    #[must_use]
    pub const fn with_boundaries(self, _bounds: &'static [f64]) -> Self {
        self
    }
}

/// One log record, now; `level` counts as Python's `logging` does (10 DEBUG to 50 CRITICAL).
///
/// This version does not export log records yet.
pub fn forward_log(
    _level: i32,
    _message: &str,
    _module: &str,
    _line: u32,
    _thread: &str,
    _extras: &[(&str, Value<'_>)],
) {
}

/// [`forward_log`] with the record's own time.
pub fn forward_log_at(
    _at: SystemTime,
    _level: i32,
    _message: &str,
    _module: &str,
    _line: u32,
    _thread: &str,
    _extras: &[(&str, Value<'_>)],
) {
}

/// One value of `rpc_payload_bytes`; not exported in this version.
pub fn payload(_direction: Direction, _bytes: usize) {}

/// Times one storage operation; may be held across `.await`. Not exported in this version.
pub fn storage(_operation: &'static str) -> StorageTimer {
    StorageTimer(())
}

/// Records when dropped; not exported in this version.
#[derive(Debug)]
#[must_use = "the operation is timed until this is dropped"]
pub struct StorageTimer(());

impl Drop for StorageTimer {
    fn drop(&mut self) {}
}

/// Counts one session for as long as the value lives; not exported in this version.
pub fn session() -> Session {
    Session(())
}

/// One session; belongs in the host's connection type.
#[derive(Debug)]
#[must_use = "the session is counted until this is dropped"]
pub struct Session(());

impl Drop for Session {
    fn drop(&mut self) {}
}
