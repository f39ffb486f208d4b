//! How a record leaves the caller's thread: per-thread rings, one worker, a queue for each destination.

mod batch;
pub(crate) mod clock;
pub(crate) mod completion;
mod destination;
pub(crate) mod ring;
mod shared;
mod start;
mod sync;
mod worker;

use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use shared::{Request, Shared};
pub(crate) use start::{Running, start};

/// The newest pipeline of the process, running or not.
static CURRENT: Mutex<Option<Arc<Shared>>> = Mutex::new(None);

pub(crate) fn current() -> Option<Arc<Shared>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn set_current(shared: Arc<Shared>) {
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(shared);
}

/// A record of a thread that has no ring: it is being torn down, or the pipeline has stopped.
pub(crate) fn push_shared(pieces: &[&[u8]]) {
    if let Some(shared) = current() {
        if shared.is_running() {
            shared.push_overflow(pieces);
        } else {
            shared.count_late();
        }
    }
}
