//! What became of every item: one account for each destination.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::counters::Counter;
use super::durations::Durations;

/// One destination's account; an item is in `waiting` until it is in exactly one of the others.
#[derive(Debug, Default)]
pub(crate) struct Account {
    waiting: AtomicU64,
    /// Of those that wait, the ones that an attempt has under way.
    under_way: AtomicU64,
    pub(crate) delivered: Counter,
    pub(crate) rejected: Counter,
    pub(crate) unconfirmed: Counter,
    pub(crate) queue_full: Counter,
    pub(crate) too_large: Counter,
    pub(crate) shutdown: Counter,
    last: Mutex<Last>,
    durations: Mutex<Durations>,
}

#[derive(Debug, Default, Clone)]
struct Last {
    success: Option<SystemTime>,
    error: Option<String>,
}

impl Account {
    /// Items that were drained, and wait for this destination.
    pub(crate) fn take_on(&self, items: u64) {
        self.waiting.fetch_add(items, Ordering::AcqRel);
    }

    /// Moves waiting items to another counter.
    pub(crate) fn settle(&self, items: u64, to: &Counter) {
        to.add(items);
        self.waiting.fetch_sub(items, Ordering::AcqRel);
    }

    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Acquire)
    }

    pub(crate) fn set_under_way(&self, items: u64) {
        self.under_way.store(items, Ordering::Release);
    }

    pub(crate) fn under_way(&self) -> u64 {
        self.under_way.load(Ordering::Acquire)
    }

    /// An attempt is over; `error` is one of `durations::ERRORS`.
    pub(crate) fn took(&self, error: &str, time: Duration) {
        self.durations.lock().unwrap_or_else(PoisonError::into_inner).add(error, time);
    }

    pub(crate) fn durations(&self) -> Durations {
        self.durations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn succeeded(&self) {
        self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner).success =
            Some(SystemTime::now());
    }

    pub(crate) fn failed(&self, error: &str) {
        self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner).error =
            Some(error.to_owned());
    }

    /// When it last went well, and what last went wrong.
    pub(crate) fn last(&self) -> (Option<SystemTime>, Option<String>) {
        let last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        (last.success, last.error)
    }
}
