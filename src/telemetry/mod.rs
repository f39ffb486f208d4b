//! The façade: all that a host may call.

#[cfg(feature = "http")]
mod headers;
mod words;

pub use words::{
    Dropped, Extract, Inject, Kind, MetricNames, Pace, Signal, SpanId, Status, TraceId, Value,
};
