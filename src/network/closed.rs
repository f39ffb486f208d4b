//! Why a connection ended.

use std::fmt;

/// The first reason there was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) cause: Cause,
    /// A sentence for a person.
    pub(crate) detail: String,
}

/// What kind of reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The peer closed it, between two frames.
    ByPeer,
    /// `Handle::close`.
    ByUs,
    /// The peer speaks HTTP.
    Http,
    /// The peer speaks TLS.
    Tls,
    /// A frame over the cap, or over the whole budget.
    TooLarge,
    /// What came is no frame, or no message of the protocol.
    Malformed,
    /// More questions than may be open at one time.
    Flood,
    /// The peer began a frame and did not send the rest in time.
    Slow,
    /// The peer did not read in time.
    Stalled,
    /// The transport failed, or ended within a frame.
    Broken,
}

impl Closed {
    pub(super) fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self { cause, detail: detail.into() }
    }

    /// As calls in flight see it.
    pub(super) fn to_error(&self) -> capnp::Error {
        match self.cause {
            Cause::Http | Cause::Tls | Cause::TooLarge | Cause::Malformed | Cause::Flood => {
                capnp::Error::failed(self.detail.clone())
            }
            _ => capnp::Error::disconnected(self.detail.clone()),
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}
