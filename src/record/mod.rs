//! What a host says, as records on the thread that says it.
//!
//! `start` decides, `open` collects, `local` keeps each thread's share, `current` is the stack of
//! open spans, `packed` the record that leaves for the ring. `log` writes records of its own beside
//! them, `metric` measures, and `rpc` does for a call what the three can.

mod attributes;
pub(crate) mod bridge;
mod bytes;
pub(crate) mod current;
mod exception;
mod future;
pub(crate) mod gate;
pub(crate) mod limits;
pub(crate) mod local;
pub(crate) mod log;
pub(crate) mod log_filter;
pub(crate) mod metric;
mod open;
pub(crate) mod packed;
pub(crate) mod rpc;
pub(crate) mod scope;
mod slot;
mod span;
pub(crate) mod start;
mod values;

pub use bridge::{Layer, Logger, LogsAs, context_of, layer, set_parent};
pub use future::{InContext, Instrumented, in_context, in_context_fn, instrument};
pub use log::{forward_log, forward_log_at, log_error, log_error_with};
pub use scope::{CurrentSpan, SpanGuard, span};
pub use span::Span;
