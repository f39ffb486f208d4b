//! The side that is called.

use capnp::capability::Client;
use capnp_rpc::RpcSystem;
use capnp_rpc::rpc_twoparty_capnp::Side;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Budget, Handle, Limits, vat::Network};

/// The RPC system to spawn on this thread, and a hold on its connection.
pub(crate) fn serve<R, W>(
    halves: (R, W),
    limits: &Limits,
    budget: &Budget,
    bootstrap: Client,
) -> (RpcSystem<Side>, Handle)
where
    R: AsyncRead + Unpin + 'static,
    W: AsyncWrite + Unpin + 'static,
{
    let (network, handle) = Network::new(halves, Side::Client, limits, budget);
    (RpcSystem::new(Box::new(network), Some(bootstrap)), handle)
}
