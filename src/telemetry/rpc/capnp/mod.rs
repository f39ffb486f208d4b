//! Calls over Cap'n Proto, with the feature `capnp-rpc`: the context travels in `schema/context.capnp`, which any schema can embed.
//!
//! The protocol has no headers. A schema that wants its calls traced embeds the struct in its parameters; a client
//! that does not know it leaves it out, and is served under a new trace.

mod client;
mod headers;
mod server;

pub use client::{Outgoing, client};
pub use headers::Headers;
pub use server::{caller, server};

use capnp::{Error, ErrorKind};

/// The word for `error_kind` and `error.type`: `overloaded`, `disconnected`, `unimplemented`, or `failed` for all else.
///
/// These four are what the protocol carries.
#[must_use]
pub fn error_kind(error: &Error) -> &'static str {
    match error.kind {
        ErrorKind::Overloaded => "overloaded",
        ErrorKind::Disconnected => "disconnected",
        ErrorKind::Unimplemented => "unimplemented",
        _ => "failed",
    }
}
