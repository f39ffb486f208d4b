//! OTLP as JSON, a line for each batch, as the specification's file exporter writes it: `TracesData`,
//! `MetricsData` or `LogsData`.
//!
//! Ids are hexadecimal, integers of 64 bits are texts, enums are numbers, bytes are base64, and
//! what has its default is left out.

mod batch;
#[cfg(feature = "receive")]
mod line;
mod logs;
mod metrics;
mod point;
mod span;
#[cfg(all(test, feature = "receive"))]
mod tests;
mod value;
mod writer;

pub(crate) use batch::JsonBatch;
#[cfg(feature = "receive")]
pub(crate) use line::JsonEncoder;

/// What the signals call their groups and items.
#[derive(Clone, Copy, Debug)]
struct Names {
    resources: &'static str,
    scopes: &'static str,
    items: &'static str,
}

const TRACES: Names = Names { resources: "resourceSpans", scopes: "scopeSpans", items: "spans" };
const METRICS: Names =
    Names { resources: "resourceMetrics", scopes: "scopeMetrics", items: "metrics" };
const LOGS: Names = Names { resources: "resourceLogs", scopes: "scopeLogs", items: "logRecords" };
