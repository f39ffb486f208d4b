//! Where connections come from.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::time::sleep;

use super::event_loop::{Arrival, EventLoop, Open};
use super::gateway::Peer;
use super::shared::Shared;
use super::stream::Accepted;
#[cfg(unix)]
use super::unix::SocketFile;
use super::{Address, Error};
use crate::health::diagnostics::Level;

/// Connections that the system may hold for us.
const BACKLOG: u32 = 1024;
/// Where the system has no socket for a connection, it is asked again after this.
const PAUSE: Duration = Duration::from_millis(100);

/// A bound socket.
pub(super) enum Listener {
    Tcp(TcpListener),
    Tls(TcpListener),
    #[cfg(unix)]
    Unix(SocketFile),
}

impl Listener {
    /// Binds; to be called within a runtime. An error names the address.
    pub(super) fn bind(address: &Address) -> Result<Self, Error> {
        let failed = |error: io::Error| {
            let remedy = match error.kind() {
                io::ErrorKind::AddrInUse => "somebody else listens there; take another",
                io::ErrorKind::PermissionDenied => "not allowed to listen there; take another",
                io::ErrorKind::AddrNotAvailable => "this machine has no such address",
                _ => "cannot listen there",
            };
            Error::setting("listen", &address.to_string(), &format!("{remedy}: {error}"))
        };
        match address {
            Address::Tcp(address) => tcp(*address).map(Self::Tcp).map_err(failed),
            Address::Tls(address) => tcp(*address).map(Self::Tls).map_err(failed),
            #[cfg(unix)]
            Address::Unix(path) => SocketFile::bind(path).map(Self::Unix).map_err(failed),
            #[cfg(not(unix))]
            Address::Unix(_) => Err(failed(io::ErrorKind::Unsupported.into())),
        }
    }

    /// With the port that the system chose.
    pub(super) fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Self::Tls(listener) => listener.local_addr().map(Address::Tls),
            #[cfg(unix)]
            Self::Unix(socket) => Ok(Address::Unix(socket.path().to_owned())),
        }
    }

    async fn accept(&self) -> io::Result<(Accepted, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Accepted::Tcp(stream.into_std()?), Peer::Tcp(peer.ip())))
            }
            Self::Tls(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Accepted::Tls(stream.into_std()?), Peer::Tcp(peer.ip())))
            }
            #[cfg(unix)]
            Self::Unix(socket) => socket.accept().await,
        }
    }
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A receiver that starts again finds its port, whatever connections linger there.
    socket.set_reuseaddr(cfg!(unix))?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Hands connections to the event loops in turn until the receiver drains. `turn` sets apart where the
/// listeners begin.
pub(super) async fn accept(
    listener: Listener,
    shared: Arc<Shared>,
    loops: Arc<Vec<EventLoop>>,
    mut turn: usize,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.draining() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                shared.diagnostics.say(Level::Warn, "peer", &error.to_string());
                shared.connections.unauthorized.add(1);
                continue;
            }
            Err(error) => {
                let line = format!("no connection can be taken: {error}; it is tried again");
                shared.diagnostics.say(Level::Warn, "accept", &line);
                sleep(PAUSE).await;
                continue;
            }
        };
        let Some(open) = Open::take(&shared) else {
            let most = shared.settings.limits.connections;
            let line = format!("a connection of {peer} was closed: there are {most} already");
            shared.diagnostics.say(Level::Warn, "connections", &line);
            shared.connections.over_limit.add(1);
            continue;
        };
        shared.connections.accepted.add(1);
        turn = turn.wrapping_add(1);
        let Some(chosen) = loops.get(turn % loops.len().max(1)) else { return };
        // A loop that is gone closes the connection by dropping it; `/healthz` tells.
        drop(chosen.connections.send(Arrival { stream, peer, open }));
    }
}
