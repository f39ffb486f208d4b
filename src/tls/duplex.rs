//! Any stream of bytes, both ways.

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite};

/// A socket, or TLS over one.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// The same, whose first bytes can be looked at and stay where they are.
#[allow(dead_code, reason = "for the receiver")]
pub(crate) trait Buffered: Duplex + AsyncBufRead {}

impl<T: Duplex + AsyncBufRead> Buffered for T {}
