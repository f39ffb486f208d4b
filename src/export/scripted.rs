//! An exporter whose every answer a test gives, when it likes.

use std::cell::{Cell, RefCell};

use tokio::sync::oneshot;

use super::{Frame, Outcome};

pub(crate) struct Scripted {
    pub(crate) window: usize,
    /// Whether the peer gets a part of each frame.
    pub(crate) marks_sent: Cell<bool>,
    /// Attempts without an answer, oldest first.
    waiting: RefCell<Vec<(u64, oneshot::Sender<Outcome>)>>,
    /// The sequences of all attempts there ever were.
    pub(crate) attempts: RefCell<Vec<u64>>,
}

impl Scripted {
    pub(crate) fn new(window: usize) -> Self {
        let marks_sent = Cell::new(true);
        Self { window, marks_sent, waiting: RefCell::default(), attempts: RefCell::default() }
    }

    pub(crate) async fn send(&self, frame: &Frame) -> Outcome {
        if self.marks_sent.get() {
            frame.mark_sent();
        }
        let (answer, answered) = oneshot::channel();
        self.waiting.borrow_mut().push((frame.sequence, answer));
        self.attempts.borrow_mut().push(frame.sequence);
        answered.await.expect("the script panics here")
    }

    /// The sequences that are under way.
    pub(crate) fn under_way(&self) -> Vec<u64> {
        self.waiting.borrow().iter().map(|(sequence, _)| *sequence).collect()
    }

    pub(crate) fn answer(&self, sequence: u64, outcome: Outcome) {
        self.take(sequence).send(outcome).expect("somebody waits for it");
    }

    /// The attempt panics.
    pub(crate) fn panic(&self, sequence: u64) {
        drop(self.take(sequence));
    }

    fn take(&self, sequence: u64) -> oneshot::Sender<Outcome> {
        let mut waiting = self.waiting.borrow_mut();
        let index = waiting.iter().position(|(known, _)| *known == sequence);
        waiting.remove(index.expect("it is under way")).1
    }
}
