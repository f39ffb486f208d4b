//! No TLS.

use std::net::IpAddr;

use tokio::net::TcpStream;

use super::{Buffered, Fingerprint, MISSING, PemFile};

/// What a server shows, and whom it lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerFiles {
    pub(crate) certificate: PemFile,
    pub(crate) key: PemFile,
    pub(crate) clients: Option<PemFile>,
}

/// There is none.
#[derive(Debug)]
pub(crate) enum Server {}

/// A connection whose handshake is done.
pub(crate) struct Accepted {
    pub(crate) stream: Box<dyn Buffered>,
    pub(crate) certificate: Option<Fingerprint>,
}

impl Server {
    pub(crate) fn new(_files: ServerFiles) -> Result<Self, String> {
        Err(format!("{MISSING}; switch it on, or leave this out"))
    }

    pub(crate) fn complaint(&self) -> Option<String> {
        match *self {}
    }

    pub(crate) async fn accept(
        &self,
        _stream: TcpStream,
        _source: IpAddr,
    ) -> Result<Accepted, String> {
        match *self {}
    }
}
