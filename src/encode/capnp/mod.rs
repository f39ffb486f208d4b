//! Batches as Cap'n Proto messages: rows, and one table of texts, as `schema/` has them.
//!
//! Items, and what stands behind their pointers, are written as words at once; texts go to the table. In the
//! end the message is put together of these parts, and is one segment. Zero and empty are the default
//! everywhere and take nothing.

mod around;
mod batch;
#[allow(unused_imports, reason = "a receiver's")]
pub(crate) mod columns;
mod encoders;
mod groups;
mod items;
mod logs;
mod message;
mod metrics;
mod points;
mod scopes;
mod strings;
#[cfg(test)]
pub(crate) mod tests;
mod texts;
mod trace;
mod value;
mod words;

pub(crate) use encoders::{
    LogsEncoder, MetricsEncoder, ScopedEncoder, ScopedSpans, StreamEncoder, TraceEncoder,
};
pub(crate) use texts::{texts, texts_of_columns};
