//! One destination: its queue, its exporter, and the account of what became of each item.

mod backoff;
mod delivery;
mod outstanding;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_local};

use crate::config::plan::ExporterPlan;
use crate::export::capnp::{Links, Signal};
use crate::export::{Body, Exporter, Frame, Policy};
use crate::health::counters::Counter;
use crate::health::diagnostics::Level;
use crate::health::ledger::Account;
use crate::telemetry::Pace;

use self::backoff::Backoff;
use self::outstanding::Outstanding;
use super::shared::Shared;

/// What a destination is made from.
pub(super) struct Setup<'a> {
    pub(super) exporter: &'a ExporterPlan,
    pub(super) signal: Signal,
    pub(super) links: &'a Links,
    pub(super) noun: &'static str,
    /// Items that may wait.
    pub(super) max_queue: usize,
    /// Caps one attempt, like the exporter's own timeout.
    pub(super) attempt_limit: Option<Duration>,
    pub(super) pace: Pace,
}

/// Makes the exporter, and makes it anew after a panic.
type Make = Box<dyn Fn() -> Exporter>;

/// A queue and what serves it; all on the worker's thread.
pub(super) struct Destination {
    name: String,
    /// Names this destination for good; by chance no other has it.
    id: u64,
    /// What its items are called.
    noun: &'static str,
    plan: ExporterPlan,
    max_queue: usize,
    make: Make,
    shared: Arc<Shared>,
    account: Arc<Account>,
    outstanding: RefCell<Outstanding>,
    backoff: RefCell<Backoff>,
    /// A diagnostic said so, and none has said otherwise yet.
    is_known_failing: Cell<bool>,
    /// A flush or a shutdown waits.
    is_urgent: Cell<bool>,
    /// There may be something to send.
    changed: Notify,
}

impl Destination {
    pub(super) fn new(setup: Setup<'_>, account: &Arc<Account>, shared: &Arc<Shared>) -> Rc<Self> {
        let Setup { signal, attempt_limit, .. } = setup;
        let (plan, links) = (setup.exporter.clone(), setup.links.clone());
        let make = Box::new(move || Exporter::new(&plan, signal, attempt_limit, &links));
        Self::over(make, setup, account, shared)
    }

    fn over(
        make: Make,
        setup: Setup<'_>,
        account: &Arc<Account>,
        shared: &Arc<Shared>,
    ) -> Rc<Self> {
        Rc::new(Self {
            name: setup.exporter.to_string(),
            id: RandomState::new().build_hasher().finish(),
            noun: setup.noun,
            plan: setup.exporter.clone(),
            max_queue: setup.max_queue,
            make,
            account: Arc::clone(account),
            shared: Arc::clone(shared),
            outstanding: RefCell::default(),
            backoff: RefCell::new(Backoff::new(Policy::of(setup.pace))),
            is_known_failing: Cell::new(false),
            is_urgent: Cell::new(false),
            changed: Notify::new(),
        })
    }

    /// Serves the queue until the task is aborted.
    pub(super) fn spawn(self: &Rc<Self>) -> JoinHandle<()> {
        spawn_local(Rc::clone(self).serve())
    }

    fn is_failing(&self) -> bool {
        self.backoff.borrow().is_failing()
    }

    /// Items that may still be queued; unlimited while the peer is failing, so that what does not
    /// fit is dropped and counted here instead of filling the rings.
    pub(super) fn room(&self) -> usize {
        if self.is_failing() { usize::MAX } else { self.free() }
    }

    fn free(&self) -> usize {
        let waiting = usize::try_from(self.account.waiting()).unwrap_or(usize::MAX);
        self.max_queue.saturating_sub(waiting)
    }

    /// Queues a frame of as many of the items as there is room for, the oldest; the rest is dropped.
    pub(super) fn enqueue(&self, items: usize, encode: impl FnOnce(usize) -> Body) {
        self.enqueue_fitting(items, items.min(self.free()), encode);
    }

