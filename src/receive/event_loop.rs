//! The threads that serve connections.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinError, JoinSet, LocalSet, spawn_local};
use tokio::time::interval;

use super::Error;
use super::connection;
use super::gateway::Peer;
use super::shared::Shared;
use super::stream::Accepted;
use crate::health::diagnostics::Level;
use crate::record::local;

/// How often a loop shows that it runs.
pub(super) const BEAT: Duration = Duration::from_secs(1);

/// A new connection for a thread.
pub(super) struct Arrival {
    pub(super) stream: Accepted,
    pub(super) peer: Peer,
    pub(super) open: Open,
}

/// Counts a connection as open until it is dropped.
pub(super) struct Open(Arc<Shared>);

impl Open {
    /// `None` where there are as many as there may be.
    pub(super) fn take(shared: &Arc<Shared>) -> Option<Self> {
        let most = shared.settings.limits.connections as u64;
        let take = |open: u64| (open < most).then_some(open + 1);
        let open = &shared.connections.open;
        open.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).ok()?;
        Some(Self(Arc::clone(shared)))
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// One thread; it ends once its sender is gone and its connections are.
pub(super) struct EventLoop {
    pub(super) connections: UnboundedSender<Arrival>,
    pub(super) thread: JoinHandle<()>,
}

impl EventLoop {
    pub(super) fn start(shared: Arc<Shared>, number: usize) -> Result<Self, Error> {
        let refused = |error| Error::failed(format!("cannot start an event loop: {error}"));
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(refused)?;
        let (connections, arriving) = unbounded_channel();
        let run = move || {
            local::suppress();
            let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
            let tasks = LocalSet::new();
            tasks.block_on(&runtime, async {
                tokio::select! {
                    () = shared.stopped() => {}
                    () = run(Arc::clone(&shared), arriving, number) => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name(format!("trackside-loop-{number}"));
        Ok(Self { connections, thread: thread.spawn(run).map_err(refused)? })
    }
}

/// How a connection's task ended. Its panic is its own, and the next connection works.
pub(super) fn ended(shared: &Shared, end: Result<(), JoinError>) {
    if let Err(error) = end {
        let line = format!("a connection panicked and was closed: {error}");
        shared.diagnostics.say(Level::Error, "connection panic", &line);
        shared.connections.panicked.add(1);
    }
}

async fn run(shared: Arc<Shared>, mut arriving: UnboundedReceiver<Arrival>, number: usize) {
    let beating = spawn_local({
        let shared = Arc::clone(&shared);
        async move {
            let mut interval = interval(BEAT);
            loop {
                interval.tick().await;
                shared.beat(number);
                if number == 0 {
                    shared.look_at_tokens();
                }
            }
        }
    });
    let mut open = JoinSet::new();
    loop {
        let arrival = tokio::select! {
            arrival = arriving.recv() => arrival,
            Some(end) = open.join_next() => {
                ended(&shared, end);
                continue;
            }
        };
        let Some(arrival) = arrival else { break };
        open.spawn_local(connection::serve(arrival));
    }
    while let Some(end) = open.join_next().await {
        ended(&shared, end);
    }
    beating.abort();
}
