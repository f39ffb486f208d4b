//! For tests of hosts and of this crate: spans and log records captured in memory, and a clock that
//! stands still.
//!
//! A capture belongs to the thread that made it, and to whatever its context is carried to, so
//! tests may run in parallel. No `init` is needed, no thread is started, nothing is sent. Metrics are
//! not captured.
//!
//! ```
//! use trackside::{telemetry, testing};
//!
//! let capture = testing::Capture::start();
//! telemetry::span("load").with(|span| { span.set("rows", 3_u32); });
//! let spans = capture.spans();
//! assert_eq!(spans[0].name, "load");
//! assert_eq!(spans[0].attribute("rows"), Some(&3_i64.into()));
//! ```

mod capture;
mod captured;

pub(crate) use capture::Sink;
pub use capture::{Capture, CaptureBuilder, ManualClock};
pub use captured::{
    CapturedEvent, CapturedLink, CapturedLog, CapturedSpan, CapturedStatus, CapturedValue,
};

use crate::telemetry::TelemetryConfig;

/// The same configuration with these variables instead of the process's.
///
/// ```
/// use trackside::telemetry::TelemetryConfig;
/// use trackside::testing;
///
/// let config = testing::with_variables(TelemetryConfig::default(), &[("OTEL_SERVICE_NAME", "shop")]);
/// assert!(config.resolve().to_string().contains("shop"));
/// ```
pub fn with_variables(config: TelemetryConfig, variables: &[(&str, &str)]) -> TelemetryConfig {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    config.with_variables(owned.collect())
}
