//! The filter of log records, which may change while they are made: one load where there is none.

use std::any::Any;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::LogFilter;

/// Counts the changes; even where there is no filter.
static GENERATION: AtomicU32 = AtomicU32::new(0);
static CURRENT: Mutex<Option<Arc<LogFilter>>> = Mutex::new(None);

thread_local! {
    /// The filter of a generation.
    static SEEN: RefCell<(u32, Option<Arc<LogFilter>>)> = const { RefCell::new((0, None)) };
}

/// From here on records pass by this filter; by none, all do.
pub(crate) fn choose(filter: Option<LogFilter>) {
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    let before = GENERATION.load(Ordering::Relaxed);
    let is_set = filter.is_some();
    if is_set || before % 2 == 1 {
        *current = filter.map(Arc::new);
        // The next number of its kind.
        let next = before.wrapping_add(if is_set == (before % 2 == 1) { 2 } else { 1 });
        GENERATION.store(next, Ordering::Release);
    }
}

/// For the fork: no filter is being chosen.
pub(crate) fn hold() -> Box<dyn Any> {
    Box::new(CURRENT.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Whether there is one.
pub(crate) fn is_set() -> bool {
    GENERATION.load(Ordering::Relaxed) % 2 == 1
}

/// Whether a record of this logger passes.
#[inline]
pub(crate) fn admits(logger: &str, severity: u8) -> bool {
    let generation = GENERATION.load(Ordering::Relaxed);
    generation % 2 == 0 || look(generation, logger, severity)
}

/// The lock is taken once by each thread after each change, for as long as a pointer takes to copy.
#[inline(never)]
fn look(generation: u32, logger: &str, severity: u8) -> bool {
    let passes = SEEN.try_with(|seen| {
        let mut seen = seen.try_borrow_mut().ok()?;
        if seen.0 != generation {
            let newest = CURRENT.lock().unwrap_or_else(PoisonError::into_inner).clone();
            *seen = (generation, newest);
        }
        seen.1.as_ref().map(|filter| filter.admits(logger, severity))
    });
    passes.ok().flatten().unwrap_or(true)
}
