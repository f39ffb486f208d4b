//! A connection as it was accepted, on its way from the acceptor to an event loop.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use crate::tls::Buffered;

/// Not bound to any runtime yet.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(std::net::TcpStream),
    /// TLS is still to be shaken hands for.
    Tls(std::net::TcpStream),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
}

/// Bound to the runtime of the thread that serves it.
pub(super) enum Stream {
    Tcp(TcpStream),
    /// The handshake is not done.
    Raw(TcpStream),
    Tls(Box<dyn Buffered>),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// One half of a stream.
pub(super) type Reading = Box<dyn AsyncRead + Unpin>;
pub(super) type Writing = Box<dyn AsyncWrite + Unpin>;

impl Accepted {
    pub(super) fn bind(self) -> io::Result<Stream> {
        match self {
            Self::Tcp(stream) => tcp(stream).map(Stream::Tcp),
            Self::Tls(stream) => tcp(stream).map(Stream::Raw),
            #[cfg(unix)]
            Self::Unix(stream) => Ok(Stream::Unix(UnixStream::from_std(stream)?)),
        }
    }
}

fn tcp(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    let stream = TcpStream::from_std(stream)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Stream {
    pub(super) fn halves(self) -> (Reading, Writing) {
        match self {
            Self::Tcp(stream) | Self::Raw(stream) => {
                let (read, write) = stream.into_split();
                (Box::new(read), Box::new(write))
            }
            Self::Tls(stream) => {
                let (read, write) = tokio::io::split(stream);
                (Box::new(read), Box::new(write))
            }
            #[cfg(unix)]
            Self::Unix(stream) => {
                let (read, write) = stream.into_split();
                (Box::new(read), Box::new(write))
            }
        }
    }
}
