//! A connection as the RPC system sees it.

use std::cell::RefCell;
use std::rc::Rc;

use capnp::capability::Promise;
use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::{IncomingMessage, OutgoingMessage};
use tokio::io::AsyncRead;

use super::closed::{Cause, Closed};
use super::incoming::Frames;
use super::outgoing::Outgoing;
use super::shared::Shared;

/// Each one is another hold on the same connection.
pub(super) struct Connection<R> {
    pub(super) shared: Rc<Shared>,
    /// Empty while a message is awaited; boxed, so that it is not there and in what awaits it.
    pub(super) frames: Rc<RefCell<Option<Box<Frames<R>>>>>,
    pub(super) peer: Side,
}

impl<R> Clone for Connection<R> {
    fn clone(&self) -> Self {
        let (shared, frames) = (Rc::clone(&self.shared), Rc::clone(&self.frames));
        Self { shared, frames, peer: self.peer }
    }
}

impl<R: AsyncRead + Unpin + 'static> capnp_rpc::Connection<Side> for Connection<R> {
    fn get_peer_vat_id(&self) -> Side {
        self.peer
    }

    fn new_outgoing_message(&mut self, hint: u32) -> Box<dyn OutgoingMessage> {
        Box::new(Outgoing::new(hint, Rc::clone(&self.shared)))
    }

    fn receive_incoming_message(
        &mut self,
    ) -> Promise<Option<Box<dyn IncomingMessage>>, capnp::Error> {
        let (shared, home) = (Rc::clone(&self.shared), Rc::clone(&self.frames));
        let frames = home.borrow_mut().take();
        Promise::from_future(async move {
            let Some(mut frames) = frames else {
                let why = shared.closed().map(|why| why.to_error());
                let gone = || capnp::Error::disconnected("the connection is closed".to_owned());
                return Err(why.unwrap_or_else(gone));
            };
            let next = match frames.next().await {
                Ok(Some(message)) => Ok(Some(Box::new(message) as Box<dyn IncomingMessage>)),
                Ok(None) => {
                    shared.close(Closed::new(Cause::ByPeer, "the peer closed the connection"));
                    Ok(None)
                }
                Err(why) => {
                    shared.close(why.clone());
                    Err(why.to_error())
                }
            };
            *home.borrow_mut() = Some(frames);
            next
        })
    }

    /// Never fails: the RPC system would print the error.
    fn shutdown(&mut self, result: capnp::Result<()>) -> Promise<(), capnp::Error> {
        let why = match result {
            Ok(()) => Closed::new(Cause::ByUs, "closed"),
            // What the peer says last, or what the RPC system says for us.
            Err(error) if error.kind == capnp::ErrorKind::Disconnected => {
                Closed::new(Cause::ByPeer, error.extra)
            }
            Err(error) => Closed::new(Cause::Malformed, error.to_string()),
        };
        self.shared.close(why);
        self.shared.finish();
        let shared = Rc::clone(&self.shared);
        Promise::from_future(async move {
            shared.until(|shared| shared.is_over().then_some(())).await;
            Ok(())
        })
    }
}
