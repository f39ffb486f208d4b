//! Knows where the peer is, and how to get there.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;

use super::connection::chain;
use super::tunnel;
use crate::config::plan::{OtlpPlan, Protocol, Route};
use crate::tls::{self, Certificates, Client, Duplex};

/// How long one address of several may take to connect.
const EACH_ADDRESS: Duration = Duration::from_secs(2);

type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Knows where the peer is. Displays as `host:port`, or as the path of its socket.
pub(super) struct Connector {
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
    route: Route,
    /// Through a proxy, the peer is spoken to as if there were none.
    is_tunneled: bool,
    /// Outlives an attempt that gave up on it, so that a resolver that hangs holds one thread, not
    /// one more for each attempt.
    lookup: Option<Lookup>,
    /// Secures what is connected.
    tls: Option<Client>,
    stage: Stage,
}

/// How far an attempt came.
#[derive(Clone, Copy)]
enum Stage {
    Connecting,
    Tunnel,
    Handshake,
    Open,
}

impl Connector {
    /// The URL of the plan is checked: it has a host.
    pub(super) fn new(plan: &OtlpPlan) -> Self {
        let url = &plan.url;
        let host = url.host().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        let is_secure = url.scheme() == Some(&http::uri::Scheme::HTTPS);
        let usual = if is_secure { 443 } else { 80 };
        let mut connector = Self::to(host, url.port_u16().unwrap_or(usual));
        connector.route = plan.route.clone();
        connector.is_tunneled = plan.is_tunneled();
        if !is_secure {
            return connector;
        }
        let protocol = match plan.protocol {
            Protocol::Grpc => tls::Protocol::Http2,
            Protocol::HttpProtobuf | Protocol::HttpJson => tls::Protocol::Http1,
        };
        connector.secured(&plan.certificates, protocol)
    }

    /// `host` is a name, or an address without brackets.
    pub(super) fn to(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
            route: Route::Direct,
            is_tunneled: false,
            lookup: None,
            tls: None,
            stage: Stage::Connecting,
        }
    }

    /// The same with TLS.
    pub(super) fn secured(mut self, certificates: &Certificates, protocol: tls::Protocol) -> Self {
        self.tls = Some(Client::new(&self.host, certificates, protocol));
        self
    }

    /// A stream to the peer, by whatever is in between.
    pub(super) async fn duplex(&mut self) -> Result<Box<dyn Duplex>, String> {
        if let Route::Unix(path) = &self.route {
            self.stage = Stage::Connecting;
            let stream = unix(path).await?;
            self.stage = Stage::Open;
            return Ok(Box::new(stream));
        }
        let mut stream = self.stream().await?;
        if let (Route::Proxy(proxy), true) = (&self.route, self.is_tunneled) {
            self.stage = Stage::Tunnel;
            tunnel::open(&mut stream, proxy, &self.to_string()).await?;
        }
        let secured = self.secure(stream).await;
        self.stage = Stage::Open;
        secured
    }

    /// Puts TLS over a stream where it is asked for.
    pub(super) async fn secure(&mut self, stream: TcpStream) -> Result<Box<dyn Duplex>, String> {
        match &mut self.tls {
            Some(tls) => {
                self.stage = Stage::Handshake;
                tls.secure(stream).await
            }
            None => Ok(Box::new(stream)),
        }
    }

    /// What was missing when an attempt was given up.
    pub(super) fn missing(&self) -> &'static str {
        match self.stage {
            Stage::Connecting => "no connection",
            Stage::Tunnel => "no answer of the proxy",
            Stage::Handshake => "no TLS handshake (perhaps the server does not speak TLS)",
            Stage::Open => "no HTTP/2 (perhaps the server does not speak it)",
        }
    }

    /// Looks the name up and tries its addresses in turn.
    pub(super) async fn stream(&mut self) -> Result<TcpStream, String> {
        self.stage = Stage::Connecting;
        let addresses = match self.look_up().await {
            Ok(addresses) => addresses,
            Err(error) => {
                let whose = self.place().2;
                return Err(format!("cannot look up the host{whose}: {}", chain(&error)));
            }
        };
        let mut failure = String::from("the host has no address");
        for address in &addresses {
            let connecting = TcpStream::connect(address);
            let connected = if addresses.len() > 1 {
                timeout(EACH_ADDRESS, connecting).await
            } else {
                Ok(connecting.await)
            };
            failure = match connected {
                Ok(Ok(stream)) => match stream.set_nodelay(true) {
                    Ok(()) => return Ok(stream),
                    Err(error) => chain(&error),
                },
                Ok(Err(error)) => chain(&error),
                Err(_) => format!("no connection within {EACH_ADDRESS:?}"),
            };
            failure = format!("cannot connect to {address}{}: {failure}", self.place().2);
        }
        if addresses.len() > 1 {
            failure = format!("{failure} (the last of {} addresses)", addresses.len());
        }
        Err(failure)
    }

    /// What is connected to, and whose it is where it is not the peer's.
    fn place(&self) -> (&str, u16, &'static str) {
        match &self.route {
            Route::Proxy(proxy) => (&proxy.host, proxy.port, " of the proxy"),
            Route::Direct | Route::Unix(_) => (&self.host, self.port, ""),
        }
    }

    async fn look_up(&mut self) -> io::Result<Vec<SocketAddr>> {
        let (host, port) = match &self.route {
            Route::Proxy(proxy) => (&proxy.host, proxy.port),
            Route::Direct | Route::Unix(_) => (&self.host, self.port),
        };
        let lookup = self.lookup.get_or_insert_with(|| {
            let (host, port) = (host.to_owned(), port);
            Box::pin(async move { Ok(lookup_host((host, port)).await?.collect()) })
        });
        let found = lookup.await;
        self.lookup = None;
        found
    }
}

