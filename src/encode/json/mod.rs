//! OTLP as JSON, a line for each batch, as the specification's file exporter writes it: `TracesData`,
//! `MetricsData` or `LogsData`.
//!
//! Ids are hexadecimal, integers of 64 bits are texts, enums are numbers, bytes are base64, and
//! what has its default is left out.

mod batch;
#[allow(dead_code, reason = "a receiver's")]
mod line;
mod logs;
mod metrics;
mod point;
mod span;
#[cfg(test)]
pub(crate) mod tests;
mod value;
mod writer;

pub(crate) use batch::JsonBatch;
#[allow(unused_imports, reason = "a receiver's")]
pub(crate) use line::JsonEncoder;
#[allow(unused_imports, reason = "the doctor's")]
pub(crate) use writer::Writer;

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
