//! Where the spans of `tracing` are while nobody has them entered: a table for all threads, so that
//! most entries and exits need not ask the registry, which costs more than all that is done here.
//!
//! A place is for one span at a time. Where it is taken, or locked at that very moment, the span
//! goes to its extensions instead.

use std::any::Any;
use std::sync::{Mutex, PoisonError};

use super::super::open::{Mark, Open};

/// A power of two; 64 KiB in all, untouched until a layer records.
const PLACES: usize = 1024;

static TABLE: [Line; PLACES] = [const { Line(Mutex::new(Place::EMPTY)) }; PLACES];

/// A cache line of its own for each, so that threads do not share one.
#[repr(align(64))]
struct Line(Mutex<Place>);

struct Place {
    mark: Mark,
    open: Option<Box<Open>>,
}

impl Place {
    const EMPTY: Self = Self { mark: Mark::NONE, open: None };
}

/// For a fork: nobody has a place locked.
pub(crate) fn hold() -> Box<dyn Any> {
    let locked = TABLE.iter().map(|line| line.0.lock().unwrap_or_else(PoisonError::into_inner));
    Box::new(locked.collect::<Vec<_>>())
}

#[inline]
fn place(mark: Mark) -> &'static Mutex<Place> {
    let mixed = (mark.id ^ mark.layer << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    &TABLE[(mixed >> 48) as usize % PLACES].0
}

/// Leaves a span; gives it back where there is no place for it.
#[inline]
pub(super) fn put(mark: Mark, open: Box<Open>) -> Option<Box<Open>> {
    match place(mark).try_lock() {
        Ok(mut place) if place.open.is_none() => {
            *place = Place { mark, open: Some(open) };
            None
        }
        _ => Some(open),
    }
}

/// Takes a span that was left, unless that would have to wait.
#[inline]
pub(super) fn take_at_once(mark: Mark) -> Option<Box<Open>> {
    let mut place = place(mark).try_lock().ok()?;
    if place.mark == mark { place.open.take() } else { None }
}

/// Takes a span that was left.
pub(super) fn take(mark: Mark) -> Option<Box<Open>> {
    let mut place = place(mark).lock().unwrap_or_else(PoisonError::into_inner);
    if place.mark == mark { place.open.take() } else { None }
}

/// Lends a span that was left; `run` is ours, and takes no lock.
pub(super) fn with<R>(mark: Mark, run: impl FnOnce(&mut Open) -> R) -> Option<R> {
    let mut place = place(mark).lock().unwrap_or_else(PoisonError::into_inner);
    if place.mark == mark { place.open.as_deref_mut().map(run) } else { None }
}
