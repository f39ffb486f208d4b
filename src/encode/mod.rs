//! From items to bytes; no sockets here.

pub(crate) mod console;
mod encoder;
pub(crate) mod otlp;
#[cfg(test)]
mod sample;
mod sdk_metrics;
pub(crate) mod view;

pub(crate) use encoder::{LogEncoder, MetricEncoder, SpanEncoder};
pub(crate) use sdk_metrics::each_metric;
