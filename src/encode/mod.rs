//! From items to bytes; no sockets here.

#[allow(dead_code, unused_imports, reason = "the exporter takes it next")]
pub(crate) mod capnp;
pub(crate) mod console;
mod encoder;
pub(crate) mod json;
mod last;
#[allow(dead_code, reason = "one feature's")]
pub(crate) mod openmetrics;
pub(crate) mod otlp;
#[cfg(any(test, measuring))]
#[cfg_attr(not(test), allow(dead_code, reason = "the tests'"))]
pub(crate) mod sample;
pub(crate) mod sdk;
pub(crate) mod view;

pub(crate) use encoder::{LogEncoder, MetricEncoder, SpanEncoder};
pub(crate) use sdk::each_metric;
