//! A hold on a connection for whoever made it.

use std::rc::Rc;

use bytes::Bytes;
use capnp::any_pointer;
use capnp::traits::HasTypeId;

use super::closed::{Cause, Closed};
use super::direct::{self, Answer, Object};
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

    /// The object of the peer's that `call` is made to, for calls past the RPC system.
    pub(crate) fn object_of<T>(&self, call: impl FnOnce() -> T) -> (T, Option<Object>) {
        self.shared.called.set(None);
        let made = call();
        (made, self.shared.called.get())
    }

    /// Calls a method of an object whose answers hold no objects. `fill` makes the parameters, with the mark for
    /// `bytes`, which are not copied into the message.
    pub(crate) fn call<T: HasTypeId>(
        &self,
        object: Object,
        method: u16,
        bytes: Bytes,
        fill: impl FnOnce(any_pointer::Builder<'_>, &Mark),
    ) -> capnp::Result<Answer> {
        direct::call::<T>(&self.shared, object, method, bytes, fill)
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
