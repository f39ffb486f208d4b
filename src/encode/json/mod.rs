//! OTLP as JSON, a line for each batch, as the specification's file exporter writes it: `TracesData`,
//! `MetricsData` or `LogsData`.
//!
//! Ids are hexadecimal, integers of 64 bits are texts, enums are numbers, bytes are base64, and
//! what has its default is left out.

mod line;
mod logs;
mod metrics;
mod point;
mod span;
#[cfg(test)]
mod tests;
mod value;
mod writer;

pub(crate) use line::JsonEncoder;
