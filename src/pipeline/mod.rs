//! How a record leaves the caller's thread: per-thread rings, one worker, a queue for each destination.

mod batch;
pub(crate) mod clock;
pub(crate) mod completion;
mod destination;
mod intake;
mod memory;
mod metrics;
pub(crate) mod ring;
mod road;
mod shared;
mod start;
mod sync;
mod worker;

use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use intake::Intake;
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
pub(crate) fn push_shared(of: fn(&Shared) -> &Intake, pieces: &[&[u8]]) {
    if let Some(shared) = current() {
        if !shared.is_running() {
            of(&shared).count_late();
        } else if of(&shared).push_overflow(pieces) == ring::Pushed::HighWater {
            shared.wake();
        }
    }
}
