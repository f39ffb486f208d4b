//! A way through a proxy: it is asked to pass on all bytes, and what they are is not its business.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::connection::chain;
use crate::config::plan::ProxyPlan;

/// No proxy says more before the first byte of the peer.
const MOST: usize = 8 * 1024;

/// Asks for a way to `peer`, which is `host:port`. Not a byte beyond the answer is read.
pub(super) async fn open(
    stream: &mut TcpStream,
    proxy: &ProxyPlan,
    peer: &str,
) -> Result<(), String> {
    let mut request = format!("CONNECT {peer} HTTP/1.1\r\nHost: {peer}\r\n").into_bytes();
    if let Some(authorization) = &proxy.authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let broken = |error| format!("the proxy {proxy} gave no answer: {}", chain(&error));
    stream.write_all(&request).await.map_err(broken)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MOST {
            return Err(format!("the proxy {proxy} answers with no end"));
        }
        head.push(stream.read_u8().await.map_err(broken)?);
    }
    match status(&head) {
        Some(200..=299) => Ok(()),
        Some(407) => Err(format!(
            "the proxy {proxy} answered 407: it wants other credentials, as http://user:password@{proxy}"
        )),
        Some(status) => {
            Err(format!("the proxy {proxy} answered {status} and opens no way to {peer}"))
        }
        None => Err(format!("the proxy {proxy} does not speak HTTP")),
    }
}

fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let mut words = line.split(|byte| *byte == b' ');
    words.next().filter(|version| version.starts_with(b"HTTP/1."))?;
    std::str::from_utf8(words.next()?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::status;

    #[test]
    fn the_first_line_tells() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407\r\nProxy-Authenticate: Basic\r\n\r\n"), Some(407));
        assert_eq!(status(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), None);
        assert_eq!(status(b"\r\n\r\n"), None);
    }
}
