//! One destination: its queue, its exporter, and the account of what became of each item.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::timeout;

use crate::config::plan::ExporterPlan;
use crate::export::{Body, Exporter, Frame, Outcome, Policy};
use crate::health::counters::Counter;
use crate::health::diagnostics::Level;
use crate::health::ledger::Account;
use crate::telemetry::Pace;

use super::shared::Shared;

/// What a destination is made from.
pub(super) struct Setup<'a> {
    pub(super) exporter: &'a ExporterPlan,
    pub(super) noun: &'static str,
    /// Items that may wait.
    pub(super) max_queue: usize,
    /// Caps one attempt, like the exporter's own timeout.
    pub(super) attempt_limit: Option<Duration>,
    pub(super) pace: Pace,
}

/// A queue and what serves it; all on the worker's thread.
pub(super) struct Destination {
    name: String,
    /// Names this destination for good; by chance no other has it.
    id: u64,
    /// What its items are called.
    noun: &'static str,
    plan: ExporterPlan,
    max_queue: usize,
    attempt_limit: Option<Duration>,
    policy: Policy,
    shared: Arc<Shared>,
    account: Arc<Account>,
    queue: RefCell<VecDeque<Frame>>,
    /// Taken from the queue, not answered yet.
    in_flight: RefCell<Option<Frame>>,
    /// The last sequence given to a frame, and the last one settled.
    sequence: Cell<u64>,
    settled: Cell<u64>,
    is_failing: Cell<bool>,
    /// A diagnostic said so, and none has said otherwise yet.
    is_known_failing: Cell<bool>,
    /// A flush or a shutdown waits.
    is_urgent: Cell<bool>,
    arrived: Notify,
    hurried: Notify,
}

impl Destination {
    pub(super) fn new(setup: Setup<'_>, account: &Arc<Account>, shared: &Arc<Shared>) -> Rc<Self> {
        Rc::new(Self {
            name: setup.exporter.to_string(),
            id: RandomState::new().build_hasher().finish(),
            noun: setup.noun,
            plan: setup.exporter.clone(),
            max_queue: setup.max_queue,
            attempt_limit: setup.attempt_limit,
            policy: Policy::of(setup.pace),
            account: Arc::clone(account),
            shared: Arc::clone(shared),
            queue: RefCell::default(),
            in_flight: RefCell::default(),
            sequence: Cell::new(0),
            settled: Cell::new(0),
            is_failing: Cell::new(false),
            is_known_failing: Cell::new(false),
            is_urgent: Cell::new(false),
            arrived: Notify::new(),
            hurried: Notify::new(),
        })
    }

    /// Serves the queue until dropped; starts again after a panic, which costs the frame in flight.
    pub(super) fn spawn(self: &Rc<Self>) -> JoinHandle<()> {
        let this = Rc::clone(self);
        spawn_local(async move {
            loop {
                let served = spawn_local(Rc::clone(&this).serve()).await;
                let Err(error) = served else {
                    return;
                };
                let line =
                    format!("the exporter for {} panicked and was restarted: {error}", this.name);
                this.say(Level::Warn, "panic", &line);
                let lost = this.in_flight.borrow_mut().take();
                if let Some(frame) = lost {
                    this.settle(&frame, frame.items.into(), &this.account.unconfirmed);
                }
            }
        })
    }

    /// Items that may still be queued; unlimited while the peer is failing, so that what does not
    /// fit is dropped and counted here instead of filling the rings.
    pub(super) fn room(&self) -> usize {
        if self.is_failing.get() { usize::MAX } else { self.free() }
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
        self.sequence.set(self.sequence.get() + 1);
        let items = u32::try_from(fits).unwrap_or(u32::MAX);
        let frame = Frame::new(body, items, self.id, self.sequence.get());
        self.queue.borrow_mut().push_back(frame);
        self.arrived.notify_one();
    }

    /// The sequence that a flush of all that is queued now has to wait for.
    pub(super) fn last_sequence(&self) -> u64 {
        self.sequence.get()
    }

    pub(super) fn has_settled(&self, sequence: u64) -> bool {
        self.settled.get() >= sequence
    }

    /// Somebody waits for what is queued: a wait between two attempts ends, and the next ones are short.
    pub(super) fn hurry(&self) {
        self.is_urgent.set(true);
        if self.is_failing.get() {
            self.hurried.notify_one();
        }
    }

    /// Nobody waits any more.
    pub(super) fn calm(&self) {
        self.is_urgent.set(false);
    }

