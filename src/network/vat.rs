//! The network of two: one connection, and who is at its ends.

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;

use capnp::capability::Promise;
use capnp_rpc::rpc_twoparty_capnp::Side;
use tokio::io::{AsyncRead, AsyncWrite};

use super::budget::Budget;
use super::connection::Connection;
use super::handle::Handle;
use super::incoming::Frames;
use super::limits::Limits;
use super::outgoing;
use super::shared::Shared;

/// For an `RpcSystem`, which owns it and drives all of it.
pub(super) struct Network<R> {
    connection: Connection<R>,
    /// Taken by the one call of `drive_until_shutdown`.
    driver: Option<Promise<(), capnp::Error>>,
    is_accepted: bool,
}

impl<R: AsyncRead + Unpin + 'static> Network<R> {
    pub(super) fn new<W: AsyncWrite + Unpin + 'static>(
        (read, write): (R, W),
        peer: Side,
        limits: Arc<Limits>,
        budget: &Budget,
    ) -> (Self, Handle) {
        let shared = Rc::new(Shared::new(limits));
        let frames = Box::new(Frames::new(read, budget.clone(), Rc::clone(&shared)));
        let driver = Promise::from_future(outgoing::write(write, Rc::clone(&shared)));
        let handle = Handle::new(Rc::clone(&shared));
        let frames = Rc::new(RefCell::new(Some(frames)));
        let connection = Connection { shared, frames, peer };
        (Self { connection, driver: Some(driver), is_accepted: false }, handle)
    }
}

impl<R: AsyncRead + Unpin + 'static> capnp_rpc::VatNetwork<Side> for Network<R> {
    /// After the end it gives a connection that is closed, as a peer could have closed it meanwhile.
    fn connect(&mut self, host: Side) -> Option<Box<dyn capnp_rpc::Connection<Side>>> {
        (host == self.connection.peer)
            .then(|| Box::new(self.connection.clone()) as Box<dyn capnp_rpc::Connection<Side>>)
    }

    /// Never fails: the RPC system would print the error.
    fn accept(&mut self) -> Promise<Box<dyn capnp_rpc::Connection<Side>>, capnp::Error> {
        if self.is_accepted {
            return Promise::from_future(pending());
        }
        self.is_accepted = true;
        Promise::ok(Box::new(self.connection.clone()))
    }

    fn drive_until_shutdown(&mut self) -> Promise<(), capnp::Error> {
        self.driver.take().unwrap_or_else(|| Promise::ok(()))
    }
}
