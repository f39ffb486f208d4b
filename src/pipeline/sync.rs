//! What the ring and the completion are built on; `tests/models` puts loom's in this place.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, Condvar, Mutex};

/// Who uses a slot: nothing here, a checked cell under loom.
#[derive(Default)]
pub(crate) struct Owner;

impl Owner {
    pub(crate) const fn read(&self) {}

    pub(crate) const fn write(&self) {}
}
