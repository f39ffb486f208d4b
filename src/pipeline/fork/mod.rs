//! What a fork means: the child forgets all that it inherited, and begins anew with its first record.
//!
//! Before a fork the crate's global locks are taken, so that the child finds them free. In the child nothing inherited
//! is dropped: the sockets are the parent's, and a lock within may be held by a thread that is not there.
//! No use asks which process it is in: the child begins a new epoch of the gate, and threads that follow
//! it come here.

#[cfg(unix)]
mod unix;

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use crate::record::local;

use super::clock;

/// What is done in the child.
pub(crate) type InChild = Box<dyn FnOnce()>;
/// Starts telemetry in the child.
pub(crate) type Start = Box<dyn FnOnce() + Send>;

/// Who prepares for a fork, in the order in which everybody takes their locks.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Handles,
    Thread,
}

/// By part.
type Prepare = [Option<fn() -> InChild>; 2];

/// How many forks lie between this process and the one that was started.
static GENERATION: AtomicU32 = AtomicU32::new(0);
/// The tick of the last of them.
static FORKED_AT: AtomicU64 = AtomicU64::new(0);
/// Each takes its locks, and says what is to be done in the child; the drop of that gives them back.
static PREPARE: Mutex<Prepare> = Mutex::new([None; 2]);
/// A child that has not begun yet.
static IS_PENDING: AtomicBool = AtomicBool::new(false);
static PENDING: Mutex<Option<Start>> = Mutex::new(None);

thread_local! {
    /// The fork under way on this thread.
    static UNDER_WAY: Cell<Option<UnderWay>> = const { Cell::new(None) };
}

/// What was prepared, and what holds the list of it.
struct UnderWay {
    parts: Vec<InChild>,
    all: MutexGuard<'static, Prepare>,
}

/// From now on forks of this process are prepared for so, too.
pub(crate) fn watch(part: Part, prepare: fn() -> InChild) {
    static IS_WATCHED: Once = Once::new();
    PREPARE.lock().unwrap_or_else(PoisonError::into_inner)[part as usize] = Some(prepare);
    IS_WATCHED.call_once(|| {
        #[cfg(unix)]
        unix::watch();
    });
}

/// Which process this is: another number means that what belongs to it was inherited.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Acquire)
}

/// The tick at which this process came to be by a fork; 0 where it did not. Spans that began before are the parent's.
pub(crate) fn forked_at() -> u64 {
    FORKED_AT.load(Ordering::Acquire)
}

/// Sets how this process, a child, begins when it is asked to; `None` for never.
pub(crate) fn pend(start: Option<Start>) {
    let mut pending = PENDING.lock().unwrap_or_else(PoisonError::into_inner);
    IS_PENDING.store(start.is_some(), Ordering::Release);
    // What a grandchild inherits belongs to nobody.
    std::mem::forget(std::mem::replace(&mut *pending, start));
}

/// Begins, where this process is a child that has not.
///
/// Others that come meanwhile wait for it: it takes as long as it takes to start a thread. What that says of itself
/// comes here too, on a thread whose telemetry is suppressed.
pub(crate) fn resume() {
    if IS_PENDING.load(Ordering::Acquire) && !local::is_suppressed() {
        resume_now();
    }
}

#[cold]
fn resume_now() {
    let mut pending = PENDING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(start) = pending.take() {
        local::suppressed(start);
    }
    IS_PENDING.store(false, Ordering::Release);
}

/// For the fork: nobody is beginning meanwhile.
pub(crate) fn hold() -> Box<dyn Any> {
    Box::new(PENDING.lock().unwrap_or_else(PoisonError::into_inner))
}

// A panic here would end the process; where this thread is being torn down, nothing is to be kept.

#[cfg_attr(not(unix), allow(dead_code, reason = "there is no fork"))]
fn before() {
    let prepared = catch_unwind(|| {
        let all = || PREPARE.lock().unwrap_or_else(PoisonError::into_inner);
        let known = *all();
        let parts: Vec<InChild> = known.iter().flatten().map(|prepare| prepare()).collect();
        // Last, since others come here with those locks.
        let all = all();
        UnderWay { parts, all }
    });
    if let Ok(prepared) = prepared {
        let _ = UNDER_WAY.try_with(|under_way| under_way.set(Some(prepared)));
    }
}

#[cfg_attr(not(unix), allow(dead_code, reason = "there is no fork"))]
fn in_parent() {
    let _ = catch_unwind(|| drop(UNDER_WAY.try_with(Cell::take)));
}

#[cfg_attr(not(unix), allow(dead_code, reason = "there is no fork"))]
fn in_child() {
    GENERATION.fetch_add(1, Ordering::AcqRel);
    FORKED_AT.store(clock::ticks(), Ordering::Release);
    if let Some(UnderWay { parts, all }) = UNDER_WAY.try_with(Cell::take).ok().flatten() {
        drop(all);
        let _ = catch_unwind(AssertUnwindSafe(|| parts.into_iter().for_each(|part| part())));
    }
}
