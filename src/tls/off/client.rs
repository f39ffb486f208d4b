//! No TLS.

use tokio::net::TcpStream;

use super::{Certificates, Duplex, MISSING};

pub(crate) const SUPPORTED: bool = false;

/// Never asked for anything: an endpoint that wants TLS is refused before.
pub(crate) struct Client;

/// What is spoken over a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protocol {
    Http1,
    /// As gRPC is.
    Http2,
    Capnp,
}

impl Client {
    pub(crate) fn new(_host: &str, _certificates: &Certificates, _protocol: Protocol) -> Self {
        Self
    }

    pub(crate) async fn secure(&mut self, _stream: TcpStream) -> Result<Box<dyn Duplex>, String> {
        Err(MISSING.to_owned())
    }
}

pub(crate) fn check(_certificates: &Certificates) -> Result<(), String> {
    Err(MISSING.to_owned())
}
