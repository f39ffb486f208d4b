//! The façade, on: each name leads into the folders of the stream.

mod change;
mod fork;
mod handle;
mod propagation;
pub(super) mod rpc;

pub use crate::config::{Report, TelemetryConfig};
pub use crate::context::Parent;
pub use crate::error::Error;
pub use crate::record::metric::{
    Counter, Gauge, Histogram, UpDownCounter, counter, gauge, histogram, up_down_counter,
};
// By its path, so that the module of the same name does not come along.
pub use crate::record::scope::current;
pub use crate::record::{
    CurrentSpan, InContext, Instrumented, Span, SpanGuard, forward_log, forward_log_at, in_context,
    in_context_fn, instrument, log_error, log_error_with, span,
};
pub use handle::{Shutdown, Telemetry, init, register_service};
pub use propagation::{extract, extract_from, inject, inject_into};
