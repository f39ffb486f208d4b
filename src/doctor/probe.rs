//! What does the other side speak? Asked once more, where its answer made no sense.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How a connection over HTTP/2 begins: the preface, and settings that say nothing.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The head of a frame of HTTP/2.
const HEAD: usize = 9;

/// What was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    /// As gRPC does.
    Http2,
    Tls,
}

/// `None` where it said nothing, or nothing that is known.
pub(super) async fn speak(host: &str, port: u16, within: Duration) -> Option<Spoken> {
    timeout(within, ask(host, port)).await.ok()?
}

async fn ask(host: &str, port: u16) -> Option<Spoken> {
    let mut stream = TcpStream::connect((host, port)).await.ok()?;
    stream.write_all(HTTP2).await.ok()?;
    let mut head = [0; HEAD];
    let mut length = 0;
    // Whoever understands nothing may say less, and close.
    while length < HEAD {
        match stream.read(&mut head[length..]).await {
            Ok(0) | Err(_) => break,
            Ok(read) => length += read,
        }
    }
    recognise(&head[..length])
}

fn recognise(said: &[u8]) -> Option<Spoken> {
    match said {
        // An alert or a handshake of TLS 1.x.
        [0x15 | 0x16, 3, ..] => Some(Spoken::Tls),
        // Settings of the whole connection, or a farewell.
        [_, _, _, 4 | 7, _, 0, 0, 0, 0] => Some(Spoken::Http2),
        _ if said.starts_with(b"HTTP/1.") => Some(Spoken::Http1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell() {
        let table: [(&[u8], Option<Spoken>); 8] = [
            (b"HTTP/1.1 400 Bad", Some(Spoken::Http1)),
            (b"HTTP/1.0 ", Some(Spoken::Http1)),
            (b"\0\0\x06\x04\0\0\0\0\0", Some(Spoken::Http2)),
            (b"\0\0\x08\x07\0\0\0\0\0", Some(Spoken::Http2)),
            (b"\x15\x03\x01\0\x02\x02\x46", Some(Spoken::Tls)),
            (b"\0\0\0\0\x10\0\0\0\0", None),
            (b"SSH-2.0-O", None),
            (b"", None),
        ];
        for (said, expected) in table {
            assert_eq!(recognise(said), expected, "{said:?}");
        }
    }
}