    /// Queues a frame of all the items, or drops them all.
    pub(super) fn enqueue_whole(&self, items: usize, encode: impl FnOnce() -> Body) {
        let fits = if items <= self.free() { items } else { 0 };
        self.enqueue_fitting(items, fits, |_| encode());
    }

    fn enqueue_fitting(&self, items: usize, fits: usize, encode: impl FnOnce(usize) -> Body) {
        self.account.take_on(items as u64);
        self.account.settle((items - fits) as u64, &self.account.queue_full);
        if fits < items {
            let noun = self.noun;
            let line =
                format!("the queue for {} is full; the newest {noun} are dropped", self.name);
            self.say(Level::Warn, "queue full", &line);
        }
        if fits == 0 {
            return;
        }
        let body = encode(fits);
        if !self.shared.memory.reserve(body.len()) {
            self.account.settle(fits as u64, &self.account.queue_full);
            let line = format!("the memory limit is reached; the newest {} are dropped", self.noun);
            self.say(Level::Warn, "memory", &line);
            return;
        }
        let items = u32::try_from(fits).unwrap_or(u32::MAX);
        let frame = |sequence| Frame::new(body, items, self.id, sequence);
        self.outstanding.borrow_mut().add(frame);
        self.changed.notify_one();
    }

    /// The sequence that a flush of all that is queued now has to wait for.
    pub(super) fn last_sequence(&self) -> u64 {
        self.outstanding.borrow().last()
    }

    /// Whether all up to this sequence is answered for, in whatever order the answers came.
    pub(super) fn has_settled(&self, sequence: u64) -> bool {
        self.outstanding.borrow().has_settled(sequence)
    }

    /// Somebody waits for what is queued: a wait between two attempts ends, and the next ones are short.
    pub(super) fn hurry(&self) {
        self.is_urgent.set(true);
        self.backoff.borrow_mut().hurry();
        self.changed.notify_one();
    }

    /// Nobody waits any more.
    pub(super) fn calm(&self) {
        self.is_urgent.set(false);
    }

    /// Counts what the shutdown leaves behind; an answer that still comes is one too many.
    pub(super) fn abandon(&self) {
        let left = self.outstanding.borrow().sequences();
        for sequence in left {
            self.settle_as(sequence, 0, |frame| match frame.is_sent() {
                true => &self.account.unconfirmed,
                false => &self.account.shutdown,
            });
        }
    }

    /// Shuts a foreign exporter down; ours have nothing to end.
    pub(super) fn close(&self, within: Duration) {
        if let ExporterPlan::Foreign(foreign) = &self.plan {
            if let Err(error) = foreign.shut_down(within) {
                self.say(
                    Level::Warn,
                    "close",
                    &format!("{} did not shut down: {error}", self.name),
                );
            }
        }
    }

    /// Closes a frame's account: `rejected` items by the peer, the rest as said. Only the first call counts.
    fn settle<'a>(&'a self, sequence: u64, rejected: u64, to: &'a Counter) {
        self.settle_as(sequence, rejected, |_| to);
    }

    fn settle_as<'a>(
        &'a self,
        sequence: u64,
        rejected: u64,
        to: impl FnOnce(&Frame) -> &'a Counter,
    ) {
        let settled = self.outstanding.borrow_mut().settle(sequence);
        self.note_under_way();
        let Some(frame) = settled else { return };
        self.shared.memory.release(frame.body.len());
        self.account.settle(rejected, &self.account.rejected);
        self.account.settle(u64::from(frame.items) - rejected, to(&frame));
        self.shared.wake.notify_one();
    }

    /// For whoever asks from another thread.
    fn note_under_way(&self) {
        self.account.set_under_way(self.outstanding.borrow().under_way());
    }

    fn say(&self, level: Level, topic: &str, line: &str) -> bool {
        self.shared.diagnostics.say(level, &self.topic(topic), line)
    }

    /// What only somebody who looks for it wants to know.
    fn tell(&self, topic: &str, line: &str) {
        self.shared.diagnostics.tell(Level::Debug, &self.topic(topic), line);
    }

    fn topic(&self, topic: &str) -> String {
        format!("{topic} {} {}", self.noun, self.name)
    }
}
