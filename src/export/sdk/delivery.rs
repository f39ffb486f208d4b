//! One exporter on the shared thread: its exports one after the other, each until it is answered.

use std::future::poll_fn;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;

use super::transport::{Answer, Failure};
use crate::export::{Alarm, Body, Exporter, Frame, Outcome, Policy};
use crate::pipeline::completion::Completion;

/// What an exporter asks of the thread; in order.
pub(super) enum Work {
    Export(Job),
    Flush(Mark),
}

/// Its drop is its answer: all that came before it is answered, or has been given up.
pub(super) struct Mark(pub(super) Arc<Completion<()>>);

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.complete(());
    }
}

/// One export. Where it is dropped unanswered, its exporter is over.
pub(super) struct Job {
    pub(super) body: Body,
    pub(super) items: u32,
    pub(super) deadline: Option<Instant>,
    /// What the deadline was made from.
    pub(super) timeout: Option<Duration>,
    /// Nobody waits for it any more.
    pub(super) cancel: Arc<Notify>,
    pub(super) done: Arc<Completion<Answer>>,
}

impl Drop for Job {
    fn drop(&mut self) {
        self.done.complete(Err(Failure::Over));
    }
}

/// Serves one exporter until it is dropped or stopped.
pub(super) async fn serve(
    exporter: Exporter,
    mut work: UnboundedReceiver<Work>,
    stop: Arc<Notify>,
) {
    let id = RandomState::new().build_hasher().finish();
    let (mut sequence, mut alarm) = (0, Alarm::default());
    let serving = async {
        while let Some(next) = work.recv().await {
            match next {
                Work::Flush(mark) => drop(mark),
                Work::Export(job) => {
                    sequence += 1;
                    let body = job.body.clone();
                    let frame = Frame::new(body, job.items, id, sequence);
                    // Pinned here: it is large, and moves no more.
                    let delivery = pin!(within(&exporter, &frame, &job, &mut alarm));
                    if let Some(answer) = unless(job.cancel.notified(), delivery).await {
                        job.done.complete(answer);
                    }
                }
            }
        }
    };
    // Stopped or left alone: both are the end.
    let _ = unless(stop.notified(), serving).await;
}

/// What `future` gives, or `None` where `end` comes first.
async fn unless<F: Future>(end: impl Future, future: F) -> Option<F::Output> {
    let (mut end, mut future) = (pin!(end), pin!(future));
    poll_fn(|cx| match end.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(None),
        Poll::Pending => future.as_mut().poll(cx).map(Some),
    })
    .await
}

async fn within(exporter: &Exporter, frame: &Frame, job: &Job, alarm: &mut Alarm) -> Answer {
    let mut last = None;
    let answer = {
        let delivery = pin!(deliver(exporter, frame, job.deadline, &mut last));
        match job.deadline {
            Some(deadline) => alarm.within(deadline.into(), delivery).await,
            None => Some(delivery.await),
        }
    };
    answer.unwrap_or_else(|| {
        let limit = job.timeout.unwrap_or_default();
        Err(last.map_or(Failure::Late(limit), |error| gave_up(&error, limit)))
    })
}

/// Tries until there is an answer; the newest failure is left in `last`.
async fn deliver(
    exporter: &Exporter,
    frame: &Frame,
    deadline: Option<Instant>,
    last: &mut Option<String>,
) -> Answer {
    let begin = Instant::now();
    let mut failures = 0;
    loop {
        match exporter.send(frame).await {
            Outcome::Delivered { rejected: 0, .. } => return Ok(()),
            Outcome::Delivered { rejected, message } => {
                let (items, message) = (frame.items, message.unwrap_or_default());
                let error = format!("{rejected} of {items} items were rejected: {message}");
                return Err(Failure::Failed(error));
            }
            Outcome::Refused { error }
            | Outcome::TooLarge { error }
            | Outcome::Unconfirmed { error } => {
                return Err(Failure::Failed(error));
            }
            Outcome::Retry { error, after, .. } => {
                failures += 1;
                let wait = after.unwrap_or_else(|| Policy::PROMPT.wait(failures));
                let next = Instant::now() + wait;
                // A wait beyond the deadline would only delay the bad news.
                if deadline.is_some_and(|deadline| next >= deadline) {
                    return Err(gave_up(&error, begin.elapsed()));
                }
                *last = Some(error);
                tokio::time::sleep_until(next.into()).await;
            }
        }
    }
}

fn gave_up(error: &str, after: Duration) -> Failure {
    Failure::Failed(format!("{error} (given up after {after:.1?})"))
}
