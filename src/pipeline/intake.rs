//! One signal's way in: the rings of all threads, and the accounts of what became of each item.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::health::counters::Counter;
use crate::health::ledger::Account;
use crate::telemetry::{Dropped, Signal};

use super::memory::Memory;
use super::ring::{AT_ONCE, Consumer, Gauge, Producer, Pushed, ring};

/// The least that one thread's ring is: a burst of about 1,500 small spans.
const MIN_RING_BYTES: usize = 256 * 1024;
/// What a queue's item counts for in a ring.
const ITEM_BYTES: usize = 128;
/// Longer records are boxed, see `ring`.
const INLINE_BYTES: usize = MIN_RING_BYTES / 8;
const _: () = assert!(AT_ONCE * size_of::<u64>() <= INLINE_BYTES);

/// A signal's rings and accounts.
pub(crate) struct Intake {
    pub(crate) accounts: Vec<Arc<Account>>,
    memory: Arc<Memory>,
    /// Of one ring.
    ring_bytes: usize,
    registry: Mutex<Registry>,
    /// For threads without a ring of their own.
    overflow: Mutex<Option<Producer>>,
    /// Items that never saw a ring: they came after the shutdown, or are metric points.
    late: Counter,
    direct: Counter,
    /// Drained, but not yet on any account.
    staged: AtomicU64,
}

/// The numbers of a signal's way in.
pub(super) struct Entrance {
    /// For want of room in a ring.
    pub(super) refused: u64,
    pub(super) waiting: u64,
    /// After the shutdown.
    pub(super) late: u64,
}

#[derive(Default)]
struct Registry {
    /// Rings that the worker has not seen yet.
    fresh: Vec<Consumer>,
    gauges: Vec<Gauge>,
    /// Of rings that are gone.
    offered: u64,
    refused: u64,
}

impl Intake {
    /// A thread's ring keeps a burst of about `max_queue` small items.
    pub(super) fn new(destinations: usize, max_queue: usize, memory: &Arc<Memory>) -> Self {
        let wanted = max_queue.saturating_mul(ITEM_BYTES).max(MIN_RING_BYTES);
        // Several threads have to fit, whatever the queue is.
        let ring_bytes = wanted.min(memory.largest_ring().max(MIN_RING_BYTES)).next_power_of_two();
        Self {
            ring_bytes,
            accounts: (0..destinations).map(|_| Arc::default()).collect(),
            memory: Arc::clone(memory),
            registry: Mutex::default(),
            overflow: Mutex::default(),
            late: Counter::new(),
            direct: Counter::new(),
            staged: AtomicU64::new(0),
        }
    }

    /// The signal is exported.
    pub(crate) fn is_on(&self) -> bool {
        !self.accounts.is_empty()
    }

    /// A ring for the calling thread; `None` where all rings together have had their half of the memory.
    pub(crate) fn register(&self) -> Option<Producer> {
        if !self.memory.reserve_ring(self.ring_bytes) {
            return None;
        }
        Some(self.add_ring())
    }

    fn add_ring(&self) -> Producer {
        let (producer, consumer) = ring(self.ring_bytes);
        let mut registry = self.lock_registry();
        registry.gauges.push(consumer.gauge());
        registry.fresh.push(consumer);
        producer
    }

    /// Pushes to a thread's own ring; what finds no memory is refused and counted.
    pub(crate) fn push(&self, producer: &mut Producer, head: &[u64], pieces: &[&[u8]]) -> Pushed {
        let length = size_of_val(head) + pieces.iter().map(|piece| piece.len()).sum::<usize>();
        if length <= INLINE_BYTES {
            return producer.push(head, pieces);
        }
        self.push_large(producer, head, pieces, length)
    }

