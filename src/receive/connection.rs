//! One connection, from its first byte to its end.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use capnp_rpc::RpcSystem;
use capnp_rpc::rpc_twoparty_capnp::Side;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::event_loop::Arrival;
use super::gateway::{Gateway, Peer};
use super::greeting::{self, Ended, Known};
use super::link::Link;
use super::shared::Shared;
use crate::health::diagnostics::Level;
use crate::network::{self, Cause, Closed, Handle};
use crate::schema::ingest_capnp::gateway;

/// A connection that was asked to go is closed once no call has moved for so long.
const QUIET: Duration = Duration::from_millis(250);
/// And after so long in any case, but for the calls that are under way.
const GRACE: Duration = Duration::from_secs(10);
/// Told to whoever logged in with a token that is not taken any more.
pub(super) const REVOKED: &str = "unauthorized: the token is not taken any more; log in anew";
/// For the last words to a peer.
pub(super) const GOODBYE: Duration = Duration::from_secs(2);

/// Serves a connection to its end.
pub(super) async fn serve(arrival: Arrival) {
    // Taken apart, it would have its room twice.
    let (shared, peer) = (arrival.open.shared(), arrival.peer);
    let login_by = Instant::now() + shared.settings.limits.login;
    let stream = match arrival.stream.bind() {
        Ok(stream) => stream,
        Err(error) => return failed(shared, peer, &format!("it cannot be used: {error}")),
    };
    // Idle connections are many: what is over leaves no room behind in the task.
    let known = match Box::pin(greeting::greet(shared, stream, peer, login_by)).await {
        Ok(known) => known,
        Err(Ended::Told) => return,
        Err(Ended::Late) => return shared.connections.not_logged_in.add(1),
        Err(Ended::Failed(why)) => return failed(shared, peer, &why),
    };
    rpc(shared, known, peer, login_by).await;
}

pub(super) fn rpc(
    shared: &Arc<Shared>,
    known: Known,
    peer: Peer,
    login_by: Instant,
) -> impl Future<Output = ()> {
    let link = Rc::new(Link::new(peer));
    // Done here: what comes with a function that waits has its room for as long as it waits.
    let (mut system, handle) = begin(shared, known, &link);
    async move {
        let ended = Cell::new(false);
        let manage = async {
            match Box::pin(timeout_at(login_by, link.logged_in())).await {
                Ok(true) => {}
                Ok(false) => {
                    // The answer goes first.
                    Box::pin(sleep(QUIET)).await;
                    handle.close("the log-in was refused; connect anew");
                    return;
                }
                Err(_) => {
                    shared.connections.not_logged_in.add(1);
                    let limit = shared.settings.limits.login;
                    handle.close(&format!("no log-in within {limit:?}"));
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
        if !ended.get() && Box::pin(timeout(GOODBYE, &mut system)).await.is_err() {
            drop(system);
        }
        if let Some(closed) = handle.closed() {
            tell(shared, link.peer, &closed);
        }
    }
}

/// Not in the task itself, which would keep room for all of this.
fn begin(shared: &Arc<Shared>, known: Known, link: &Rc<Link>) -> (RpcSystem<Side>, Handle) {
    let Known { stream, certificate } = known;
    let gateway = Gateway::new(Arc::clone(shared), certificate, Rc::clone(link));
    let gateway: gateway::Client = capnp_rpc::new_client(gateway);
    let limits = Arc::clone(&shared.network);
    let (system, handle) = network::serve(stream.halves(), limits, &shared.budget, gateway.client);
    link.joined(handle.clone());
    (system, handle)
}

/// Waits for the time to go, asks the peer to go, and gives it the time to.
async fn leave(shared: &Shared, link: &Link) -> &'static str {
    let age = aged(shared.settings.limits.age);
    let why = tokio::select! {
        () = sleep(age) => {
            shared.connections.aged.add(1);
            "the connection is as old as it may get; connect anew"
        }
        () = shared.dismissed(link) => {
            if shared.is_revoked(link) {
                shared.connections.revoked.add(1);
                REVOKED
            } else {
                "the receiver is shutting down"
            }
        }
    };
    link.close();
    Box::pin(quiet(link)).await;
    why
}

/// Waits until the peer has asked nothing for a while, or has had its time.
async fn quiet(link: &Link) {
    let by = Instant::now() + GRACE;
    loop {
        link.idle().await;
        let moved = tokio::select! {
            () = link.moved() => true,
            () = sleep(QUIET) => false,
            () = sleep_until(by) => false,
        };
        if !moved {
            return;
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
    let line = format!("a connection of {peer} was ended: {why}");
    shared.diagnostics.say(Level::Info, "connection", &line);
    shared.connections.failed.add(1);
}
