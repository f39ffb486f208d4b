//! The OpenTelemetry API over this crate's pipeline, and the versions that match it.
//!
//! `init` makes these the process's globals, unless
//! [`set_globals(false)`](crate::telemetry::TelemetryConfig::set_globals) says not to. There is no
//! global logger provider; a bridge is handed [`logger_provider`].
//!
//! ```
//! use trackside::otel::api::trace::{Span as _, Tracer as _, TracerProvider as _};
//!
//! # let capture = trackside::testing::Capture::start();
//! let tracer = trackside::otel::tracer_provider().tracer("shop");
//! let mut span = tracer.start("load");
//! span.end();
//! # assert_eq!(capture.span("load").scope, "shop");
//! ```

#[cfg(feature = "tracing-opentelemetry")]
mod stock;

pub use opentelemetry as api;
#[cfg(feature = "opentelemetry-otlp")]
pub use opentelemetry_otlp as otlp;
pub use opentelemetry_sdk as sdk;
#[cfg(feature = "tracing-opentelemetry")]
pub use stock::{layer, tracing};

pub use crate::record::bridge::otel::{
    LogRecord, Logger, LoggerProvider, MeterProvider, Propagator, Span, Tracer, TracerProvider,
};

/// Tracers whose spans are ours.
#[must_use]
pub fn tracer_provider() -> TracerProvider {
    TracerProvider
}

/// Loggers whose records are ours.
#[must_use]
pub fn logger_provider() -> LoggerProvider {
    LoggerProvider
}

/// Meters of the SDK, collected by us.
#[must_use]
pub fn meter_provider() -> MeterProvider {
    MeterProvider
}

/// The propagator of W3C trace context and baggage.
#[must_use]
pub fn propagator() -> Propagator {
    Propagator
}