    #[cold]
    fn push_large(
        &self,
        producer: &mut Producer,
        head: &[u64],
        pieces: &[&[u8]],
        length: usize,
    ) -> Pushed {
        if !self.memory.reserve(length) {
            return producer.refuse();
        }
        let pushed = producer.push(head, pieces);
        if pushed == Pushed::Refused {
            self.memory.release(length);
        }
        pushed
    }

    /// Pushes to the ring that the threads without one share.
    pub(crate) fn push_overflow(&self, head: &[u64], pieces: &[&[u8]]) -> Pushed {
        let mut overflow = self.overflow.lock().unwrap_or_else(PoisonError::into_inner);
        let producer = overflow.get_or_insert_with(|| self.add_ring());
        self.push(producer, head, pieces)
    }

    /// Gives back what a record held besides its place in the ring.
    pub(super) fn release_record(&self, length: usize) {
        if length > INLINE_BYTES {
            self.memory.release(length);
        }
    }

    pub(super) fn stage(&self, items: u64) {
        self.staged.fetch_add(items, Ordering::AcqRel);
    }

    pub(super) fn unstage(&self, items: u64) {
        self.staged.fetch_sub(items, Ordering::AcqRel);
    }

    /// Counts a record that came after the shutdown.
    pub(super) fn count_late(&self) {
        self.late.add(1);
    }

    /// Counts items that are made by the worker itself, and stages them.
    pub(super) fn stage_direct(&self, items: u64) {
        self.direct.add(items);
        self.stage(items);
    }

    pub(super) fn fresh_rings(&self) -> Vec<Consumer> {
        std::mem::take(&mut self.lock_registry().fresh)
    }

    /// Frees a ring whose thread is gone and whose records are drained.
    pub(super) fn retire(&self, consumer: Consumer) {
        let gone = consumer.gauge();
        let mut registry = self.lock_registry();
        registry.offered += gone.offered();
        registry.refused += gone.refused();
        registry.gauges.retain(|gauge| !gauge.is_same(&gone));
        drop(registry);
        self.memory.release_ring(gone.bytes());
    }

    /// What is known of items before they come to a destination; each destination has a copy of all.
    pub(super) fn entrance(&self) -> Entrance {
        let registry = self.lock_registry();
        let (mut refused, mut waiting) = (registry.refused, self.staged.load(Ordering::Acquire));
        for gauge in &registry.gauges {
            refused += gauge.refused();
            waiting += gauge.waiting();
        }
        Entrance { refused, waiting, late: self.late.read() }
    }

    /// The signal's counts, now. Once the worker has `stopped`, what is still in a ring stays there.
    pub(crate) fn counts(&self, stopped: bool) -> Signal {
        let copies = self.accounts.len() as u64;
        let mut signal = Signal::default();
        let mut offered = self.late.read() + self.direct.read();
        let (mut refused, mut waiting) = (0, self.staged.load(Ordering::Acquire));
        {
            let registry = self.lock_registry();
            offered += registry.offered;
            refused += registry.refused;
            for gauge in &registry.gauges {
                offered += gauge.offered();
                refused += gauge.refused();
                waiting += gauge.waiting();
            }
        }
        let mut dropped = Dropped {
            ring_full: refused * copies,
            shutdown: self.late.read() * copies,
            ..Dropped::default()
        };
        if stopped {
            // Pushed while the worker was leaving.
            dropped.shutdown += waiting * copies;
            waiting = 0;
        }
        signal.recorded = offered * copies;
        signal.waiting = waiting * copies;
        for account in &self.accounts {
            signal.waiting += account.waiting();
            signal.delivered += account.delivered.read();
            signal.rejected += account.rejected.read();
            signal.unconfirmed += account.unconfirmed.read();
            dropped.queue_full += account.queue_full.read();
            dropped.too_large += account.too_large.read();
            dropped.shutdown += account.shutdown.read();
            let (success, error) = account.last();
            signal.last_success = signal.last_success.max(success);
            signal.last_error = signal.last_error.or(error);
        }
        signal.dropped = dropped;
        signal
    }

    fn lock_registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
