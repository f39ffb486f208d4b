//! TLS over a socket, after its handshake: its errors are sentences, and its end is announced to the peer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use super::bounded::Bounded;

/// What an error is called.
pub(super) type Explain = Box<dyn Fn(&io::Error) -> String + Send>;

pub(super) struct Secured {
    stream: TlsStream<Bounded>,
    explain: Explain,
}

impl Secured {
    /// From here on the peer may send what it likes.
    pub(super) fn new(mut stream: TlsStream<Bounded>, explain: Explain) -> Self {
        stream.get_mut().0.left = None;
        Self { stream, explain }
    }

    /// Of a peer that is gone, what it said last is the reason: an alert that waits to be read.
    fn told<T>(&mut self, context: &mut Context<'_>, result: io::Result<T>) -> Poll<io::Result<T>> {
        let Err(mut error) = result else { return Poll::Ready(result) };
        let is_gone = matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
        );
        if is_gone {
            if let Some(fault) = ready!(self.poll_last_words(context)) {
                error = io::Error::new(io::ErrorKind::InvalidData, fault);
            }
        }
        Poll::Ready(Err(io::Error::new(error.kind(), (self.explain)(&error))))
    }

    /// Waits for the runtime to see that the socket is at its end, and reads what is left there.
    fn poll_last_words(&mut self, context: &mut Context<'_>) -> Poll<Option<rustls::Error>> {
        macro_rules! last_words {
            ($stream:expr) => {{
                let (socket, session) = $stream.get_mut();
                if ready!(socket.stream.poll_read_ready(context)).is_err() {
                    return Poll::Ready(None);
                }
                loop {
                    let read = session.read_tls(&mut Now(&socket.stream));
                    if let Err(fault) = session.process_new_packets() {
                        return Poll::Ready(Some(fault));
                    }
                    if !matches!(read, Ok(1..)) {
                        return Poll::Ready(None);
                    }
                }
            }};
        }
        match &mut self.stream {
            TlsStream::Client(stream) => last_words!(stream),
            TlsStream::Server(stream) => last_words!(stream),
        }
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        self.told(context, read)
    }
}

impl AsyncBufRead for Secured {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let Self { stream, explain } = self.get_mut();
        let filled = ready!(Pin::new(stream).poll_fill_buf(context));
        Poll::Ready(filled.map_err(|error| io::Error::new(error.kind(), explain(&error))))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        Pin::new(&mut self.stream).consume(amount);
    }
}

impl AsyncWrite for Secured {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.told(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, parts));
        self.told(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(context));
        self.told(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = ready!(Pin::new(&mut self.stream).poll_shutdown(context));
        self.told(context, shut)
    }
}

/// Also a connection that is given up says that it ends, as far as the socket takes it at once: HTTP's are
/// dropped and never shut down.
impl Drop for Secured {
    fn drop(&mut self) {
        macro_rules! goodbye {
            ($stream:expr) => {{
                let (socket, session) = $stream.get_mut();
                session.send_close_notify();
                let mut socket = Now(&socket.stream);
                while session.wants_write() && session.write_tls(&mut socket).is_ok() {}
            }};
        }
        match &mut self.stream {
            TlsStream::Client(stream) => goodbye!(stream),
            TlsStream::Server(stream) => goodbye!(stream),
        }
    }
}

/// Writes and reads without waiting.
struct Now<'a>(&'a TcpStream);

impl io::Read for Now<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl io::Write for Now<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.try_write(bytes)? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            written => Ok(written),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
