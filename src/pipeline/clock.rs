//! Ticks on the caller's thread, time on ours.
//!
//! A span reads a monotonic tick twice; the worker turns ticks into wall time by an anchor that it
//! renews, so a clock that steps moves the start of later spans and never a duration.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

static BASE: OnceLock<Instant> = OnceLock::new();

/// Marks a tick that is a wall time already: Unix nanoseconds reach this bit in 2262.
const WALL: u64 = 1 << 63;

/// What a host gives as a time counts as measured here if it is this close to now, in nanoseconds.
const NEAR: u64 = 10_000_000;

/// Monotonic nanoseconds since some moment of this process; never 0.
pub(crate) fn ticks() -> u64 {
    nanos(BASE.get_or_init(Instant::now).elapsed()) + 1
}

/// A host's wall time as a tick.
///
/// A time near now moves with the ticks: it is mostly "now", read a moment ago, and must not come
/// before a start that was measured in ticks. Any other stays as it was given, to the nanosecond.
pub(crate) fn ticks_at(time: SystemTime) -> u64 {
    let given = unix_nanos(time);
    match lag(given) {
        Some(lag) => ticks().saturating_add_signed(-lag).max(1),
        None => wall(time),
    }
}

/// A host's wall time as a tick, as it is.
pub(crate) fn wall(time: SystemTime) -> u64 {
    unix_nanos(time).min(WALL - 1) | WALL
}

/// How many nanoseconds ago a wall time was, if it is near now.
pub(crate) fn lag(unix: u64) -> Option<i64> {
    let lag = unix_nanos(SystemTime::now()).wrapping_sub(unix) as i64;
    (lag.unsigned_abs() < NEAR).then_some(lag)
}

/// A moment that is known by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    ticks: u64,
    unix_nanos: u64,
}

impl Anchor {
    /// Reads both clocks.
    pub(crate) fn now() -> Self {
        let ticks = ticks();
        Self { ticks, unix_nanos: unix_nanos(SystemTime::now()) }
    }

    /// A new anchor where the wall clock has moved by more than a millisecond against the ticks;
    /// otherwise this one, so that spans of different batches stay in order to the nanosecond.
    pub(crate) fn renewed(self) -> Self {
        let new = Self::now();
        if self.unix_nanos(new.ticks).abs_diff(new.unix_nanos) > 1_000_000 { new } else { self }
    }

    /// Ticks that are already Unix nanoseconds: a clock that a test owns.
    pub(crate) const fn identity() -> Self {
        Self { ticks: 0, unix_nanos: 0 }
    }

    /// The wall time of a tick.
    pub(crate) const fn unix_nanos(&self, ticks: u64) -> u64 {
        if ticks & WALL != 0 {
            ticks & !WALL
        } else if ticks >= self.ticks {
            self.unix_nanos.saturating_add(ticks - self.ticks)
        } else {
            self.unix_nanos.saturating_sub(self.ticks - ticks)
        }
    }
}

/// Nanoseconds since 1970; a clock before that reads as 0.
pub(crate) fn unix_nanos(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, nanos)
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
