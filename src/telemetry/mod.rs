//! The façade: all that a host may call, the same in both modes.
//!
//! With the cargo feature `telemetry` off, each of these names compiles to nothing.

#[cfg(feature = "http")]
mod headers;
pub(crate) mod hooks;
#[cfg(doctest)]
mod strictness;
mod words;

#[cfg(not(feature = "telemetry"))]
#[path = "off/mod.rs"]
mod twin;

#[cfg(feature = "telemetry")]
#[path = "on/mod.rs"]
mod twin;

pub use self::hooks::{OnError, OnOutput};
pub use self::twin::{
    Counter, CurrentSpan, Error, Gauge, Histogram, InContext, Instrumented, Parent, Report,
    Shutdown, Span, SpanGuard, Telemetry, TelemetryConfig, UpDownCounter, counter, current,
    extract, extract_from, forward_log, forward_log_at, gauge, histogram, in_context,
    in_context_fn, init, inject, inject_into, instrument, log_error, log_error_with,
    register_service, span, up_down_counter,
};
pub use self::words::{
    Detector, Dropped, Extract, Inject, Kind, MetricNames, OtelContext, Pace, Signal, SpanId,
    Status, TraceId, Value,
};

/// The ready-made RPC set: one call gives the span, the metrics and the context.
pub mod rpc {
    #[cfg(feature = "capnp-rpc")]
    pub mod capnp;

    pub use super::twin::rpc::*;
}
