//! Ticks on the caller's thread, time on ours.
//!
//! A span reads a monotonic tick twice; the worker turns ticks into wall time by an anchor that it
//! renews, so a clock that steps moves the start of later spans and never a duration. A tick is one
//! of the processor's counter where that can be trusted, else a nanosecond of `Instant`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::counter;

/// Marks a tick that is a wall time already: Unix nanoseconds reach this bit in 2262.
const WALL: u64 = 1 << 63;

/// What a host gives as a time counts as measured here if it is this close to now, in nanoseconds.
const NEAR: u64 = 10_000_000;

/// A wall clock that is off by more has stepped, or was set.
const STEP: u64 = 1_000_000;

/// The first guess at the counter's pace takes so long; the worker betters it.
const FIRST_GUESS: Duration = Duration::from_micros(200);

/// Of a pace: nanoseconds a tick, as a fraction with this many bits.
const FRACTION: u32 = 40;
const NANOSECOND: u64 = 1 << FRACTION;

/// Where time began, and whether ticks are the counter's.
static BASE: OnceLock<Base> = OnceLock::new();
/// The same answer for the hot road, known once `BASE` is.
static COUNTS: AtomicBool = AtomicBool::new(false);
/// The best known pace.
static PACE: AtomicU64 = AtomicU64::new(NANOSECOND);

#[derive(Clone, Copy, Debug)]
struct Base {
    counts: bool,
    ticks: u64,
    at: Instant,
}

/// Chooses the source of ticks, once. Before the first span: it takes a moment.
pub(crate) fn start() {
    BASE.get_or_init(|| {
        let counts = counter::is_steady();
        let (ticks, at) = if counts { pair() } else { (0, Instant::now()) };
        if counts {
            while at.elapsed() < FIRST_GUESS {
                std::hint::spin_loop();
            }
            let (now, time) = pair();
            PACE.store(pace(now - ticks, time - at), Ordering::Relaxed);
        }
        COUNTS.store(counts, Ordering::Release);
        Base { counts, ticks, at }
    });
}

/// Monotonic ticks since some moment; never 0.
#[inline]
pub(crate) fn ticks() -> u64 {
    if COUNTS.load(Ordering::Relaxed) { counter::read() | 1 } else { slow_ticks() }
}

#[cold]
fn slow_ticks() -> u64 {
    start();
    match BASE.get() {
        Some(base) if !base.counts => nanos(base.at.elapsed()) + 1,
        _ => counter::read() | 1,
    }
}

/// Nanoseconds from one tick to a later one.
#[inline]
pub(crate) fn between(from: u64, to: u64) -> u64 {
    scaled(to.saturating_sub(from), PACE.load(Ordering::Relaxed))
}

