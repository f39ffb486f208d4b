//! The SDK's types in our view, and ours in the SDK's types.

mod log;
mod metrics;
mod span;
mod value;

pub(crate) use log::SdkLog;
pub(crate) use metrics::each_metric;
pub(crate) use span::SdkSpan;
pub(crate) use value::{resource, scope};
