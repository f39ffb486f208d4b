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

#[cfg(test)]
mod tests {
    use super::*;

    /// As connections come here: from the listener, out of one runtime and into another.
    #[test]
    fn nothing_waits_for_more_to_send() {
        let runtime =
            || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let accepted = runtime().block_on(async {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let connecting = TcpStream::connect(listener.local_addr().unwrap());
            let (accepted, connected) = tokio::join!(listener.accept(), connecting);
            connected.unwrap();
            Accepted::Tcp(accepted.unwrap().0.into_std().unwrap())
        });
        runtime().block_on(async {
            let Stream::Tcp(stream) = accepted.bind().unwrap() else { panic!("it is one of TCP") };
            assert!(stream.nodelay().unwrap());
        });
    }
}
