//! Who is on the thread, and how one's end is told.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{JoinSet, spawn_local};

use super::completion::Completion;
use super::thread::Begin;
use crate::export::capnp::Links;

/// A guest on its way to the thread.
pub(super) struct Guest {
    pub(super) begin: Begin,
    pub(super) is_over: Arc<IsOver>,
}

/// Complete once a guest is gone; true where the thread is gone with it.
type IsOver = Completion<bool>;

/// A guest's time on the thread, seen from outside.
#[derive(Debug)]
pub(crate) struct Stay {
    is_over: Arc<IsOver>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Stay {
    pub(super) fn new(is_over: Arc<IsOver>, thread: &Arc<Mutex<Option<JoinHandle<()>>>>) -> Self {
        Self { is_over, thread: Arc::clone(thread) }
    }

    /// Waits until the guest is gone, and with the last one the thread; other guests may hold that up.
    pub(crate) fn join(&self, deadline: Instant) {
        if self.is_over.wait(deadline) == Some(true) {
            let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
            // Nothing is left for it to do.
            thread.into_iter().for_each(|thread| drop(thread.join()));
        }
    }

    #[cfg(test)]
    pub(super) fn is_over(&self) -> Option<bool> {
        self.is_over.wait(Instant::now())
    }
}

/// On the thread, inside its `LocalSet`.
pub(super) struct Guests<'a> {
    links: &'a Links,
    arrivals: &'a mut UnboundedReceiver<Guest>,
    here: JoinSet<Arc<IsOver>>,
}

enum Event {
    Came(Guest),
    Left(Arc<IsOver>),
}

impl<'a> Guests<'a> {
    pub(super) fn new(links: &'a Links, arrivals: &'a mut UnboundedReceiver<Guest>) -> Self {
        Self { links, arrivals, here: JoinSet::new() }
    }

    /// Serves until nobody is left; the last one is not told yet.
    pub(super) async fn serve(mut self, first: Guest) -> Arc<IsOver> {
        self.admit(first);
        loop {
            match poll_fn(|context| self.next(context)).await {
                Event::Came(guest) => self.admit(guest),
                Event::Left(is_over) if self.here.is_empty() => return is_over,
                Event::Left(is_over) => is_over.complete(false),
            }
        }
    }

    fn admit(&mut self, guest: Guest) {
        let links = self.links.clone();
        self.here.spawn_local(async move {
            // A task of its own, whose panic stays there.
            drop(spawn_local(async move { (guest.begin)(&links).await }).await);
            guest.is_over
        });
    }

    fn next(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        if let Poll::Ready(Some(guest)) = self.arrivals.poll_recv(context) {
            return Poll::Ready(Event::Came(guest));
        }
        match self.here.poll_join_next(context) {
            Poll::Ready(Some(Ok(is_over))) => Poll::Ready(Event::Left(is_over)),
            _ => Poll::Pending,
        }
    }
}
