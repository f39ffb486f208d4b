//! A hold on a connection for whoever made it.

use std::rc::Rc;

use bytes::Bytes;

use super::closed::{Cause, Closed};
use super::enclosed::Mark;
use super::shared::{Shared, Traffic};

/// Clones speak of the same connection; holding one does not keep it open.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(super) shared: Rc<Shared>,
}

impl Handle {
    pub(super) fn new(shared: Rc<Shared>) -> Self {
        Self { shared }
    }

    /// The `Data` that is to be in the next message in place of `bytes`, which are not copied into it.
    pub(crate) fn enclose(&self, bytes: Bytes) -> Mark {
        self.shared.enclose(bytes)
    }

    /// Whether the message with the mark did not leave on this connection: it means nothing elsewhere.
    pub(crate) fn is_left_out(&self) -> bool {
        self.shared.is_left_out()
    }

    /// Reads no more, tells the peer why, writes what is queued, and closes.
    pub(crate) fn close(&self, reason: &str) {
        self.shared.close(Closed::new(Cause::ByUs, reason));
    }

    /// Why the connection is at its end; `None` while it is not.
    pub(crate) fn closed(&self) -> Option<Closed> {
        self.shared.closed()
    }

    /// Waits for the end: all that could be written is, and the RPC system is done or dropped.
    pub(crate) async fn over(&self) -> Option<Closed> {
        self.shared.until(|shared| shared.is_over().then_some(())).await;
        self.shared.closed()
    }

    #[allow(dead_code, reason = "for a receiver's own metrics")]
    pub(crate) fn traffic(&self) -> Traffic {
        self.shared.traffic.get()
    }
}
