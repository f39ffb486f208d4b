//! The ready-made RPC set: one call gives span and context (and, with the metrics to come, its numbers).

pub use super::super::words::{Direction, Outcome};
pub use super::metric::{Session, StorageTimer, payload, session, storage};
pub use crate::record::rpc::{Call, Observed, client, dispatch, handler, handler_fn, server};
