//! OTLP as protobuf, written directly: no intermediate structs, one pass.

mod attribute;
mod envelope;
mod logs;
mod metrics;
mod proto;
mod scoped;
#[cfg(test)]
pub(super) mod tests;
mod trace;

pub(crate) use logs::LogsEncoder;
pub(crate) use metrics::MetricsEncoder;
pub(crate) use scoped::ScopedEncoder;
pub(crate) use trace::TraceEncoder;
