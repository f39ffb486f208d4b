//! How a record leaves the caller's thread: per-thread rings, one worker, a queue for each destination.

mod batch;
pub(crate) mod clock;
pub(crate) mod completion;
mod counter;
mod destination;
mod guests;
mod intake;
mod memory;
mod metrics;
pub(crate) mod ring;
mod road;
mod scrape;
mod shared;
mod start;
mod sync;
#[cfg(test)]
mod tests;
pub(crate) mod thread;
mod worker;

use std::sync::{Arc, Mutex, PoisonError};

use crate::record::gate;

pub(crate) use intake::Intake;
pub(crate) use shared::{Request, Shared};
pub(crate) use start::{Running, start};

/// The newest pipeline of the process, running or not.
static CURRENT: Mutex<Option<Arc<Shared>>> = Mutex::new(None);

pub(crate) fn current() -> Option<Arc<Shared>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// From here on each signal that has an exporter is recorded, by this pipeline.
fn set_current(shared: Arc<Shared>) {
    let flag = |intake: &Intake, flag| if intake.is_on() { flag } else { 0 };
    let flags = flag(&shared.traces, gate::RECORDS)
        | flag(&shared.logs, gate::LOGS)
        | flag(&shared.metrics, gate::MEASURES);
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    *current = Some(shared);
    gate::change(gate::ALL, flags);
}

/// Nothing is recorded any more, unless a newer pipeline has taken this one's place.
pub(crate) fn retire(shared: &Arc<Shared>) {
    let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, shared)) {
        gate::change(gate::ALL, 0);
    }
}

/// A record of a thread that has no ring: it is being torn down, or the pipeline has stopped.
pub(crate) fn push_shared(of: fn(&Shared) -> &Intake, head: &[u64], pieces: &[&[u8]]) {
    if let Some(shared) = current() {
        if !shared.is_running() {
            of(&shared).count_late();
        } else if of(&shared).push_overflow(head, pieces) == ring::Pushed::HighWater {
            shared.wake();
        }
    }
}
