//! The one thread of ours, and its guests: pipelines, and the exporters of the SDK. The first of them starts
//! it, and it ends with the last.

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::future::poll_fn;
use std::mem;
use std::pin::{Pin, pin};
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::runtime::{self, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::completion::Completion;
use super::fork::{self, InChild, Part};
use super::guests::{Guest, Guests, Stay};
use crate::error::Error;
use crate::export::capnp::Links;
use crate::record::local;

/// How long the connections of guests that have left may take to end.
const FAREWELL: Duration = Duration::from_millis(500);

/// The thread of this process, while it has guests.
static THREAD: Mutex<Option<Thread>> = Mutex::new(None);

thread_local! {
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

struct Thread {
    guests: UnboundedSender<Guest>,
    handle: Arc<Mutex<Option<JoinHandle<()>>>>,
    process: u32,
}

/// What a guest does, made on the thread from the connections that the SDK's exporters share.
pub(super) type Begin = Box<dyn FnOnce(&Links) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// Runs a future on the thread. A panic of it ends that one guest.
pub(crate) fn run<F: Future<Output = ()> + 'static>(
    begin: impl FnOnce(&Links) -> F + Send + 'static,
) -> Result<Stay, Error> {
    let begin: Begin = Box::new(|links| Box::pin(begin(links)));
    let is_over = Arc::new(Completion::default());
    let guest = Guest { begin, is_over: Arc::clone(&is_over) };
    let mut thread = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
    // The child of a fork inherits the word about the thread, but not the thread.
    let of_parent = thread.take_if(|thread| thread.process != process::id());
    mem::forget(of_parent);
    let refused = match &*thread {
        Some(running) => match running.guests.send(guest) {
            Ok(()) => return Ok(Stay::new(is_over, &running.handle)),
            // It has ended without a word, which only a panic of it can have done.
            Err(refused) => refused.0,
        },
        None => guest,
    };
    let started = start(refused)?;
    let stay = Stay::new(is_over, &started.handle);
    *thread = Some(started);
    Ok(stay)
}

/// For a fork: nobody is coming to the thread meanwhile. In the child the thread is the parent's, and who comes from
/// there on starts another.
fn prepare_for_fork() -> InChild {
    let thread = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
    Box::new(move || {
        let mut thread = thread;
        mem::forget(thread.take());
    })
}

/// Whether the caller is on it, where waiting for one of its guests would last for ever.
pub(crate) fn is_here() -> bool {
    IS_OURS.with(Cell::get)
}

fn start(first: Guest) -> Result<Thread, Error> {
    // Built here, so that a refusal is this call's error. One helper thread, for what blocks.
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .on_thread_start(local::suppress)
        .thread_name("trackside-helper")
        .build()
        .map_err(|error| Error::start(format!("cannot start the telemetry runtime: {error}")))?;
    let runtime = Background(Some(runtime));
    fork::watch(Part::Thread, prepare_for_fork);
    let (guests, arrivals) = unbounded_channel();
    let thread = Builder::new()
        .name("trackside".into())
        .spawn(move || host(runtime, first, arrivals))
        .map_err(|error| Error::start(format!("cannot start the telemetry thread: {error}")))?;
    Ok(Thread { guests, handle: Arc::new(Mutex::new(Some(thread))), process: process::id() })
}

/// A runtime whose end never waits: not for a look-up that hangs, and not in a host's async code,
/// where a plain drop would panic.
struct Background(Option<Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

fn host(runtime: Background, first: Guest, mut arrivals: UnboundedReceiver<Guest>) {
    IS_OURS.set(true);
    local::suppress();
    // Exporters of the SDK's must not be traced by the SDK either.
    let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
    let Some(running) = &runtime.0 else { return };
    let mut tasks = LocalSet::new();
    let links = Links::new();
    let mut next = first;
    let last = loop {
        let last = tasks.block_on(running, Guests::new(&links, &mut arrivals).serve(next));
        let came = running.block_on(farewell(&mut tasks, &mut arrivals));
        match came.or_else(|| close(&mut arrivals)) {
            Some(guest) => next = guest,
            None => break last,
        }
        last.complete(false);
    };
    drop((tasks, links, runtime));
    last.complete(true);
}

/// Lets connections end whose exporters are gone, until a new guest comes.
async fn farewell(tasks: &mut LocalSet, arrivals: &mut UnboundedReceiver<Guest>) -> Option<Guest> {
    let mut rest = pin!(timeout(FAREWELL, tasks));
    poll_fn(|context| match arrivals.poll_recv(context) {
        Poll::Ready(guest @ Some(_)) => Poll::Ready(guest),
        _ => rest.as_mut().poll(context).map(|_| None),
    })
    .await
}

/// A guest that came after all, or else none can come any more.
fn close(arrivals: &mut UnboundedReceiver<Guest>) -> Option<Guest> {
    let mut thread = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
    let came = arrivals.try_recv().ok();
    if came.is_none() {
        *thread = None;
    }
    came
}
