//! The threads that serve connections.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinSet, LocalSet, spawn_local};
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

/// Serves a connection in a task of its own: its panic is its own, and the next connection works.
async fn alone(shared: &Shared, peer: Peer, serving: impl Future<Output = ()> + 'static) {
    if let Err(error) = spawn_local(serving).await {
        shared.connections.panicked.add(1);
        let line = format!("a connection of {peer} panicked and was closed: {error}");
        shared.diagnostics.say(Level::Error, "connection panic", &line);
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
            }
        }
    });
    let mut open = JoinSet::new();
    while let Some(arrival) = arriving.recv().await {
        let Arrival { stream, peer, open: counted } = arrival;
        let shared = Arc::clone(&shared);
        while open.try_join_next().is_some() {}
        open.spawn_local(async move {
            let _counted = counted;
            let serving = connection::serve(Arc::clone(&shared), stream, peer);
            alone(&shared, peer, serving).await;
        });
    }
    while open.join_next().await.is_some() {}
    beating.abort();
}
