//! Counters of the whole process, each declared once.

use std::sync::atomic::{AtomicU64, Ordering};

/// Spans whose guard was leaked or held too long.
pub(crate) static FORGOTTEN_SPANS: Counter = Counter::new();
/// Attributes and events for a span that is not here any more.
pub(crate) static LATE_WRITES: Counter = Counter::new();

/// A number that grows, off the hot road.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::AcqRel);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}