/// A host's wall time as a tick.
///
/// A time near now moves with the ticks: it is mostly "now", read a moment ago, and must not come
/// before a start that was measured in ticks. Any other stays as it was given, to the nanosecond.
pub(crate) fn ticks_at(time: SystemTime) -> u64 {
    let given = unix_nanos(time);
    match lag(given) {
        Some(lag) => {
            let pace = PACE.load(Ordering::Relaxed).max(1);
            let ticks_of_lag = (u128::from(lag.unsigned_abs()) << FRACTION) / u128::from(pace);
            let ticks_of_lag = i64::try_from(ticks_of_lag).unwrap_or(i64::MAX);
            ticks().saturating_add_signed(-(ticks_of_lag * lag.signum())).max(1)
        }
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

/// A moment that is known by both clocks, and the pace between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    ticks: u64,
    unix_nanos: u64,
    pace: u64,
}

impl Anchor {
    /// Reads both clocks.
    pub(crate) fn now() -> Self {
        let ticks = ticks();
        let unix_nanos = unix_nanos(SystemTime::now());
        Self { ticks, unix_nanos, pace: better_pace() }
    }

    /// An anchor with the pace as it is known by now. Where the wall clock has stepped it follows;
    /// otherwise it goes on from this one, so that spans of different batches stay in order.
    pub(crate) fn renewed(self) -> Self {
        let new = Self::now();
        let expected = self.unix_nanos(new.ticks);
        match expected.abs_diff(new.unix_nanos) > STEP {
            true => new,
            false => Self { unix_nanos: expected, ..new },
        }
    }

    /// Ticks that are already Unix nanoseconds: a clock that a test owns.
    pub(crate) const fn identity() -> Self {
        Self { ticks: 0, unix_nanos: 0, pace: NANOSECOND }
    }

    /// The wall time of a tick.
    #[inline]
    pub(crate) const fn unix_nanos(&self, ticks: u64) -> u64 {
        if ticks & WALL != 0 {
            ticks & !WALL
        } else if ticks >= self.ticks {
            self.unix_nanos.saturating_add(scaled(ticks - self.ticks, self.pace))
        } else {
            self.unix_nanos.saturating_sub(scaled(self.ticks - ticks, self.pace))
        }
    }
}

/// The pace over all the time since the start: the longer, the closer.
fn better_pace() -> u64 {
    if let Some(base) = BASE.get().filter(|base| base.counts) {
        let (ticks, at) = pair();
        if at - base.at > 2 * FIRST_GUESS {
            PACE.store(pace(ticks - base.ticks, at - base.at), Ordering::Relaxed);
        }
    }
    PACE.load(Ordering::Relaxed)
}

/// Counter and `Instant` of one moment: the closest of a few tries, since a thread may be interrupted
/// between the two.
fn pair() -> (u64, Instant) {
    let read = |_| {
        let before = counter::read();
        let at = Instant::now();
        let after = counter::read();
        (after - before, before + (after - before) / 2, at)
    };
    let first = read(0);
    let (_, ticks, at) = (1..8).map(read).fold(first, |a, b| if b.0 < a.0 { b } else { a });
    (ticks, at)
}

fn pace(ticks: u64, time: Duration) -> u64 {
    let pace = (time.as_nanos() << FRACTION) / u128::from(ticks.max(1));
    u64::try_from(pace).unwrap_or(NANOSECOND)
}

#[inline]
const fn scaled(ticks: u64, pace: u64) -> u64 {
    ((ticks as u128 * pace as u128) >> FRACTION) as u64
}

/// Nanoseconds since 1970; a clock before that reads as 0.
pub(crate) fn unix_nanos(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, nanos)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_as_long_as_time() {
        start();
        let (begin, from) = (Instant::now(), ticks());
        while begin.elapsed() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        let _ = Anchor::now();
        let (to, took) = (ticks(), nanos(begin.elapsed()));
        let measured = between(from, to);
        // A thread may be put aside between the two clocks, but not for half of it every time.
        assert!(measured >= 20_000_000 - 100_000 && measured <= took + 100_000, "{measured}");
    }

    #[test]
    fn ticks_never_go_back_and_are_never_zero() {
        let mut last = 0;
        for _ in 0..10_000 {
            let now = ticks();
            assert!(now >= last.max(1));
            last = now;
        }
    }

    #[test]
    fn an_anchor_scales_both_ways_and_leaves_wall_times() {
        let anchor = Anchor { ticks: 1_000, unix_nanos: 50_000, pace: NANOSECOND / 4 };
        assert_eq!(anchor.unix_nanos(1_400), 50_100);
        assert_eq!(anchor.unix_nanos(600), 49_900);
        assert_eq!(anchor.unix_nanos(7 | WALL), 7);
        assert_eq!(Anchor::identity().unix_nanos(1_234), 1_234);
        let long = Anchor { ticks: 0, unix_nanos: 0, pace: NANOSECOND };
        assert_eq!(long.unix_nanos(WALL - 1), WALL - 1);
    }

    #[test]
    fn a_renewed_anchor_goes_on_from_the_old_one() {
        let old = Anchor::now();
        let new = old.renewed();
        assert_eq!(old.unix_nanos(new.ticks), new.unix_nanos);
        let stepped = Anchor { unix_nanos: old.unix_nanos - 10 * STEP, ..old };
        assert!(stepped.renewed().unix_nanos.abs_diff(old.unix_nanos) < 1_000_000_000);
        assert_ne!(stepped.renewed().unix_nanos, stepped.unix_nanos(stepped.renewed().ticks));
    }

    #[test]
    fn a_time_near_now_moves_with_the_ticks() {
        start();
        let anchor = Anchor::now();
        let given = SystemTime::now() - Duration::from_millis(3);
        let moved = anchor.unix_nanos(ticks_at(given));
        assert!(moved.abs_diff(unix_nanos(given)) < 2_000_000, "{moved}");
        let far = SystemTime::now() - Duration::from_secs(60);
        assert_eq!(anchor.unix_nanos(ticks_at(far)), unix_nanos(far));
    }
}
