//! Cap'n Proto over one connection.

use capnp::capability::Client;
use capnp::message::ReaderOptions;
use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::{RpcSystem, twoparty::VatNetwork};
use tokio::net::TcpStream;
use tokio_util::compat::{TokioAsyncReadCompatExt as _, TokioAsyncWriteCompatExt as _};

/// The stock network, which trusts its peer with memory: right on loopback and among one's own, not on an open port.
pub(crate) fn system(stream: TcpStream, side: Side, bootstrap: Option<Client>) -> RpcSystem<Side> {
    // A call is small, and somebody waits for it. Where this fails it is only slower.
    let _slower = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    let (reader, writer) = (reader.compat(), writer.compat_write());
    let network = VatNetwork::new(reader, writer, side, ReaderOptions::new());
    RpcSystem::new(Box::new(network), bootstrap)
}
