//! One HTTP/1.1 connection, and how to get it.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::tls::{Certificates, Client, Duplex, Protocol};

/// How long one address of several may take to connect.
const EACH_ADDRESS: Duration = Duration::from_secs(2);

type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;
type Driver = Pin<Box<http1::Connection<TokioIo<Box<dyn Duplex>>, Full<Bytes>>>>;

/// Knows where the peer is. Displays as `host:port`.
pub(super) struct Connector {
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
    /// Outlives an attempt that gave up on it, so that a resolver that hangs holds one thread, not
    /// one more for each attempt.
    lookup: Option<Lookup>,
    /// Secures what is connected.
    tls: Option<Client>,
    /// The socket is connected, and TLS is not.
    is_shaking: bool,
}

impl Connector {
    /// `url` is checked: it has a host.
    pub(super) fn new(url: &http::Uri, certificates: &Certificates) -> Self {
        let host = url.host().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        if url.scheme() == Some(&http::uri::Scheme::HTTPS) {
            let to = Self::to(host, url.port_u16().unwrap_or(443));
            return to.secured(certificates, Protocol::Http);
        }
        Self::to(host, url.port_u16().unwrap_or(80))
    }

    /// `host` is a name, or an address without brackets.
    pub(super) fn to(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port, lookup: None, tls: None, is_shaking: false }
    }

    /// The same with TLS.
    pub(super) fn secured(mut self, certificates: &Certificates, protocol: Protocol) -> Self {
        self.tls = Some(Client::new(&self.host, certificates, protocol));
        self
    }

    pub(super) async fn connect(&mut self) -> Result<Connection, String> {
        let stream = self.stream().await?;
        Connection::over(self.secure(stream).await?).await
    }

    /// Puts TLS over a stream where it is asked for.
    pub(super) async fn secure(&mut self, stream: TcpStream) -> Result<Box<dyn Duplex>, String> {
        match &mut self.tls {
            Some(tls) => {
                self.is_shaking = true;
                let secured = tls.secure(stream).await;
                self.is_shaking = false;
                secured
            }
            None => Ok(Box::new(stream)),
        }
    }

    /// What was missing when an attempt was given up.
    pub(super) fn missing(&self) -> &'static str {
        match self.is_shaking {
            true => "no TLS handshake (perhaps the server does not speak TLS)",
            false => "no connection",
        }
    }

    /// Looks the name up and tries its addresses in turn.
    pub(super) async fn stream(&mut self) -> Result<TcpStream, String> {
        self.is_shaking = false;
        let addresses = match self.look_up().await {
            Ok(addresses) => addresses,
            Err(error) => return Err(format!("cannot look up the host: {}", chain(&error))),
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
            failure = format!("cannot connect to {address}: {failure}");
        }
        if addresses.len() > 1 {
            failure = format!("{failure} (the last of {} addresses)", addresses.len());
        }
        Err(failure)
    }

    async fn look_up(&mut self) -> io::Result<Vec<SocketAddr>> {
        let lookup = self.lookup.get_or_insert_with(|| {
            let (host, port) = (self.host.clone(), self.port);
            Box::pin(async move { Ok(lookup_host((host, port)).await?.collect()) })
        });
        let found = lookup.await;
        self.lookup = None;
        found
    }
}

impl fmt::Display for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// An attempt that got no answer.
pub(super) struct Failure {
    pub(super) error: String,
    /// Whether any of the request was handed to a connection.
    pub(super) sent: bool,
}

/// An open connection. It has no task of its own: whoever awaits something of it drives it.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once the connection is over.
    driver: Option<Driver>,
}

impl Connection {
    async fn over(stream: Box<dyn Duplex>) -> Result<Self, String> {
        let (sender, driver) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| chain(&error))?;
        Ok(Self { sender, driver: Some(Box::pin(driver)) })
    }

    /// Whether the next request can go over this connection.
    pub(super) async fn is_ready(&mut self) -> bool {
        // Lets the runtime look at its sockets, so that a close that has arrived is seen.
        tokio::task::yield_now().await;
        poll_fn(|context| {
            poll_driver(&mut self.driver, context);
            Poll::Ready(())
        })
        .await;
        self.sender.is_ready()
    }

    /// Sends `request` and waits for the head of the answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        let answer = self.sender.try_send_request(request);
        self.drive(answer).await.map_err(|mut error| Failure {
            // A request that comes back was never begun.
            sent: error.take_message().is_none(),
            error: format!("no answer: {}", chain(error.error())),
        })
    }

    /// Awaits `future`, which waits for this connection.
    pub(super) async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            poll_driver(&mut self.driver, context);
            future.as_mut().poll(context)
        })
        .await
    }
}

/// Whatever the driver ends with reaches the request as well, so its result says nothing new.
fn poll_driver(driver: &mut Option<Driver>, context: &mut Context<'_>) {
    let over = driver.as_mut().is_some_and(|driver| driver.as_mut().poll(context).is_ready());
    if over {
        *driver = None;
    }
}

/// An error with its causes.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some errors already say what their cause says.
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use tokio::sync::oneshot;

    use super::*;

    fn connector(url: &'static str) -> Connector {
        Connector::new(&http::Uri::from_static(url), &Certificates::default())
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
        assert!(connector.connect().await.is_ok());

        connector.lookup = Some(Box::pin(async move { Ok(vec![refusing, refusing]) }));
        let error = connector.connect().await.err().unwrap();
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
        assert!(timeout(moment, connector.connect()).await.is_err());
        resolve.send(alive).unwrap();
        assert!(connector.connect().await.is_ok(), "not looked up anew");
        assert!(connector.lookup.is_none(), "but the next time");
    }
}
