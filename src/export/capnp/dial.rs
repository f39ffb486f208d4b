//! From a target to a connection.

use capnp_rpc::RpcSystem;
use capnp_rpc::rpc_twoparty_capnp::Side;

use super::super::connector::{Connector, unix};
use crate::config::plan::Target;
use crate::network::{Budget, Handle, Limits, connect};
use crate::schema::ingest_capnp::gateway;
use crate::tls::{Certificates, Protocol};

/// What answers may hold together: they are small.
const ANSWERS: usize = 4 * 1024 * 1024;

pub(super) enum Dialer {
    Tcp(Connector),
    Tls(Connector),
    Unix(std::path::PathBuf),
}

/// A connection, and what is to be driven for it.
pub(super) struct Dialed {
    pub(super) system: RpcSystem<Side>,
    pub(super) handle: Handle,
    pub(super) gateway: gateway::Client,
    /// The peer is on this machine.
    pub(super) is_local: bool,
}

impl Dialer {
    pub(super) fn new(target: &Target, certificates: &Certificates) -> Self {
        match target {
            Target::Tcp { host, port } => Self::Tcp(Connector::to(host, *port)),
            Target::Tls { host, port } => {
                Self::Tls(Connector::to(host, *port).secured(certificates, Protocol::Capnp))
            }
            Target::Unix(path) => Self::Unix(path.clone()),
        }
    }

    /// What was missing when an attempt was given up.
    pub(super) fn missing(&self) -> &'static str {
        match self {
            Self::Tcp(connector) | Self::Tls(connector) => connector.missing(),
            Self::Unix(_) => "no connection",
        }
    }

    pub(super) async fn dial(&mut self) -> Result<Dialed, String> {
        let (limits, budget) = (Limits::client(), Budget::new(ANSWERS));
        let (system, handle, gateway, is_local) = match self {
            Self::Tcp(connector) => {
                let stream = connector.stream().await?;
                let is_local = stream.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
                let (system, handle, gateway) = connect(stream.into_split(), &limits, &budget);
                (system, handle, gateway, is_local)
            }
            Self::Tls(connector) => {
                let stream = connector.stream().await?;
                let is_local = stream.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
                let halves = tokio::io::split(connector.secure(stream).await?);
                let (system, handle, gateway) = connect(halves, &limits, &budget);
                (system, handle, gateway, is_local)
            }
            Self::Unix(path) => {
                let stream = unix(path).await?;
                let (system, handle, gateway) = connect(stream.into_split(), &limits, &budget);
                (system, handle, gateway, true)
            }
        };
        Ok(Dialed { system, handle, gateway, is_local })
    }
}
