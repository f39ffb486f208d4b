//! What a cell is built on; `tests/models` puts loom's in this place.

pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicU64, Ordering, fence};
