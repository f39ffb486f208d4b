//! The side that is called.

use std::sync::Arc;

use capnp::capability::Client;
use capnp_rpc::RpcSystem;
use capnp_rpc::rpc_twoparty_capnp::Side;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Budget, Handle, Limits, vat::Network};

/// Segments of one frame after a login: a builder that grows piece by piece needs more of them.
const MORE_SEGMENTS: usize = 64;

/// The RPC system to spawn on this thread, and a hold on its connection. Many connections may share their limits.
pub(crate) fn serve<R, W>(
    halves: (R, W),
    limits: impl Into<Arc<Limits>>,
    budget: &Budget,
    bootstrap: Client,
) -> (RpcSystem<Side>, Handle)
where
    R: AsyncRead + Unpin + 'static,
    W: AsyncWrite + Unpin + 'static,
{
    let (network, handle) = Network::new(halves, Side::Client, limits.into(), budget);
    (RpcSystem::new(Box::new(network), Some(bootstrap)), handle)
}

impl Handle {
    /// The peer is no stranger any more, and its frames may have so many bytes from the next one on.
    pub(crate) fn raise(&self, frame: usize) {
        self.shared.frame.set(frame);
        self.shared.segments.set(MORE_SEGMENTS);
        self.shared.is_known.set(true);
    }
}