    /// Counts what the shutdown leaves behind.
    pub(super) fn abandon(&self) {
        let in_flight = self.in_flight.borrow_mut().take();
        if let Some(frame) = in_flight {
            let to =
                if frame.is_sent() { &self.account.unconfirmed } else { &self.account.shutdown };
            self.settle(&frame, frame.items.into(), to);
        }
        let left = std::mem::take(&mut *self.queue.borrow_mut());
        for frame in left {
            self.settle(&frame, frame.items.into(), &self.account.shutdown);
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

    async fn serve(self: Rc<Self>) {
        let exporter = Exporter::new(&self.plan, self.attempt_limit);
        loop {
            let next = self.queue.borrow_mut().pop_front();
            let Some(frame) = next else {
                self.arrived.notified().await;
                continue;
            };
            *self.in_flight.borrow_mut() = Some(frame.clone());
            self.deliver(&exporter, &frame).await;
        }
    }

    /// Sends a frame until it is answered for good.
    async fn deliver(&self, exporter: &Exporter, frame: &Frame) {
        let mut failures = 0;
        loop {
            let was_sent = frame.is_sent();
            match exporter.send(frame).await {
                Outcome::Delivered { rejected, message } => {
                    return self.delivered(frame, rejected, message);
                }
                Outcome::Refused { error } => {
                    return self.refused(frame, &error, &self.account.rejected);
                }
                Outcome::TooLarge { error } => {
                    return self.refused(frame, &error, &self.account.too_large);
                }
                Outcome::Unconfirmed { error } => {
                    return self.refused(frame, &error, &self.account.unconfirmed);
                }
                Outcome::Retry { error, after, sent } => {
                    if !(was_sent || sent) {
                        frame.mark_unsent();
                    }
                    failures += 1;
                    self.is_failing.set(true);
                    self.account.failed(&error);
                    // Silenced, it is said when its minute is over: what was said last has to hold.
                    if !self.is_known_failing.get() {
                        let line = format!(
                            "cannot export to {}: {error}; {} wait and are sent again",
                            self.name, self.noun
                        );
                        self.is_known_failing.set(self.say(Level::Warn, "failing", &line));
                    }
                    // The worker need not hold records back for this destination any more.
                    self.shared.wake.notify_one();
                    self.pause(failures, after).await;
                }
            }
        }
    }

    /// Waits before the next attempt. A flush ends our own wait, but not one that the peer asked for.
    async fn pause(&self, failures: u32, after: Option<Duration>) {
        match after {
            Some(wait) => tokio::time::sleep(wait).await,
            None => {
                let urgent = self.is_urgent.get();
                let (policy, failures) =
                    if urgent { (Policy::PROMPT, 1) } else { (self.policy, failures) };
                let wait = policy.wait(failures);
                let line = format!("{} is tried again in {wait:?}", self.name);
                self.tell("backoff", &line);
                // Ending early or not: the next attempt follows.
                let _ = timeout(wait, self.hurried.notified()).await;
            }
        }
    }

    fn delivered(&self, frame: &Frame, rejected: u64, message: Option<String>) {
        let items = u64::from(frame.items);
        let rejected = rejected.min(items);
        self.is_failing.set(false);
        if self.is_known_failing.get() {
            let line = format!("{} accepts {} again", self.name, self.noun);
            self.is_known_failing.set(!self.say(Level::Info, "recovered", &line));
        }
        if rejected > 0 || message.is_some() {
            let message = message.unwrap_or_default();
            let line =
                format!("{} rejected {rejected} of {items} {}: {message}", self.name, self.noun);
            self.account.failed(&line);
            self.say(Level::Warn, "partial", &line);
        }
        self.account.succeeded();
        let bytes = frame.body.len();
        let line = format!("{} took {items} {}, {bytes} bytes", self.name, self.noun);
        self.tell("delivered", &line);
        self.account.settle(rejected, &self.account.rejected);
        self.settle(frame, items - rejected, &self.account.delivered);
    }

    fn refused(&self, frame: &Frame, error: &str, to: &Counter) {
        self.is_failing.set(false);
        self.is_known_failing.set(false);
        self.account.failed(error);
        let line = format!(
            "{} refused {} {} for good: {error} ({frame})",
            self.name, frame.items, self.noun
        );
        self.say(Level::Warn, "refused", &line);
        self.settle(frame, frame.items.into(), to);
    }

    /// Closes a frame's account.
    fn settle(&self, frame: &Frame, items: u64, to: &Counter) {
        self.in_flight.borrow_mut().take();
        self.shared.memory.release(frame.body.len());
        self.account.settle(items, to);
        self.settled.set(frame.sequence);
        self.shared.wake.notify_one();
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
