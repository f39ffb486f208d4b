//! The one number that bounds what waits, in bytes.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes taken of a limit.
#[derive(Debug)]
pub(crate) struct Memory {
    used: AtomicUsize,
    /// What rings hold of it: half at most, since they keep it while they are empty.
    rings: AtomicUsize,
    limit: usize,
}

impl Memory {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { used: AtomicUsize::new(0), rings: AtomicUsize::new(0), limit }
    }

    /// Takes bytes of the limit, if they are left.
    pub(crate) fn reserve(&self, bytes: usize) -> bool {
        take(&self.used, bytes, self.limit)
    }

    /// As large as one ring may be: a power of two, a 16th of the limit at most.
    pub(crate) const fn largest_ring(&self) -> usize {
        let share = self.limit / 16;
        if share == 0 { 0 } else { 1 << share.ilog2() }
    }

    /// Takes bytes for a ring.
    pub(crate) fn reserve_ring(&self, bytes: usize) -> bool {
        if !take(&self.rings, bytes, self.limit / 2) {
            return false;
        }
        let is_taken = self.reserve(bytes);
        if !is_taken {
            self.rings.fetch_sub(bytes, Ordering::AcqRel);
        }
        is_taken
    }

    pub(crate) fn release_ring(&self, bytes: usize) {
        self.rings.fetch_sub(bytes, Ordering::AcqRel);
        self.release(bytes);
    }

    pub(crate) fn release(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::AcqRel);
    }
}

fn take(from: &AtomicUsize, bytes: usize, limit: usize) -> bool {
    let take = |used: usize| used.checked_add(bytes).filter(|used| *used <= limit);
    from.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
}
