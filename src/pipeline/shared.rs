//! What recording threads, the worker and the host's handle share.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::error::Error;
use crate::health::counters::Counter;
use crate::health::diagnostics::Diagnostics;
use crate::health::ledger::Account;
use crate::record::start::Settings;
use crate::telemetry::{Dropped, Signal};

use super::completion::Completion;
use super::ring::{Consumer, Gauge, Producer, Pushed, ring};

/// Bytes of one thread's ring: a burst of about 1,500 small spans.
const RING_BYTES: usize = 256 * 1024;
/// Longer records are boxed, see `ring`.
const INLINE_BYTES: usize = RING_BYTES / 8;

/// What the host asks of the worker.
pub(crate) struct Request {
    pub(crate) deadline: Instant,
    pub(crate) is_shutdown: bool,
    pub(crate) done: Arc<Completion<Result<(), Error>>>,
}

impl Drop for Request {
    /// Whoever waits is told, also where the worker is gone. A first answer stays.
    fn drop(&mut self) {
        self.done.complete(Err(Error::start("the telemetry thread has stopped")));
    }
}

/// One pipeline.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) diagnostics: Arc<Diagnostics>,
    pub(crate) accounts: Vec<Arc<Account>>,
    pub(super) wake: Notify,
    requests: Mutex<Vec<Request>>,
    registry: Mutex<Registry>,
    /// For threads without a ring of their own.
    overflow: Mutex<Option<Producer>>,
    /// False once a shutdown has begun: records are refused and counted.
    running: AtomicBool,
    /// The worker is gone: what is still in a ring will stay there.
    stopped: AtomicBool,
    memory: AtomicUsize,
    memory_limit: usize,
    /// Drained, but not yet on any account.
    staged: AtomicU64,
    late: Counter,
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

impl Shared {
    pub(super) fn new(
        settings: Settings,
        diagnostics: Arc<Diagnostics>,
        destinations: usize,
        memory_limit: usize,
    ) -> Self {
        Self {
            settings,
            diagnostics,
            accounts: (0..destinations).map(|_| Arc::default()).collect(),
            wake: Notify::new(),
            requests: Mutex::default(),
            registry: Mutex::default(),
            overflow: Mutex::default(),
            running: AtomicBool::new(true),
            stopped: AtomicBool::new(false),
            memory: AtomicUsize::new(0),
            memory_limit,
            staged: AtomicU64::new(0),
            late: Counter::new(),
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    /// Wakes the worker before its schedule.
    #[cold]
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// A ring for the calling thread; `None` where rings have had their half of the memory.
    pub(crate) fn register(&self) -> Option<Producer> {
        let used = self.lock_registry().gauges.len() * RING_BYTES;
        if used + RING_BYTES > self.memory_limit / 2 || !self.reserve(RING_BYTES) {
            return None;
        }
        Some(self.add_ring())
    }

    fn add_ring(&self) -> Producer {
        let (producer, consumer) = ring(RING_BYTES);
        let mut registry = self.lock_registry();
        registry.gauges.push(consumer.gauge());
        registry.fresh.push(consumer);
        producer
    }

    /// Pushes to the ring that the threads without one share.
    pub(crate) fn push_overflow(&self, pieces: &[&[u8]]) {
        let mut overflow = self.overflow.lock().unwrap_or_else(PoisonError::into_inner);
        let producer = overflow.get_or_insert_with(|| self.add_ring());
        if self.push(producer, pieces) == Pushed::HighWater {
            self.wake();
        }
    }

    /// Pushes to a thread's own ring; what finds no memory is refused and counted.
    pub(crate) fn push(&self, producer: &mut Producer, pieces: &[&[u8]]) -> Pushed {
        let length = pieces.iter().map(|piece| piece.len()).sum::<usize>();
        if length <= INLINE_BYTES {
            return producer.push(pieces);
        }
        if !self.reserve(length) {
            return producer.refuse();
        }
        let pushed = producer.push(pieces);
        if pushed == Pushed::Refused {
            self.release(length);
        }
        pushed
    }

    /// Gives back what a record held besides its place in the ring.
    pub(super) fn release_record(&self, length: usize) {
        if length > INLINE_BYTES {
            self.release(length);
        }
    }

    /// Takes bytes of the limit, if they are left.
    pub(super) fn reserve(&self, bytes: usize) -> bool {
        let take = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.memory_limit);
        self.memory.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }

    pub(super) fn release(&self, bytes: usize) {
        self.memory.fetch_sub(bytes, Ordering::AcqRel);
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
        self.release(gone.bytes());
    }

    /// Hands a request to the worker.
    pub(crate) fn request(&self, request: Request) {
        if request.is_shutdown {
            self.running.store(false, Ordering::Release);
        }
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock: the worker stops first, and then takes what is there for the last time.
        if !self.stopped.load(Ordering::Acquire) {
            requests.push(request);
        }
        drop(requests);
        self.wake();
    }

    pub(super) fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn has_stopped(&self) {
        self.running.store(false, Ordering::Release);
        self.stopped.store(true, Ordering::Release);
    }

    /// The signal's counts, now.
    pub(crate) fn counts(&self) -> Signal {
        let copies = self.accounts.len() as u64;
        let mut signal = Signal { on: true, ..Signal::default() };
        let (mut offered, mut refused, mut in_rings) = (0, 0, self.staged.load(Ordering::Acquire));
        {
            let registry = self.lock_registry();
            offered += registry.offered + self.late.read();
            refused += registry.refused;
            for gauge in &registry.gauges {
                offered += gauge.offered();
                refused += gauge.refused();
                in_rings += gauge.waiting();
            }
        }
        let mut dropped = Dropped {
            ring_full: refused * copies,
            shutdown: self.late.read() * copies,
            ..Dropped::default()
        };
        if self.stopped.load(Ordering::Acquire) {
            // Pushed while the worker was leaving.
            dropped.shutdown += in_rings * copies;
            in_rings = 0;
        }
        signal.recorded = offered * copies;
        signal.waiting = in_rings * copies;
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

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
