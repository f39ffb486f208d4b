//! TLS under OTLP and Cap'n Proto, both sides of it. Without the feature `tls` there is none, and whoever
//! asks for it is told so.
//!
//! No default of the process is set or asked: the provider of the cryptography is given wherever one is needed.

#[cfg(feature = "tls")]
mod bounded;
#[cfg(feature = "tls")]
mod client;
#[cfg(not(feature = "tls"))]
#[path = "off/client.rs"]
mod client;
mod duplex;
#[cfg(feature = "tls")]
mod fault;
mod files;
#[cfg(all(feature = "tls", feature = "receive"))]
mod handshakes;
#[cfg(feature = "tls")]
mod pem;
#[cfg(feature = "tls")]
mod secured;
#[cfg(all(feature = "tls", feature = "receive"))]
mod server;
#[cfg(all(not(feature = "tls"), feature = "receive"))]
#[path = "off/server.rs"]
mod server;

pub(crate) use client::{Client, Protocol, SUPPORTED, check};
#[cfg(feature = "receive")]
pub(crate) use duplex::Buffered;
pub(crate) use duplex::Duplex;
#[cfg(feature = "receive")]
pub(crate) use files::Fingerprint;
pub(crate) use files::{Certificates, PemFile};
#[cfg(feature = "receive")]
pub(crate) use server::{Server, ServerFiles};

/// What to do where there is none.
pub(crate) const MISSING: &str = "this build has no TLS, which is the feature `tls`";

#[cfg(test)]
#[path = "../../tests/support/certificates.rs"]
pub(crate) mod made;
#[cfg(all(test, feature = "tls"))]
mod tests;
