//! What the reading half, the writing half and the owner of a connection know in common.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use capnp::message::{Builder, HeapAllocator};
use tokio::sync::Notify;

use super::closed::Closed;
use super::direct::{Direct, Object};
use super::enclosed::Enclosed;
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
    pub(super) limits: Arc<Limits>,
    pub(super) traffic: Cell<Traffic>,
    pub(super) frame: Cell<usize>,
    pub(super) segments: Cell<usize>,
    /// The peer has said who it is, or we chose it.
    pub(super) is_known: Cell<bool>,
    pub(super) questions: Questions,
    /// Of whoever calls; most connections never need it.
    direct: OnceCell<Box<Direct>>,
    /// The object of the peer's that the newest message calls.
    pub(super) called: Cell<Option<Object>>,
    queue: RefCell<VecDeque<Queued>>,
    queued_bytes: Cell<usize>,
    closed: RefCell<Option<Box<Closed>>>,
    /// What is queued is still written, then the connection ends.
    is_closing: Cell<bool>,
    is_over: Cell<bool>,
    writer: Waiter,
    reader: Waiter,
    /// The reader waits for room in the queue.
    is_stalled: Cell<bool>,
    /// A step towards the end.
    ending: Notify,
}

/// The one task that waits for something, if it does: less than a `Notify`, since idle connections are many.
#[derive(Default)]
struct Waiter(Cell<Option<Waker>>);

impl Waiter {
    fn wait(&self, context: &Context<'_>) {
        let same = self.0.take().filter(|waker| waker.will_wake(context.waker()));
        self.0.set(Some(same.unwrap_or_else(|| context.waker().clone())));
    }

    fn wake(&self) {
        if let Some(waker) = self.0.take() {
            waker.wake();
        }
    }
}

impl Shared {
    pub(super) fn new(limits: Arc<Limits>) -> Self {
        Self {
            traffic: Cell::default(),
            frame: Cell::new(limits.frame),
            segments: Cell::new(SEGMENTS),
            is_known: Cell::new(false),
            questions: Questions::default(),
            direct: OnceCell::new(),
            called: Cell::new(None),
            queue: RefCell::default(),
            queued_bytes: Cell::new(0),
            closed: RefCell::default(),
            is_closing: Cell::new(false),
            is_over: Cell::new(false),
            writer: Waiter::default(),
            reader: Waiter::default(),
            is_stalled: Cell::new(false),
            ending: Notify::new(),
            limits,
        }
    }

    /// The calls past the RPC system, if there are any.
    pub(super) fn asked(&self) -> Option<&Direct> {
        self.direct.get().map(|direct| &**direct)
    }

    /// The same, which are to be now.
    pub(super) fn direct(&self) -> &Direct {
        self.direct.get_or_init(Box::default)
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
        self.writer.wake();
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
        self.drained();
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
        self.closed.borrow_mut().get_or_insert_with(|| Box::new(why));
        self.reader.wake();
        self.asked().into_iter().for_each(Direct::wake);
        self.ending.notify_waiters();
    }

    /// Why to read no more; otherwise the reader is woken once there is a reason.
    pub(super) fn poll_closed(&self, context: &Context<'_>) -> Poll<Closed> {
        if let Some(why) = self.closed() {
            return Poll::Ready(why);
        }
        self.reader.wait(context);
        Poll::Pending
    }

    pub(super) fn closed(&self) -> Option<Closed> {
        self.closed.borrow().as_deref().cloned()
    }

    /// Nothing more is queued; the writer ends once all is written.
    pub(super) fn finish(&self) {
        self.is_closing.set(true);
        self.writer.wake();
        self.ending.notify_waiters();
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
        self.drained();
        self.ending.notify_waiters();
    }

    fn drained(&self) {
        if self.is_stalled.take() {
            self.reader.wake();
        }
    }

    /// For the writer: waits for something to write, or for the end.
    pub(super) fn poll_queued(&self, context: &Context<'_>) -> Poll<()> {
        if self.is_closing.get() || !self.queue.borrow().is_empty() {
            return Poll::Ready(());
        }
        self.writer.wait(context);
        Poll::Pending
    }

    /// For the reader: waits until there is room in the queue.
    pub(super) fn poll_drained(&self, context: &Context<'_>) -> Poll<()> {
        if !self.is_full() {
            return Poll::Ready(());
        }
        self.is_stalled.set(true);
        self.reader.wait(context);
        Poll::Pending
    }

    /// Waits until `condition` on the way to the end gives something.
    pub(super) async fn until<T>(&self, condition: impl Fn(&Self) -> Option<T>) -> T {
        loop {
            let ending = self.ending.notified();
            if let Some(found) = condition(self) {
                return found;
            }
            ending.await;
        }
    }
}
