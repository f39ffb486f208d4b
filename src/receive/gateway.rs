//! The bootstrap capability: all that a peer holds before it has logged in.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU64;
use std::rc::Rc;
use std::sync::Arc;

use capnp::Error;
use tokio::time::sleep;

use super::attempts::network;
use super::credentials::Principal;
use super::link::Link;
use super::session::{Session, credit_of};
use super::shared::Shared;
use super::zstd;
use crate::health::diagnostics::Level;
use crate::schema::ingest_capnp::frame::{Compression, Format};
use crate::schema::ingest_capnp::{credential, gateway, hello};
use crate::tls::Fingerprint;

/// Of the protocol as this crate speaks it; for logs.
const PROTOCOL_MINOR: u16 = 0;
/// What a batch takes as a message, besides itself.
const CALL_BYTES: usize = 64 * 1024;

/// Who is at the other end, as far as the transport shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    Tcp(IpAddr),
    /// A process of this user, which is the one that owns the socket, or root.
    User(u32),
}

/// `Gateway` of the schema.
pub(super) struct Gateway {
    shared: Arc<Shared>,
    /// Of the peer, where TLS asked for one.
    certificate: Option<Fingerprint>,
    link: Rc<Link>,
    /// A connection has one try: whoever guesses pays for a connection with each guess.
    is_tried: Cell<bool>,
}

impl Gateway {
    pub(super) fn new(
        shared: Arc<Shared>,
        certificate: Option<Fingerprint>,
        link: Rc<Link>,
    ) -> Self {
        Self { shared, certificate, link, is_tried: Cell::new(false) }
    }

    /// On whose behalf the peer speaks, and the number of its token; the error is what it is told.
    fn principal(
        &self,
        given: credential::Reader<'_>,
    ) -> Result<(Principal, Option<NonZeroU64>), &'static str> {
        let token = match given.which() {
            Ok(credential::Anonymous(())) => None,
            Ok(credential::Bearer(token)) => {
                Some(token.map_err(|_| "unauthorized: the credential cannot be read")?)
            }
            Err(_) => return Err("unauthorized: the kind of credential is not known here"),
        };
        let tokens = &self.shared.settings.tokens;
        let certificate = self.certificate.map(Principal::Certificate);
        match (token, self.link.peer) {
            (Some(token), _) if !tokens.is_empty() => {
                self.shared.look_at_tokens();
                let found = tokens.find(token);
                let found = found.ok_or("unauthorized: the token is not one of this receiver's")?;
                Ok((certificate.unwrap_or(Principal::Token(found)), Some(found)))
            }
            (None, Peer::Tcp(_)) if !tokens.is_empty() => {
                Err("unauthorized: this receiver wants a bearer token")
            }
            (_, Peer::User(user)) => Ok((Principal::User(user), None)),
            (_, Peer::Tcp(_)) => Ok((certificate.unwrap_or(Principal::Anyone), None)),
        }
    }

    /// Keeps whoever guesses waiting, and then ends the connection.
    async fn refuse(&self, why: &'static str) -> Error {
        let line = format!("{} was refused: {why}", self.link.peer);
        self.shared.diagnostics.say(
            Level::Warn,
            &format!("unauthorized {}", self.link.peer),
            &line,
        );
        self.shared.connections.unauthorized.add(1);
        if let Peer::Tcp(address) = self.link.peer {
            let Some(wait) = self.shared.attempts.failed(address) else {
                // No answer: the connection is closed, and that is all it learns.
                self.link.refuse();
                return std::future::pending().await;
            };
            let _answered = Answered { shared: &self.shared, address };
            sleep(wait).await;
        }
        self.link.refuse();
        Error::failed(why.to_owned())
    }
}

/// Counts an answer as given, also where nobody waits for it any more.
struct Answered<'a> {
    shared: &'a Shared,
    address: IpAddr,
}

impl Drop for Answered<'_> {
    fn drop(&mut self) {
        self.shared.attempts.answered(self.address);
    }
}

impl gateway::Server for Gateway {
    async fn open(
        self: Rc<Self>,
        params: gateway::OpenParams,
        mut results: gateway::OpenResults,
    ) -> Result<(), Error> {
        if self.is_tried.replace(true) {
            return Err(Error::failed("unauthorized: a connection logs in once".to_owned()));
        }
        let principal = params.get()?.get_credential().map(|given| self.principal(given))?;
        drop(params);
        let (principal, token) = match principal {
            Ok(known) => known,
            Err(why) => return Err(self.refuse(why).await),
        };
        self.link.log_in(self.shared.settings.limits.batch_bytes + CALL_BYTES, token);
        let session = Session::new(self.shared.clone(), principal, self.link.clone());
        let mut results = results.get();
        results.set_session(capnp_rpc::new_client(session));
        credit_of(&self.shared, &self.link, results.reborrow().init_credit());
        greet(results.init_hello());
        Ok(())
    }
}

/// What this receiver is and reads.
fn greet(mut hello: hello::Builder<'_>) {
    hello.set_protocol_minor(PROTOCOL_MINOR);
    hello.set_name(env!("CARGO_PKG_NAME"));
    hello.set_version(env!("CARGO_PKG_VERSION"));
    let mut formats = hello.reborrow().init_formats(3);
    formats.set(0, Format::RowsStandard);
    formats.set(1, Format::RowsPacked);
    formats.set(2, Format::Columns);
    let mut compressions = hello.init_compressions(2 + u32::from(zstd::SUPPORTED));
    compressions.set(0, Compression::None);
    compressions.set(1, Compression::Gzip);
    if zstd::SUPPORTED {
        compressions.set(2, Compression::Zstd);
    }
}

impl Peer {
    /// Where it is: whoever has one address of version 6 has a whole network of them.
    pub(super) fn network(self) -> IpAddr {
        match self {
            Self::Tcp(address) => network(address),
            Self::User(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::User(user) => write!(f, "user {user}"),
        }
    }
}
