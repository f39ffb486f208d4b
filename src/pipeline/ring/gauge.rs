//! A ring's counters.

use super::super::sync::{Arc, Ordering};
use super::Shared;

/// A look at a ring's counters, from any thread.
#[derive(Clone)]
pub(crate) struct Gauge {
    shared: Arc<Shared>,
}

impl Gauge {
    pub(super) fn of(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared) }
    }

    /// Records offered: stored or refused.
    pub(crate) fn offered(&self) -> u64 {
        self.shared.written.pushed.load(Ordering::Acquire) + self.refused()
    }

    /// Records that found the ring full.
    pub(crate) fn refused(&self) -> u64 {
        self.shared.written.refused.load(Ordering::Acquire)
    }

    /// Records in the ring.
    pub(crate) fn waiting(&self) -> u64 {
        // In this order: a record is pushed before it is taken, so the difference is not negative.
        let taken = self.shared.read.taken.load(Ordering::Acquire);
        self.shared.written.pushed.load(Ordering::Acquire) - taken
    }

    /// Both look at the same ring.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Bytes of storage.
    pub(crate) fn bytes(&self) -> usize {
        self.shared.bytes()
    }
}
