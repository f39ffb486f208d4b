//! The SDK's types in our view, and ours in the SDK's types.

mod batch;
mod log;
mod log_record;
mod metrics;
mod span;
mod span_data;
mod spans;
mod value;

pub(crate) use batch::{Items, SdkBatch};
pub(crate) use log::SdkLog;
pub(crate) use log_record::LogRecordEncoder;
pub(crate) use metrics::each_metric;
pub(crate) use span::SdkSpan;
pub(crate) use span_data::SpanDataEncoder;
pub(crate) use spans::encode_spans;
pub(crate) use value::{resource, resource_of, scope};
