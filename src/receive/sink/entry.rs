//! A batch in a sink's queue: it is settled once, whatever happens to who holds it.

use std::sync::Arc;

use bytes::Bytes;

use super::Queue;
use crate::export::Frame;
use crate::receive::counts::{Account, Signal};
use crate::receive::rows::Payload;
use crate::receive::verdict::{Answer, Answers};
use crate::schema::ingest_capnp::outcome::Rejection;

/// A checked batch; the queues share it.
#[derive(Debug)]
pub(in crate::receive) struct Batch {
    pub(in crate::receive) payload: Payload,
    pub(in crate::receive) signal: Signal,
    pub(in crate::receive) items: u32,
    pub(in crate::receive) exporter: u64,
    pub(in crate::receive) sequence: u64,
    /// The `Export*ServiceRequest`; empty where no sink wants it.
    pub(in crate::receive) otlp: Bytes,
}

impl Batch {
    /// Bytes of memory.
    pub(in crate::receive) fn len(&self) -> usize {
        self.payload.len() + self.otlp.len()
    }
}

/// What waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) batch: Arc<Batch>,
    /// Where nobody waits for this sink, there are none.
    pub(super) answers: Option<Arc<Answers>>,
}

/// What a sink has in hand. Dropped without having been settled, it counts as given up.
#[derive(Debug)]
pub(in crate::receive) struct Entry {
    waiting: Option<Waiting>,
    batch: Arc<Batch>,
    queue: Arc<Queue>,
    /// What the peer is sent of it.
    frame: Option<Frame>,
}

impl Entry {
    pub(super) fn new(waiting: Waiting, queue: Arc<Queue>) -> Self {
        let batch = Arc::clone(&waiting.batch);
        Self { waiting: Some(waiting), batch, queue, frame: None }
    }

    pub(in crate::receive) fn batch(&self) -> &Arc<Batch> {
        &self.batch
    }

    /// What a collector is sent.
    pub(super) fn frame(&mut self) -> Frame {
        let Batch { otlp, items, exporter, sequence, .. } = &*self.batch;
        let new = || Frame::new(otlp.clone().into(), *items, *exporter, *sequence);
        self.frame.get_or_insert_with(new).clone()
    }

    /// The sink has it, but refused `rejected` of the items.
    pub(in crate::receive) fn taken(mut self, rejected: u64, message: Option<String>) {
        let items = u64::from(self.batch.items);
        let rejected = rejected.min(items);
        let account = self.account();
        account.settle(rejected, &account.rejected);
        account.settle(items - rejected, &account.forwarded);
        self.end(Answer::Taken { rejected, message });
    }

    /// The sink will never take it.
    pub(in crate::receive) fn refused(mut self, error: String) {
        let account = self.account();
        account.settle(self.batch.items.into(), &account.rejected);
        self.end(Answer::Refused { reason: Rejection::Malformed, error });
    }

    pub(in crate::receive) fn too_large(mut self, error: String) {
        let account = self.account();
        account.settle(self.batch.items.into(), &account.too_large);
        self.end(Answer::Refused { reason: Rejection::TooLarge, error });
    }

    /// What becomes of its items is counted later, item by item; its bytes are given back now.
    pub(in crate::receive) fn absorbed(mut self) {
        self.end(Answer::Taken { rejected: 0, message: None });
    }

    fn account(&self) -> &Account {
        self.queue.account(self.batch.signal)
    }

    fn end(&mut self, answer: Answer) {
        if let Some(waiting) = self.waiting.take() {
            self.queue.release(self.batch.len());
            if let Some(answers) = waiting.answers {
                answers.give(answer);
            }
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Some(waiting) = &self.waiting else {
            return;
        };
        let account = self.account();
        // Whoever still waits for an answer keeps the batch and sends it again.
        let to = match (&waiting.answers, self.frame.as_ref().is_some_and(Frame::is_sent)) {
            (Some(_), _) => &account.sent_back,
            (None, true) => &account.unconfirmed,
            (None, false) => &account.shutdown,
        };
        account.settle(self.batch.items.into(), to);
        self.end(Answer::GivenUp);
    }
}
