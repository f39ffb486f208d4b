//! OTLP as protobuf, written directly: no intermediate structs, one pass.

mod attribute;
mod envelope;
mod logs;
mod metrics;
mod proto;
#[cfg(feature = "receive")]
mod request;
mod scoped;
#[cfg(test)]
pub(crate) mod tests;
mod trace;

#[cfg(feature = "receive")]
pub(crate) use attribute::{ARRAY_DEPTH, MAP_DEPTH, MAX_DEPTH};
pub(crate) use logs::LogsEncoder;
pub(crate) use metrics::MetricsEncoder;
#[cfg(feature = "receive")]
pub(crate) use request::Request;
pub(crate) use scoped::ScopedEncoder;
pub(crate) use trace::TraceEncoder;