impl fmt::Display for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Route::Unix(path) = &self.route {
            write!(f, "{}", path.display())
        } else if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Connects to a socket in the file system.
pub(super) async fn unix(path: &Path) -> Result<UnixStream, String> {
    let failed = |error| format!("cannot connect to {}: {}", path.display(), chain(&error));
    UnixStream::connect(path).await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use tokio::sync::oneshot;

    use super::super::tests::plan;
    use super::*;

    fn connector(url: &'static str) -> Connector {
        Connector::new(&OtlpPlan { url: http::Uri::from_static(url), ..plan("http://unused") })
    }

    /// A port that listens, and one that refuses.
    fn ports() -> (TcpListener, SocketAddr, SocketAddr) {
        let alive = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let refusing = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let addresses = (alive.local_addr().unwrap(), refusing.local_addr().unwrap());
        (alive, addresses.0, addresses.1)
    }

    #[test]
    fn shows_host_and_port() {
        let table = [
            ("http://user:secret@collector:4318/v1/traces", "collector:4318"),
            ("http://collector/v1/traces", "collector:80"),
            ("http://[::1]:4318/v1/traces", "[::1]:4318"),
            ("https://collector/v1/traces", "collector:443"),
        ];
        for (url, shown) in table {
            assert_eq!(connector(url).to_string(), shown);
        }
    }

    #[tokio::test]
    async fn the_next_address_is_tried() {
        let (_listener, alive, refusing) = ports();
        let mut connector = connector("http://collector.invalid/");
        connector.lookup = Some(Box::pin(async move { Ok(vec![refusing, alive]) }));
        assert!(connector.duplex().await.is_ok());

        connector.lookup = Some(Box::pin(async move { Ok(vec![refusing, refusing]) }));
        let error = connector.duplex().await.err().unwrap();
        assert!(error.contains("Connection refused"), "{error}");
        assert!(error.ends_with("(the last of 2 addresses)"), "{error}");
    }

    /// Cap'n Proto and HTTP take their connections from here.
    #[tokio::test]
    async fn nothing_waits_for_more_to_send() {
        let (_listener, alive, _) = ports();
        let stream = Connector::to(&alive.ip().to_string(), alive.port()).stream().await.unwrap();
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn a_look_up_that_hangs_is_taken_up_again() {
        let (_listener, alive, _) = ports();
        let (resolve, resolved) = oneshot::channel();
        let mut connector = connector("http://collector.invalid/");
        connector.lookup = Some(Box::pin(async move { Ok(vec![resolved.await.unwrap()]) }));
        let moment = Duration::from_millis(10);
        assert!(timeout(moment, connector.duplex()).await.is_err());
        resolve.send(alive).unwrap();
        assert!(connector.duplex().await.is_ok(), "not looked up anew");
        assert!(connector.lookup.is_none(), "but the next time");
    }
}
