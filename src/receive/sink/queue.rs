//! The bounded queue of one sink.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::entry::{Entry, Waiting};
use crate::receive::counts::{Account, Signal, SinkCounts};

/// Batches for one sink, first in, first out; bounded in bytes.
#[derive(Debug)]
pub(in crate::receive) struct Queue {
    name: String,
    /// Nothing is taken that it has no room for, and `forwarded` waits for it.
    is_required: bool,
    max_bytes: usize,
    bytes: AtomicUsize,
    /// There was no room for the last that came, and nothing has left since.
    is_out_of_room: AtomicBool,
    /// When something last left, or came to an empty queue.
    moved: Mutex<Instant>,
    waiting: Mutex<VecDeque<Waiting>>,
    accounts: [Account; 3],
    trouble: Mutex<Trouble>,
    arrived: Notify,
    /// A shutdown waits.
    is_urgent: AtomicBool,
    hurried: Notify,
}

#[derive(Debug, Default)]
struct Trouble {
    /// The last attempt failed, and is repeated.
    is_failing: bool,
    last_error: Option<String>,
}

impl Queue {
    pub(super) fn new(name: String, is_required: bool, max_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            name,
            is_required,
            max_bytes,
            bytes: AtomicUsize::new(0),
            is_out_of_room: AtomicBool::new(false),
            moved: Mutex::new(Instant::now()),
            waiting: Mutex::default(),
            accounts: Default::default(),
            trouble: Mutex::default(),
            arrived: Notify::new(),
            is_urgent: AtomicBool::new(false),
            hurried: Notify::new(),
        })
    }

    pub(in crate::receive) fn name(&self) -> &str {
        &self.name
    }

    pub(in crate::receive) fn is_required(&self) -> bool {
        self.is_required
    }

    pub(in crate::receive) fn account(&self, signal: Signal) -> &Account {
        &self.accounts[signal as usize]
    }

    /// Takes room for so many bytes, if there is any. An empty queue takes whatever may come.
    pub(super) fn reserve(&self, bytes: usize) -> bool {
        let take = |used: usize| {
            let after = used.checked_add(bytes)?;
            (used == 0 || after <= self.max_bytes).then_some(after)
        };
        match self.bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, take) {
            Ok(0) => self.has_moved(),
            Ok(_) => {}
            Err(_) => {
                self.is_out_of_room.store(true, Ordering::Release);
                return false;
            }
        }
        true
    }

    pub(super) fn release(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.has_moved();
    }

    fn has_moved(&self) {
        self.is_out_of_room.store(false, Ordering::Release);
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether it is as good as full.
    pub(in crate::receive) fn is_full(&self) -> bool {
        let bytes = self.bytes.load(Ordering::Acquire);
        self.is_out_of_room.load(Ordering::Acquire) || bytes > self.max_bytes / 10 * 9
    }

    /// How long the sink has taken nothing of what waits, whether it fails or hangs.
    pub(in crate::receive) fn stuck_for(&self) -> Option<Duration> {
        let moved = *self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        (self.bytes.load(Ordering::Acquire) > 0).then(|| moved.elapsed())
    }

    /// Queues what room was taken for.
    pub(super) fn push(&self, waiting: Waiting) {
        self.account(waiting.batch.signal).take_on(waiting.batch.items.into());
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(waiting);
        self.arrived.notify_one();
    }

    /// The next batch, as soon as there is one.
    pub(super) async fn next(self: &Arc<Self>) -> Entry {
        loop {
            if let Some(entry) = self.try_next() {
                return entry;
            }
            self.arrived.notified().await;
        }
    }

    fn try_next(self: &Arc<Self>) -> Option<Entry> {
        let mut queue = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = queue.pop_front()?;
        // One wake-up may have stood for two batches.
        if !queue.is_empty() {
            self.arrived.notify_one();
        }
        Some(Entry::new(waiting, Arc::clone(self)))
    }

    /// Gives up all that waits: nobody serves the queue any more.
    pub(in crate::receive) fn abandon(self: &Arc<Self>) {
        while let Some(entry) = self.try_next() {
            drop(entry);
        }
        // What a console had gathered and not drawn.
        for account in &self.accounts {
            account.settle(account.waiting(), &account.shutdown);
        }
    }

    /// Items that no answer has come for yet.
    pub(in crate::receive) fn waiting(&self) -> u64 {
        self.accounts.iter().map(Account::waiting).sum()
    }

    /// A wait between two attempts ends, and the next ones are short.
    pub(in crate::receive) fn hurry(&self) {
        self.is_urgent.store(true, Ordering::Release);
        self.hurried.notify_waiters();
    }

    pub(super) fn is_urgent(&self) -> bool {
        self.is_urgent.load(Ordering::Acquire)
    }

    pub(super) async fn hurried(&self) {
        let hurried = self.hurried.notified();
        if !self.is_urgent() {
            hurried.await;
        }
    }

    /// True where this is news.
    pub(super) fn failed(&self, error: &str) -> bool {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.last_error = Some(error.to_owned());
        !std::mem::replace(&mut trouble.is_failing, true)
    }

    /// What was refused for good is no reason to wait.
    pub(super) fn noted(&self, error: &str) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.last_error = Some(error.to_owned());
        trouble.is_failing = false;
    }

    /// True where this is news.
    pub(super) fn recovered(&self) -> bool {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut trouble.is_failing)
    }

    pub(in crate::receive) fn counts(&self) -> SinkCounts {
        let [traces, metrics, logs] = [0, 1, 2].map(|signal| self.accounts[signal].read());
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let last_error = trouble.last_error.clone();
        SinkCounts { name: self.name.clone(), traces, metrics, logs, last_error }
    }
}
