//! OTLP as protobuf, written directly: no intermediate structs, one pass.

mod attribute;
mod copy;
mod envelope;
mod logs;
mod metrics;
mod proto;
#[allow(dead_code, reason = "a receiver's")]
mod request;
mod scoped;
#[cfg(test)]
pub(crate) mod tests;
mod trace;

#[allow(unused_imports, reason = "a receiver's")]
pub(crate) use attribute::{ARRAY_DEPTH, MAP_DEPTH, MAX_DEPTH};
pub(crate) use logs::LogsEncoder;
pub(crate) use metrics::MetricsEncoder;
#[allow(unused_imports, reason = "a receiver's")]
pub(crate) use request::Request;
pub(crate) use scoped::ScopedEncoder;
pub(crate) use trace::TraceEncoder;
