//! A receiver that runs, and how it ends.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout_at};

use super::event_loop::EventLoop;
use super::listener::{self, Listener};
use super::settings::Settings;
use super::shared::Shared;
use super::{Address, Counts, Error, health, sink};
use crate::health::diagnostics::Diagnostics;
use crate::pipeline::completion::Completion;
use crate::record::local;

/// What a receiver that is dropped has for its shutdown.
const DROP: Duration = Duration::from_secs(5);
/// How much longer than its deadline a shutdown waits for the thread's answer.
const GRACE: Duration = Duration::from_secs(1);
/// How often a shutdown looks whether all is done.
const LOOK: Duration = Duration::from_millis(5);

/// A receiver at work; dropping it shuts it down, within five seconds.
pub struct Running {
    shared: Arc<Shared>,
    addresses: Vec<Address>,
    health: Option<SocketAddr>,
    stop: Mutex<Option<oneshot::Sender<Instant>>>,
    ended: Arc<Completion<()>>,
}

/// What the thread says once it listens.
struct Ready {
    shared: Arc<Shared>,
    addresses: Vec<Address>,
    health: Option<SocketAddr>,
}

pub(super) fn start(settings: Settings, diagnostics: Arc<Diagnostics>) -> Result<Running, Error> {
    let (ready, is_ready) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let ended = Arc::new(Completion::default());
    let run = {
        let ended = Arc::clone(&ended);
        move || {
            // Also where it panics or never got anywhere.
            let _ended = Ended(ended);
            local::suppress();
            let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
            if let Err(error) = control(settings, diagnostics, &ready, stopped) {
                // Nobody waits any more only after an `Ok`.
                drop(ready.send(Err(error)));
            }
        }
    };
    let thread = std::thread::Builder::new().name("trackside-receive".into()).spawn(run);
    thread.map_err(|error| Error::failed(format!("cannot start a thread: {error}")))?;
    let Ready { shared, addresses, health } =
        is_ready.recv().unwrap_or_else(|_| Err(Error::failed("its thread ended at once")))?;
    Ok(Running { shared, addresses, health, stop: Mutex::new(Some(stop)), ended })
}

struct Ended(Arc<Completion<()>>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.complete(());
    }
}

/// The thread of the listeners and the sinks.
fn control(
    settings: Settings,
    diagnostics: Arc<Diagnostics>,
    ready: &mpsc::Sender<Result<Ready, Error>>,
    stopped: oneshot::Receiver<Instant>,
) -> Result<(), Error> {
    let refused = |error| Error::failed(format!("cannot start its runtime: {error}"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(refused)?;
    let entered = runtime.enter();
    let mut listeners = Vec::new();
    for address in &settings.addresses {
        listeners.push(Listener::bind(address)?);
    }
    let addresses = listeners.iter().map(Listener::address).collect::<Result<_, _>>();
    let addresses = addresses.map_err(|error| Error::failed(error.to_string()))?;
    let health = settings.health.map(health::bind).transpose()?;
    drop(entered);
    let shared = Arc::new(Shared::new(settings, diagnostics));
    let mut loops = Vec::new();
    for number in 0..shared.settings.threads {
        loops.push(EventLoop::start(Arc::clone(&shared), number)?);
    }
    let loops = Arc::new(loops);
    let at = health.as_ref().and_then(|listener| listener.local_addr().ok());
    let said = Ready { shared: Arc::clone(&shared), addresses, health: at };
    if ready.send(Ok(said)).is_err() {
        return Ok(());
    }
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, serve(&shared, listeners, health, &loops, stopped));
    // What the sinks still had in hand is given up here, and counted.
    drop(tasks);
    shared.sinks.queues().iter().for_each(|queue| queue.abandon());
    shared.stop();
    if let Some(loops) = Arc::into_inner(loops) {
        for EventLoop { connections, thread } in loops {
            drop(connections);
            // A loop that panicked has said so.
            let _ = thread.join();
        }
    }
    // A write to a pipe that nobody reads may hang for ever.
    runtime.shutdown_background();
    Ok(())
}

async fn serve(
    shared: &Arc<Shared>,
    listeners: Vec<Listener>,
    health: Option<TcpListener>,
    loops: &Arc<Vec<EventLoop>>,
    stopped: oneshot::Receiver<Instant>,
) {
    for (plan, queue) in shared.settings.sinks.iter().zip(shared.sinks.queues()) {
        sink::spawn(plan.clone(), Arc::clone(queue), Arc::clone(&shared.diagnostics));
    }
    let mut accepting = Vec::new();
    for (turn, listener) in listeners.into_iter().enumerate() {
        let accept = listener::accept(listener, Arc::clone(shared), Arc::clone(loops), turn);
        accepting.push(spawn_local(accept));
    }
    if let Some(listener) = health {
        spawn_local(health::serve(listener, Arc::clone(shared)));
    }
    // A handle that is gone has sent its deadline before.
    let deadline = stopped.await.unwrap_or_else(|_| Instant::now());
    drain(shared, accepting, deadline).await;
}

/// Takes no new connection, lets those that are there finish, then the sinks; all by the deadline.
async fn drain(
    shared: &Arc<Shared>,
    accepting: Vec<tokio::task::JoinHandle<()>>,
    deadline: Instant,
) {
    let now = Instant::now();
    let left = deadline.saturating_duration_since(now);
    shared.drain();
    shared.sinks.queues().iter().for_each(|queue| queue.hurry());
    for accept in accepting {
        // It ends at once, and closes its socket.
        let _ = timeout_at(deadline.into(), accept).await;
    }
    // What a connection takes longer than this is time that the sinks would lack.
    wait(now + left * 3 / 5, || shared.connections.read().open == 0).await;
    let is_empty = || shared.sinks.queues().iter().all(|queue| queue.waiting() == 0);
    wait(deadline, is_empty).await;
}

async fn wait(until: Instant, is_done: impl Fn() -> bool) {
    while !is_done() && Instant::now() < until {
        sleep(LOOK).await;
    }
}

impl Running {
    /// Where it listens, with the ports that the system chose.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Where `/healthz` and `/readyz` are answered.
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.health
    }

    /// What became of every item so far.
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// What there was to say, the newest 64 lines.
    pub fn diagnostics(&self) -> Vec<String> {
        self.shared.diagnostics.lines()
    }

    /// Why it should get no work just now; `None` while it should.
    pub fn not_ready(&self) -> Option<String> {
        health::not_ready(&self.shared)
    }

    /// Takes no new connection, asks the clients to go, finishes their calls, empties the queues of the
    /// sinks, and ends, all within one deadline. It blocks; a second call waits for the first.
    ///
    /// # Errors
    /// Something that a peer was told is safe here did not get to its sink; [`counts`](Self::counts) has
    /// the numbers.
    pub fn shutdown(&self, within: Duration) -> Result<Counts, Error> {
        let far = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        let deadline = Instant::now() + within.min(far);
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(stop) = stop {
            // A thread that is gone has ended.
            let _ = stop.send(deadline);
        }
        if self.ended.wait(deadline + GRACE).is_none() {
            return Err(Error::failed(format!("it did not end within {within:?}")));
        }
        let counts = self.counts();
        match counts.lost() {
            0 => Ok(counts),
            lost => {
                Err(Error::failed(format!("{lost} items that were taken are lost: {counts:?}")))
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _ = self.shutdown(DROP);
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("addresses", &self.addresses)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
