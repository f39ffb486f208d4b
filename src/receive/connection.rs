//! One connection, from its first byte to its end.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::gateway::{Gateway, Peer};
use super::link::Link;
use super::shared::Shared;
use super::stream::{Accepted, Stream};
use crate::health::diagnostics::Level;
use crate::network::{self, Cause, Closed, Limits};
use crate::schema::ingest_capnp::gateway;

/// A connection that was asked to go is closed once no call has moved for so long.
const QUIET: Duration = Duration::from_millis(250);
/// And after so long in any case, but for the calls that are under way.
const GRACE: Duration = Duration::from_secs(10);
/// For the last words to a peer.
const GOODBYE: Duration = Duration::from_secs(2);

/// Told to whoever speaks HTTP here.
const NOT_HTTP: &str = "This is a Cap'n Proto receiver for telemetry, not an HTTP server: set the endpoint \
     to capnp://HOST:PORT, or send OTLP over HTTP to a collector.\n";

/// Serves a connection to its end.
pub(super) async fn serve(shared: Arc<Shared>, accepted: Accepted, peer: Peer) {
    let login_by = Instant::now() + shared.settings.limits.login;
    let stream = match accepted.bind() {
        Ok(stream) => stream,
        Err(error) => return failed(&shared, peer, &format!("it cannot be used: {error}")),
    };
    if let Stream::Tcp(stream) = &stream {
        match timeout_at(login_by, speaks_http(stream)).await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => {
                shared.connections.http.add(1);
                let line = format!("{peer} speaks HTTP, and was told that this is Cap'n Proto");
                shared.diagnostics.say(Level::Warn, "http", &line);
                // Whoever does not take the sentence does without.
                let _ = timeout(GOODBYE, answer_http(stream)).await;
                return;
            }
            Ok(Err(error)) => return failed(&shared, peer, &error.to_string()),
            Err(_) => return shared.connections.not_logged_in.add(1),
        }
    }
    rpc(&shared, stream, peer, login_by).await;
}

/// Waits for the first bytes, and leaves them where they are.
async fn speaks_http(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0; 4];
    let length = stream.peek(&mut first).await?;
    // A message of Cap'n Proto begins with its number of segments, and nobody sends that many.
    Ok(length >= 3 && first[..length].iter().all(|byte| matches!(byte, b'A'..=b'Z' | b' ')))
}

async fn answer_http(stream: &TcpStream) -> io::Result<()> {
    let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n";
    let answer = format!("{head}Content-Length: {}\r\n\r\n{NOT_HTTP}", NOT_HTTP.len());
    let mut left = answer.as_bytes();
    while !left.is_empty() {
        stream.writable().await?;
        match stream.try_write(left) {
            Ok(written) => left = &left[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
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

async fn rpc(shared: &Arc<Shared>, stream: Stream, peer: Peer, login_by: Instant) {
    let limits = &shared.settings.limits;
    let link = Rc::new(Link::default());
    let gateway = Gateway::new(Arc::clone(shared), peer, Rc::clone(&link));
    let gateway: gateway::Client = capnp_rpc::new_client(gateway);
    let network = Limits { frame: limits.greeting_bytes, ..Limits::server() };
    let (mut system, handle) =
        network::serve(stream.halves(), &network, &shared.budget, gateway.client);
    link.joined(handle.clone());
    let ended = Cell::new(false);
    let manage = async {
        match timeout_at(login_by, link.logged_in()).await {
            Ok(true) => {}
            Ok(false) => {
                // The answer goes first.
                sleep(QUIET).await;
                handle.close("the log-in was refused; connect anew");
                return;
            }
            Err(_) => {
                shared.connections.not_logged_in.add(1);
                handle.close(&format!("no log-in within {:?}", limits.login));
                return;
            }
        }
        let why = leave(shared, &link).await;
        handle.close(why);
    };
    {
        let mut manage = std::pin::pin!(manage);
        // Whichever ends first; the system ends by itself after a close.
        let managed = std::future::poll_fn(|cx| {
            if std::pin::Pin::new(&mut system).poll(cx).is_ready() {
                ended.set(true);
                return std::task::Poll::Ready(());
            }
            manage.as_mut().poll(cx)
        });
        managed.await;
    }
    if !ended.get() && timeout(GOODBYE, &mut system).await.is_err() {
        drop(system);
    }
    if let Some(closed) = handle.closed() {
        tell(shared, peer, &closed);
    }
}

/// Waits for the time to go, asks the peer to go, and gives it the time to.
async fn leave(shared: &Shared, link: &Link) -> &'static str {
    let age = aged(shared.settings.limits.age);
    let why = tokio::select! {
        () = sleep(age) => {
            shared.connections.aged.add(1);
            "the connection is as old as it may get; connect anew"
        }
        () = shared.draining() => "the receiver is shutting down",
    };
    link.close();
    let by = Instant::now() + GRACE;
    loop {
        link.idle().await;
        let moved = tokio::select! {
            () = link.moved() => true,
            () = sleep(QUIET) => false,
            () = sleep_until(by) => false,
        };
        if !moved {
            return why;
        }
    }
}

/// Give or take an eighth, so that connections made together do not end together.
fn aged(age: Duration) -> Duration {
    use std::hash::{BuildHasher as _, RandomState};
    let random = RandomState::new().hash_one(0) as u8;
    age * 7 / 8 + age / 4 * u32::from(random) / 255
}

/// Counts how a connection ended where that is not as it should be.
fn tell(shared: &Shared, peer: Peer, closed: &Closed) {
    match closed.cause {
        Cause::ByPeer | Cause::ByUs => {}
        Cause::Http => shared.connections.http.add(1),
        _ => failed(shared, peer, &closed.detail),
    }
}

fn failed(shared: &Shared, peer: Peer, why: &str) {
    shared.connections.failed.add(1);
    let line = format!("a connection of {peer} was ended: {why}");
    shared.diagnostics.say(Level::Info, "connection", &line);
}
