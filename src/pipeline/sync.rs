//! What the ring is built on; `tests/models` puts loom's in this place.

pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Who uses a slot: nothing here, a checked cell under loom.
pub(crate) struct Owner;

impl Owner {
    pub(crate) const fn new() -> Self {
        Self
    }

    pub(crate) const fn read(&self) {}

    pub(crate) const fn write(&self) {}
}
