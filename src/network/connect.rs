//! The calling side.

use capnp::capability::FromClientHook;
use capnp_rpc::RpcSystem;
use capnp_rpc::rpc_twoparty_capnp::Side;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Budget, Handle, Limits, vat::Network};

/// The RPC system to spawn on this thread, a hold on its connection, and the peer's first object.
pub(crate) fn connect<T, R, W>(
    halves: (R, W),
    limits: &Limits,
    budget: &Budget,
) -> (RpcSystem<Side>, Handle, T)
where
    T: FromClientHook,
    R: AsyncRead + Unpin + 'static,
    W: AsyncWrite + Unpin + 'static,
{
    let (network, handle) = Network::new(halves, Side::Server, limits.into(), budget);
    // It was ours to choose.
    handle.shared.is_known.set(true);
    let mut system = RpcSystem::new(Box::new(network), None);
    let bootstrap = system.bootstrap(Side::Server);
    (system, handle, bootstrap)
}
