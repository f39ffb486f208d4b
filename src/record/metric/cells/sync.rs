//! What a cell is built on; `tests/models` puts loom's in this place.

pub(crate) use std::hint::spin_loop as pause;
pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicU64, Ordering, fence};

/// Of a cell: as many as the longest list of boundaries needs, the open bucket included.
pub(crate) const BUCKETS: usize = 16;
