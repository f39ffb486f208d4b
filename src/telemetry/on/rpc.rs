//! The ready-made RPC set: one call gives span, metrics and context.

pub use super::super::words::{Direction, Outcome};
pub use crate::record::rpc::{
    Call, Observed, Session, StorageTimer, client, dispatch, handler, handler_fn, payload, server,
    session, storage,
};
