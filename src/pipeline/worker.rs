//! The one background thread: drains the rings, cuts batches, answers flushes, leaves at a deadline.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::config::plan::Plan;
use crate::error::Error;

use super::batch::Batch;
use super::clock::Anchor;
use super::destination::Destination;
use super::ring::Consumer;
use super::shared::{Request, Shared};

/// Records taken from one ring before the next one has its turn.
const TURN: usize = 4096;

pub(super) struct Worker {
    shared: Arc<Shared>,
    destinations: Vec<Rc<Destination>>,
    tasks: Vec<JoinHandle<()>>,
    rings: Vec<Consumer>,
    batch: Batch,
    max_batch: usize,
    schedule: Duration,
    anchor: Anchor,
    pending: Vec<Pending>,
}

/// A flush or a shutdown under way.
struct Pending {
    request: Request,
    /// What each destination has to settle; `None` until the rings have been drained.
    targets: Option<Vec<u64>>,
}

impl Worker {
    /// Call inside a `LocalSet`.
    pub(super) fn new(plan: &Plan, shared: Arc<Shared>) -> Self {
        let exporters = plan.traces.exporters.iter().enumerate();
        let destinations: Vec<_> = exporters
            .map(|(index, exporter)| Destination::new(plan, exporter, &shared, index))
            .collect();
        Self {
            tasks: destinations.iter().map(Destination::spawn).collect(),
            destinations,
            shared,
            rings: Vec::new(),
            batch: Batch::default(),
            max_batch: plan.traces.batch.max_batch,
            schedule: plan.traces.batch.schedule_delay,
            anchor: Anchor::now(),
            pending: Vec::new(),
        }
    }

    /// Works until a shutdown is over; gives back what there is to answer.
    pub(super) async fn run(mut self) -> Vec<(Request, Result<(), Error>)> {
        let mut next = Instant::now() + self.schedule;
        loop {
            let deadlines = self.pending.iter().map(|pending| pending.request.deadline.into());
            let wake_at = deadlines.fold(next, Instant::min);
            // Woken or due: both mean another round.
            let _ = timeout_at(wake_at, self.shared.wake.notified()).await;
            let now = Instant::now();
            let is_due = now >= next;
            if is_due {
                // Missed rounds are skipped.
                next = now + self.schedule;
                self.anchor = self.anchor.renewed();
            }
            self.accept();
            let is_drained = self.drain();
            if is_due
                || (is_drained && self.pending.iter().any(|pending| pending.targets.is_none()))
            {
                self.cut();
            }
            if is_drained {
                self.aim();
            }
            if self.answer(now) {
                return self.leave();
            }
        }
    }

    /// Takes new requests; a wait between two attempts ends for them.
    fn accept(&mut self) {
        let requests = self.shared.take_requests();
        if !requests.is_empty() {
            self.destinations.iter().for_each(|destination| destination.hurry());
        }
        self.pending.extend(requests.into_iter().map(|request| Pending { request, targets: None }));
    }

    /// Moves records from the rings to the batch; false where some had to stay.
    fn drain(&mut self) -> bool {
        let fresh = self.shared.fresh_rings();
        self.rings.extend(fresh);
        let mut is_drained = true;
        let mut index = 0;
        while index < self.rings.len() {
            let is_closed = self.rings[index].is_closed();
            let is_empty = self.drain_one(index);
            is_drained &= is_empty;
            if is_closed && is_empty {
                let gone = self.rings.swap_remove(index);
                self.shared.retire(gone);
            } else {
                index += 1;
            }
        }
        if !is_drained && self.room() > 0 {
            // It was only this round's share; otherwise an answer wakes us.
            self.shared.wake.notify_one();
        }
        is_drained
    }

    fn drain_one(&mut self, index: usize) -> bool {
        let mut left = TURN;
        loop {
            let room = left.min(self.room()).min(self.max_batch - self.batch.len());
            let (shared, batch) = (&self.shared, &mut self.batch);
            let taken = self.rings[index].drain(room, |record| {
                shared.release_record(record.len());
                batch.push(record);
                // At once, so that a panic leaves it in no gap.
                shared.stage(1);
            });
            left -= taken;
            let is_full = self.batch.is_full(self.max_batch);
            if is_full {
                self.cut();
            }
            if taken < room {
                return true;
            }
            if left == 0 || (room == 0 && !is_full) {
                return self.rings[index].gauge().waiting() == 0;
            }
        }
    }

    /// How many more records the fullest healthy queue can take.
    fn room(&self) -> usize {
        let rooms = self.destinations.iter().map(|destination| destination.room());
        rooms.min().unwrap_or(usize::MAX).saturating_sub(self.batch.len())
    }

    /// Hands the batch to every destination.
    fn cut(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        for destination in &self.destinations {
            destination.enqueue(&self.batch, &self.anchor);
        }
        self.shared.unstage(self.batch.len() as u64);
        self.batch.clear();
    }

    /// All that was recorded before the waiting requests is queued now.
    fn aim(&mut self) {
        for pending in self.pending.iter_mut().filter(|pending| pending.targets.is_none()) {
            let targets = self.destinations.iter().map(|destination| destination.last_sequence());
            pending.targets = Some(targets.collect());
        }
    }

    /// Answers the requests that are done or late; true where one of them was a shutdown.
    fn answer(&mut self, now: Instant) -> bool {
        let is_done = |pending: &Pending| {
            pending.targets.as_ref().is_some_and(|targets| {
                let mut pairs = self.destinations.iter().zip(targets);
                pairs.all(|(destination, target)| destination.has_settled(*target))
            })
        };
        let is_over =
            |pending: &Pending| is_done(pending) || now >= pending.request.deadline.into();
        if self.pending.iter().any(|pending| pending.request.is_shutdown && is_over(pending)) {
            return true;
        }
        let over: Vec<bool> =
            self.pending.iter().map(|pending| is_done(pending) || is_over(pending)).collect();
        let done: Vec<bool> = self.pending.iter().map(is_done).collect();
        let mut index = 0;
        let waiting = || self.shared.counts().waiting;
        self.pending.retain(|pending| {
            let (over, done) = (over[index], done[index]);
            index += 1;
            if over {
                pending.request.done.complete(if done { Ok(()) } else { Err(late(waiting())) });
            }
            !over
        });
        false
    }

    /// Counts what is left behind, and says what each request is to be told.
    fn leave(mut self) -> Vec<(Request, Result<(), Error>)> {
        let left = self.shared.counts().waiting;
        self.tasks.iter().for_each(JoinHandle::abort);
        self.drain();
        self.cut();
        self.destinations.iter().for_each(|destination| destination.abandon());
        let result = if left == 0 { Ok(()) } else { Err(late(left)) };
        self.pending.drain(..).map(|pending| (pending.request, result.clone())).collect()
    }
}

fn late(items: u64) -> Error {
    Error::timed_out(format!("the deadline passed with {items} items not answered"))
}
