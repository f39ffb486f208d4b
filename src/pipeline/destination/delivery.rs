//! Serving a destination's queue: attempts side by side, and what becomes of each answer.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::export::{Exporter, Frame, Outcome};
use crate::health::counters::Counter;
use crate::health::diagnostics::Level;

use super::Destination;

/// Attempts under way, each a task of its own, so that a panic costs one frame. A drop ends them.
#[derive(Default)]
struct Attempts {
    tasks: JoinSet<Outcome>,
    frames: HashMap<Id, Attempt>,
}

/// What an answer belongs to.
struct Attempt {
    frame: Frame,
    began: Instant,
    epoch: u64,
    /// An attempt before this one may have reached the peer.
    was_sent: bool,
}

impl Attempts {
    fn start(&mut self, exporter: &Rc<Exporter>, frame: Frame, epoch: u64) {
        let (exporter, sending) = (Rc::clone(exporter), frame.clone());
        let task = self.tasks.spawn_local(async move { exporter.send(&sending).await });
        let attempt = Attempt { was_sent: frame.is_sent(), frame, epoch, began: Instant::now() };
        self.frames.insert(task.id(), attempt);
    }

    fn take(&mut self, id: Id) -> Option<Attempt> {
        self.frames.remove(&id)
    }
}

impl Destination {
    pub(super) async fn serve(self: Rc<Self>) {
        let mut exporter = Rc::new((self.make)());
        let mut attempts = Attempts::default();
        loop {
            while attempts.frames.len() < exporter.window().max(1)
                && self.backoff.borrow().may_begin(Instant::now())
            {
                let next = self.outstanding.borrow_mut().start();
                let Some(frame) = next else { break };
                self.note_under_way();
                let epoch = self.backoff.borrow_mut().begin();
                attempts.start(&exporter, frame, epoch);
            }
            let Some(answer) = self.next(&mut attempts.tasks).await else { continue };
            match answer {
                Ok((id, outcome)) => {
                    if let Some(attempt) = attempts.take(id) {
                        self.answered(attempt, outcome);
                    }
                }
                Err(error) => {
                    if let Some(attempt) = attempts.take(error.id()) {
                        self.panicked(&attempt, &error);
                        // Whatever state it is in, the next attempts begin with another one.
                        exporter = Rc::new((self.make)());
                    }
                }
            }
        }
    }

    /// An answer, or `None` where there may be something to begin.
    async fn next(&self, tasks: &mut JoinSet<Outcome>) -> Option<Result<(Id, Outcome), JoinError>> {
        let resume_at = self.backoff.borrow().resume_at();
        let mut changed = pin!(self.changed.notified());
        let mut resumed = pin!(sleep_until(resume_at.unwrap_or_else(Instant::now)));
        poll_fn(|cx| {
            if let Poll::Ready(Some(answer)) = tasks.poll_join_next_with_id(cx) {
                return Poll::Ready(Some(answer));
            }
            let is_resumed = resume_at.is_some() && resumed.as_mut().poll(cx).is_ready();
            if is_resumed || changed.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await
    }

    fn answered(&self, attempt: Attempt, outcome: Outcome) {
        let Attempt { frame, epoch, was_sent, began } = attempt;
        self.account.took(error_of(&outcome), began.elapsed());
        match outcome {
            Outcome::Delivered { rejected, message } => {
                self.delivered(&frame, epoch, rejected, message);
            }
            Outcome::Refused { error } => {
                self.refused(&frame, epoch, &error, &self.account.rejected);
            }
            Outcome::TooLarge { error } => {
                self.refused(&frame, epoch, &error, &self.account.too_large);
            }
            Outcome::Unconfirmed { error } => {
                self.refused(&frame, epoch, &error, &self.account.unconfirmed);
            }
            Outcome::Retry { error, after, sent } => {
                if !(was_sent || sent) {
                    frame.mark_unsent();
                }
                self.outstanding.borrow_mut().put_back(frame.sequence);
                self.note_under_way();
                self.failed(epoch, &error, after);
            }
        }
    }

    fn failed(&self, epoch: u64, error: &str, after: Option<Duration>) {
        self.account.failed(error);
        let wait = self.backoff.borrow_mut().fail(epoch, after, self.is_urgent.get());
        let Some(wait) = wait else { return };
        // Silenced, it is said when its minute is over: what was said last has to hold.
        if !self.is_known_failing.get() {
            // An error may begin with the peer's name, which is said already.
            let peer = format!("{}: ", self.name);
            let error = error.strip_prefix(&peer).unwrap_or(error);
            let line =
                format!("cannot export to {peer}{error}; {} wait and are sent again", self.noun);
            self.is_known_failing.set(self.say(Level::Warn, "failing", &line));
        }
        if after.is_none() {
            self.tell("backoff", &format!("{} is tried again in {wait:?}", self.name));
        }
        // The worker need not hold records back for this destination any more.
        self.shared.wake.notify_one();
    }

    fn delivered(&self, frame: &Frame, epoch: u64, rejected: u64, message: Option<String>) {
        let items = u64::from(frame.items);
        let rejected = rejected.min(items);
        self.backoff.borrow_mut().succeed(epoch);
        if self.is_known_failing.get() && !self.is_failing() {
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
        self.settle(frame.sequence, rejected, &self.account.delivered);
    }

    fn refused(&self, frame: &Frame, epoch: u64, error: &str, to: &Counter) {
        self.backoff.borrow_mut().succeed(epoch);
        if !self.is_failing() {
            self.is_known_failing.set(false);
        }
        self.account.failed(error);
        let line = format!(
            "{} refused {} {} for good: {error} ({frame})",
            self.name, frame.items, self.noun
        );
        self.say(Level::Warn, "refused", &line);
        self.settle(frame.sequence, 0, to);
    }

    /// Costs the frame. A probe that panicked is no sign of life, but the next frame may do better.
    fn panicked(&self, attempt: &Attempt, error: &JoinError) {
        let line = format!("the exporter for {} panicked and was restarted: {error}", self.name);
        self.say(Level::Warn, "panic", &line);
        self.backoff.borrow_mut().succeed(attempt.epoch);
        self.account.took("unconfirmed", attempt.began.elapsed());
        self.settle(attempt.frame.sequence, 0, &self.account.unconfirmed);
    }
}

/// As `durations::ERRORS` has it.
const fn error_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered { .. } => "",
        Outcome::Refused { .. } => "rejected",
        Outcome::TooLarge { .. } => "too_large",
        Outcome::Unconfirmed { .. } => "unconfirmed",
        Outcome::Retry { .. } => "retry",
    }
}
