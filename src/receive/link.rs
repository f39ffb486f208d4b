//! What the tasks of one connection know of each other.

use std::cell::{Cell, OnceCell};
use std::num::NonZeroU64;
use std::rc::Rc;

use tokio::sync::Notify;

use super::gateway::Peer;
use crate::network::Handle;

/// One for each connection.
pub(super) struct Link {
    pub(super) peer: Peer,
    handle: OnceCell<Handle>,
    is_logged_in: Cell<bool>,
    is_refused: Cell<bool>,
    /// The number of the token that it came with.
    token: Cell<Option<NonZeroU64>>,
    /// No more batches are wanted.
    is_closing: Cell<bool>,
    /// Calls under way.
    open: Cell<usize>,
    changed: Notify,
}

impl Link {
    pub(super) fn new(peer: Peer) -> Self {
        Self {
            peer,
            handle: OnceCell::new(),
            is_logged_in: Cell::new(false),
            is_refused: Cell::new(false),
            token: Cell::new(None),
            is_closing: Cell::new(false),
            open: Cell::new(0),
            changed: Notify::new(),
        }
    }

    /// The connection; it is made after its first capability.
    pub(super) fn joined(&self, handle: Handle) {
        // It is the only one there is.
        let _ = self.handle.set(handle);
    }

    /// From now on messages may have so many bytes. It came with the token of this number, or with none.
    pub(super) fn log_in(&self, message_bytes: usize, token: Option<NonZeroU64>) {
        self.token.set(token);
        self.is_logged_in.set(true);
        if let Some(handle) = self.handle.get() {
            handle.raise(message_bytes);
        }
        self.changed.notify_waiters();
    }

    /// The log-in failed, and there is no second one.
    pub(super) fn refuse(&self) {
        self.is_refused.set(true);
        self.changed.notify_waiters();
    }

    /// Waits for the log-in: whether it was taken.
    pub(super) async fn logged_in(&self) -> bool {
        self.until(|link| link.is_logged_in.get() || link.is_refused.get()).await;
        self.is_logged_in.get()
    }

    pub(super) fn token(&self) -> Option<NonZeroU64> {
        self.token.get()
    }

    /// Asks the peer to go: it is given no more credit.
    pub(super) fn close(&self) {
        self.is_closing.set(true);
        self.changed.notify_waiters();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.get()
    }

    /// Waits until no call is under way.
    pub(super) async fn idle(&self) {
        self.until(|link| link.open.get() == 0).await;
    }

    /// Waits for the next call to begin or to end.
    pub(super) async fn moved(&self) {
        self.changed.notified().await;
    }

    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.changed.notified();
            if holds(self) {
                return;
            }
            changed.await;
        }
    }
}

/// A call under way; it ends by its drop, which a `Finish` of the peer brings too.
pub(super) struct Call(Rc<Link>);

impl Call {
    pub(super) fn begin(link: &Rc<Link>) -> Self {
        link.open.set(link.open.get() + 1);
        link.changed.notify_waiters();
        Self(Rc::clone(link))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
        self.0.changed.notify_waiters();
    }
}
