//! What a peer speaks, before it is served: TLS, Cap'n Proto, or something else that is told so.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::connection::GOODBYE;
use super::gateway::Peer;
use super::shared::Shared;
use super::stream::Stream;
use crate::health::diagnostics::Level;
use crate::tls::{Buffered, Fingerprint};

/// Told to whoever speaks HTTP here.
const NOT_HTTP: &str = "This is a Cap'n Proto receiver for telemetry, not an HTTP server: set the endpoint \
     to capnp://HOST:PORT, or send OTLP over HTTP to a collector.\n";
/// The same where TLS is spoken.
const NOT_HTTPS: &str = "This is a Cap'n Proto receiver for telemetry, not an HTTP server: set the endpoint \
     to capnps://HOST:PORT, or send OTLP over HTTP to a collector.\n";
/// A fatal alert, `protocol_version`: all that a server of TLS can say to whoever speaks something else.
const NOT_TLS: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 70];
/// The first byte of a handshake of TLS.
const HANDSHAKE: u8 = 0x16;

/// A peer that may log in.
pub(super) struct Known {
    pub(super) stream: Stream,
    pub(super) certificate: Option<Fingerprint>,
}

/// Why a peer is not served.
pub(super) enum Ended {
    /// It was told why, and it is counted.
    Told,
    Late,
    Failed(String),
}

/// Waits for the peer's first bytes, shakes hands where it is to be TLS, and leaves what follows unread.
pub(super) async fn greet(
    shared: &Shared,
    stream: Stream,
    peer: Peer,
    by: Instant,
) -> Result<Known, Ended> {
    match timeout_at(by, hear(shared, stream, peer)).await {
        Ok(heard) => heard,
        Err(_) => Err(Ended::Late),
    }
}

async fn hear(shared: &Shared, stream: Stream, peer: Peer) -> Result<Known, Ended> {
    let broken = |error: io::Error| Ended::Failed(error.to_string());
    match stream {
        Stream::Tcp(stream) => {
            if is_http(&first(&stream).await.map_err(broken)?) {
                return Err(tell_http(shared, peer, answer(stream, NOT_HTTP)).await);
            }
            Ok(Known { stream: Stream::Tcp(stream), certificate: None })
        }
        Stream::Raw(stream) => {
            let heard = first(&stream).await.map_err(broken)?;
            if is_http(&heard) {
                shared.connections.plaintext.add(1);
                return Err(tell_http(shared, peer, answer(stream, NOT_HTTPS)).await);
            }
            // Whoever looks whether somebody listens says nothing.
            let Some(byte) = heard.first() else { return Err(Ended::Told) };
            if *byte != HANDSHAKE {
                let line = format!(
                    "{peer} speaks without TLS where there has to be TLS; it has to use capnps://"
                );
                shared.diagnostics.say(Level::Warn, "plaintext", &line);
                shared.connections.plaintext.add(1);
                let _ = timeout(GOODBYE, say(stream, &NOT_TLS)).await;
                return Err(Ended::Told);
            }
            secure(shared, stream, peer).await
        }
        stream => Ok(Known { stream, certificate: None }),
    }
}

async fn secure(shared: &Shared, stream: TcpStream, peer: Peer) -> Result<Known, Ended> {
    let Some(server) = &shared.settings.tls else {
        return Err(Ended::Failed("there is no certificate for it".to_owned()));
    };
    let accepted = server.accept(stream, peer.network()).await;
    if let Some(why) = server.complaint() {
        let line = format!("{why}; the certificates of before stay in use");
        shared.diagnostics.say(Level::Warn, "certificates", &line);
    }
    let accepted = accepted.map_err(|why| {
        let line = format!("no TLS with {peer}: {why}");
        shared.diagnostics.say(Level::Warn, &format!("handshake {peer}"), &line);
        shared.connections.handshakes.add(1);
        Ended::Told
    })?;
    let mut stream = accepted.stream;
    let heard = stream.fill_buf().await.map_err(|error| Ended::Failed(error.to_string()))?;
    if is_http(heard.get(..4).unwrap_or(heard)) {
        return Err(tell_http(shared, peer, answer_secured(stream)).await);
    }
    Ok(Known { stream: Stream::Tls(stream), certificate: accepted.certificate })
}

/// Waits for the first bytes, and leaves them where they are.
async fn first(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut first = [0; 4];
    let length = stream.peek(&mut first).await?;
    Ok(first[..length].to_vec())
}

fn is_http(first: &[u8]) -> bool {
    // A message of Cap'n Proto begins with its number of segments, and nobody sends that many.
    first.len() >= 3 && first.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b' '))
}

async fn tell_http(
    shared: &Shared,
    peer: Peer,
    answer: impl Future<Output = io::Result<()>>,
) -> Ended {
    let line = format!("{peer} speaks HTTP, and was told that this is Cap'n Proto");
    shared.diagnostics.say(Level::Warn, "http", &line);
    shared.connections.http.add(1);
    // Whoever does not take the sentence does without.
    let _ = timeout(GOODBYE, answer).await;
    Ended::Told
}

fn response(sentence: &str) -> String {
    let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{sentence}", sentence.len())
}

async fn answer(stream: TcpStream, sentence: &str) -> io::Result<()> {
    say(stream, response(sentence).as_bytes()).await
}

async fn answer_secured(mut stream: Box<dyn Buffered>) -> io::Result<()> {
    stream.write_all(response(NOT_HTTPS).as_bytes()).await?;
    stream.shutdown().await?;
    while !stream.fill_buf().await?.is_empty() {
        let length = stream.fill_buf().await?.len();
        stream.consume(length);
    }
    Ok(())
}

async fn say(mut stream: TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    // What is unread when a socket is closed resets the connection, answer and all.
    let mut rest = [0; 4096];
    loop {
        match stream.try_read(&mut rest) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
