//! Batches as Cap'n Proto messages: rows, and one table of texts, as `schema/` has them.
//!
//! A message needs its lists' lengths first, so items are staged as small structs of one size; texts go
//! to the table at once. Then the size of the message is known, and it is one segment. Zero and empty
//! are the default everywhere and take nothing.

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
mod trace;
mod value;
mod words;

pub(crate) use encoders::{
    LogsEncoder, MetricsEncoder, ScopedEncoder, StreamEncoder, TraceEncoder,
};
