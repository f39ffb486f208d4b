//! What the reading half, the writing half and the owner of a connection know in common.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use capnp::message::{Builder, HeapAllocator};
use tokio::sync::Notify;

use super::closed::Closed;
use super::enclosed::{Enclosed, Waiting};
use super::limits::{Limits, SEGMENTS, STRANGER};
use super::questions::Questions;

pub(super) type Built = Rc<Builder<HeapAllocator>>;

/// A message that waits to be written.
pub(super) struct Queued {
    pub(super) message: Built,
    pub(super) enclosed: Option<Enclosed>,
}

/// Counts of one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) messages_in: u64,
    pub(crate) messages_out: u64,
    /// Bytes of the largest frame that came.
    pub(crate) largest_in: usize,
}

pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) traffic: Cell<Traffic>,
    pub(super) frame: Cell<usize>,
    pub(super) segments: Cell<usize>,
    /// The peer has said who it is, or we chose it.
    pub(super) is_known: Cell<bool>,
    pub(super) questions: Questions,
    /// For a message that is still made.
    pub(super) waiting: Waiting,
    queue: RefCell<VecDeque<Queued>>,
    queued_bytes: Cell<usize>,
    closed: RefCell<Option<Closed>>,
    /// What is queued is still written, then the connection ends.
    is_closing: Cell<bool>,
    is_over: Cell<bool>,
    queued: Notify,
    changed: Notify,
}

impl Shared {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            traffic: Cell::default(),
            frame: Cell::new(limits.frame),
            segments: Cell::new(SEGMENTS),
            is_known: Cell::new(false),
            questions: Questions::default(),
            waiting: Waiting::default(),
            queue: RefCell::default(),
            queued_bytes: Cell::new(0),
            closed: RefCell::default(),
            is_closing: Cell::new(false),
            is_over: Cell::new(false),
            queued: Notify::new(),
            changed: Notify::new(),
            limits,
        }
    }

    pub(super) fn count(&self, add: impl FnOnce(&mut Traffic)) {
        let mut traffic = self.traffic.get();
        add(&mut traffic);
        self.traffic.set(traffic);
    }

    /// Queues a message; where the connection is at its end, there is nobody to send it to.
    pub(super) fn push(&self, message: Queued, bytes: usize) {
        if self.is_closing.get() || self.is_over.get() {
            return;
        }
        self.queue.borrow_mut().push_back(message);
        self.queued_bytes.set(self.queued_bytes.get() + bytes);
        self.queued.notify_one();
    }

    /// The next one to write. An empty queue holds no memory: idle connections are many.
    pub(super) fn pop(&self) -> Option<Queued> {
        let mut queue = self.queue.borrow_mut();
        let next = queue.pop_front();
        if next.is_none() {
            *queue = VecDeque::new();
        }
        next
    }

    /// Bytes that were popped are written: they count as queued until then.
    pub(super) fn wrote(&self, bytes: usize) {
        self.queued_bytes.set(self.queued_bytes.get().saturating_sub(bytes));
        self.changed.notify_waiters();
    }

    /// More waits to be sent than may, so that nothing is read.
    pub(super) fn is_full(&self) -> bool {
        let (bytes, messages) = (self.limits.queue_bytes, self.limits.queue_messages);
        let (bytes, messages) = if self.is_known.get() {
            (bytes, messages)
        } else {
            (bytes.min(STRANGER.queue_bytes), messages.min(STRANGER.queue_messages))
        };
        self.queued_bytes.get() > bytes || self.queue.borrow().len() > messages
    }

    /// Questions of the peer that may be open at one time.
    pub(super) fn most_questions(&self) -> usize {
        if self.is_known.get() { self.limits.questions } else { STRANGER.questions }
    }

    /// The first reason stands.
    pub(super) fn close(&self, why: Closed) {
        self.closed.borrow_mut().get_or_insert(why);
        self.changed.notify_waiters();
    }

    pub(super) fn closed(&self) -> Option<Closed> {
        self.closed.borrow().clone()
    }

    /// Nothing more is queued; the writer ends once all is written.
    pub(super) fn finish(&self) {
        self.is_closing.set(true);
        self.queued.notify_one();
        self.changed.notify_waiters();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.get()
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// The writer is gone, and with it what it had not written.
    pub(super) fn end(&self) {
        self.is_over.set(true);
        self.queue.borrow_mut().clear();
        self.queued_bytes.set(0);
        self.changed.notify_waiters();
    }

    pub(super) async fn message_queued(&self) {
        self.queued.notified().await;
    }

    /// Waits until `condition` gives something.
    pub(super) async fn until<T>(&self, mut condition: impl FnMut(&Self) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            if let Some(found) = condition(self) {
                return found;
            }
            changed.await;
        }
    }
}
