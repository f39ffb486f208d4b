//! The metrics of the predefined set: what each is called, and what its points are made of.

use std::borrow::Cow;
use std::sync::Arc;

use crate::encode::view::{Any, Pairs};
use crate::telemetry::MetricNames;

use super::bounds::{self, Bounds};

/// A metric, by its place in `METRICS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Metric {
    Requests,
    Errors,
    Milliseconds,
    ServerSeconds,
    ClientSeconds,
    Payload,
    Storage,
    Sessions,
    Handlers,
    Logs,
}

/// What is made of the records of a series.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// How many they are.
    Count,
    /// Their sum, which goes both ways.
    Level,
    /// Their distribution; a value is divided by this for its unit.
    Distribution(f64),
}

#[derive(Debug)]
pub(super) struct Description {
    pub(super) metric: Metric,
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) shape: Shape,
    pub(super) bounds: &'static Bounds,
}

macro_rules! metrics {
    ($($metric:ident, $name:literal, $unit:literal, $shape:expr, $bounds:ident;)*) => {
        pub(super) static METRICS: [Description; COUNT] = [$(Description {
            metric: Metric::$metric,
            name: $name,
            unit: $unit,
            shape: $shape,
            bounds: &bounds::$bounds,
        },)*];
    };
}

pub(super) const COUNT: usize = 10;

metrics! {
    Requests, "rpc_requests_total", "{request}", Shape::Count, NONE;
    Errors, "rpc_errors_total", "{error}", Shape::Count, NONE;
    Milliseconds, "rpc_request_duration_ms", "ms", Shape::Distribution(1e6), CALLS;
    ServerSeconds, "rpc.server.call.duration", "s", Shape::Distribution(1e9), CALLS;
    ClientSeconds, "rpc.client.call.duration", "s", Shape::Distribution(1e9), CALLS;
    Payload, "rpc_payload_bytes", "By", Shape::Distribution(1.0), PAYLOADS;
    Storage, "storage_op_latency_ms", "ms", Shape::Distribution(1e6), STORAGE;
    Sessions, "active_sessions", "{session}", Shape::Level, NONE;
    Handlers, "active_handlers", "{handler}", Shape::Level, NONE;
    Logs, "python_logs_forwarded_total", "{log_record}", Shape::Count, NONE;
}

impl Metric {
    /// Whether it is recorded where these names are chosen.
    pub(super) fn is_in(self, names: MetricNames) -> bool {
        match self {
            Self::Requests | Self::Errors | Self::Milliseconds => names != MetricNames::Semconv,
            Self::ServerSeconds | Self::ClientSeconds => names != MetricNames::Classic,
            _ => true,
        }
    }
}

/// An attribute's value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Value {
    Bool(bool),
    Text(Cow<'static, str>),
}

/// The attributes of a point, in order.
pub(super) type Labels = Arc<[(&'static str, Value)]>;

pub(super) fn text(value: impl Into<Cow<'static, str>>) -> Value {
    Value::Text(value.into())
}

/// The attribute that stands for all others beyond the limit.
pub(super) fn overflow() -> Labels {
    Arc::new([("otel.metric.overflow", Value::Bool(true))])
}

pub(super) fn pairs(labels: &Labels) -> Pairs<'_> {
    labels.iter().map(|(key, value)| (*key, any(value))).collect()
}

fn any(value: &Value) -> Any<'_> {
    match value {
        Value::Bool(value) => Any::Bool(*value),
        Value::Text(text) => Any::Str(text.as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_at_its_place() {
        assert!(METRICS.iter().enumerate().all(|(at, one)| one.metric as usize == at));
    }
}
