//! Where most spans of `tracing` are kept: a table for all threads, so that nothing need be asked of
//! the registry, which costs more than all that is done here.
//!
//! A place is for one span at a time, from its beginning to its end. Where it is taken, or locked at
//! that very moment, a new span is kept in its extensions instead. Later whoever comes to a place waits
//! for who is there: some twenty instructions, but for a fork, and for a write from another thread.

use std::any::Any;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::open::{Mark, Open};
use super::held::Held;

/// A power of two; 192 KiB in all, untouched until a layer records.
const PLACES: usize = 1024;

static TABLE: [Line; PLACES] = [const { Line(Mutex::new(Held::NONE)) }; PLACES];

/// Cache lines of its own for each, so that threads do not share one.
#[repr(align(64))]
struct Line(Mutex<Held>);

impl Line {
    #[inline(always)]
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For a fork: nobody has a place locked.
pub(crate) fn hold() -> Box<dyn Any> {
    Box::new(TABLE.iter().map(Line::lock).collect::<Vec<_>>())
}

/// A thread's ids in a registry count up from where its number stands, above bit 38, and are used
/// again; what else is in them would only spread a few spans over the whole table.
#[inline(always)]
fn line(mark: Mark) -> &'static Line {
    let thread = mark.id >> 38;
    let mixed = thread.wrapping_mul(97).wrapping_add(mark.layer);
    &TABLE[mark.id.wrapping_add(mixed) as usize % PLACES]
}

/// Takes a span in; gives it back where there is no place for it.
#[inline(always)]
pub(super) fn put(mark: Mark, open: Box<Open>) -> Option<Box<Open>> {
    let Ok(mut held) = line(mark).0.try_lock() else {
        return Some(open);
    };
    if held.mark.is_some() {
        return put_again(held, mark, open);
    }
    held.take_in(mark, open);
    None
}

/// The place is taken, perhaps by another layer of the same registry.
#[cold]
#[inline(never)]
fn put_again(mut held: MutexGuard<'_, Held>, mark: Mark, open: Box<Open>) -> Option<Box<Open>> {
    if held.mark != mark {
        return Some(open);
    }
    let left = held.leave();
    held.take_in(mark, open);
    drop(held);
    left.recycle();
    None
}

/// Lends a span to who enters it, if it is here and at home.
#[inline(always)]
pub(super) fn lend(mark: Mark) -> Option<Box<Open>> {
    let mut held = line(mark).lock();
    if held.mark == mark { held.lend_at_once() } else { None }
}

/// Takes a span back that was entered; returns it where its home is not here.
#[inline(always)]
pub(super) fn give_back(mark: Mark, open: Box<Open>) -> Option<Box<Open>> {
    let mut held = line(mark).lock();
    if held.mark == mark { held.take_home(open) } else { Some(open) }
}

/// Lends what is kept here of a span; `run` is ours, and takes no lock.
#[inline(always)]
pub(super) fn with<R>(mark: Mark, run: impl FnOnce(&mut Held) -> R) -> Option<R> {
    let mut held = line(mark).lock();
    (held.mark == mark).then(|| run(&mut held))
}

/// The layer has gone, and mostly its registry with it: nobody closes what is still open there.
pub(super) fn forget(layer: u64) {
    for line in &TABLE {
        let mut held = line.lock();
        if held.mark.is_some() && held.mark.layer == layer {
            let left = held.leave();
            drop(held);
            left.give_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_that_goes_leaves_no_place_taken() {
        // Numbers that no layer reaches; both ids have the same place.
        let (gone, stays) = (u64::MAX - PLACES as u64, u64::MAX);
        let [first, second] = [1, 1 + PLACES as u64].map(|id| Mark { layer: gone, id });
        assert!(put(first, Box::default()).is_none());
        assert!(put(second, Box::default()).is_some(), "its place is taken");
        let other = Mark { layer: stays, id: 2 };
        assert!(put(other, Box::default()).is_none());
        forget(gone);
        assert!(with(first, |_| ()).is_none() && with(other, |_| ()).is_some());
        assert!(put(second, Box::default()).is_none());
        assert!(put(second, Box::default()).is_none(), "of the same span, the last one is kept");
        [gone, stays].into_iter().for_each(forget);
    }
}
