//! Where a span begins: its parent, its ids, and whether it is recorded at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::config::plan::{Plan, Root, SamplerPlan};
use crate::context::{Place, RANDOM, SAMPLED};
use crate::pipeline::clock;

use super::limits::Limits;
use super::log::LogLimits;

/// Whose time a span is measured by.
#[derive(Clone, Debug, Default)]
pub(crate) enum Clock {
    /// The process's.
    #[default]
    Ticks,
    /// A test's, in Unix nanoseconds.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    pub(crate) fn now(&self) -> u64 {
        match self {
            Self::Ticks => clock::ticks(),
            // 0 would say "not started".
            Self::Manual(now) => now.load(Ordering::Acquire).max(1),
        }
    }

    /// A time that a host gives; what is near the wall clock's now is a manual clock's now.
    pub(crate) fn at(&self, time: SystemTime) -> u64 {
        match self {
            Self::Ticks => clock::ticks_at(time),
            Self::Manual(_) if clock::lag(clock::unix_nanos(time)).is_some() => self.now(),
            Self::Manual(_) => clock::wall(time),
        }
    }
}

/// What a span is started by; one copy in each thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) sampler: Sampler,
    pub(crate) limits: Limits,
    pub(crate) log_limits: LogLimits,
}

impl Settings {
    pub(crate) const NONE: Self =
        Self { sampler: Sampler::Always(false), limits: Limits::NONE, log_limits: LogLimits::NONE };
}

impl From<&Plan> for Settings {
    fn from(plan: &Plan) -> Self {
        Self {
            sampler: plan.sampler.into(),
            limits: (&plan.limits).into(),
            log_limits: (&plan.logs.limits).into(),
        }
    }
}

/// The process's head sampler in one word, since it may change while spans begin: see `Sampler::word`.
static OF_PROCESS: AtomicU64 = AtomicU64::new(0);
/// The bit that says: as the parent, if there is one.
const AS_PARENT: u64 = 1 << 63;
/// The other bits are the threshold; all of them set is everything.
const EVERYTHING: u64 = AS_PARENT - 1;

/// Roots that begin from here on are sampled by this.
pub(crate) fn choose_sampler(plan: SamplerPlan) {
    OF_PROCESS.store(Sampler::from(plan).word(), Ordering::Relaxed);
}

/// The head sampler, ready to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sampler {
    /// The one that `choose_sampler` chose last.
    OfProcess,
    Always(bool),
    /// Sampled below this, of 63 bits of the trace id.
    Below(u64),
    /// As the parent; a root by the rule inside.
    ParentAlways(bool),
    ParentBelow(u64),
}

impl From<SamplerPlan> for Sampler {
    fn from(plan: SamplerPlan) -> Self {
        match plan {
            SamplerPlan::AlwaysOn => Self::Always(true),
            SamplerPlan::AlwaysOff => Self::Always(false),
            SamplerPlan::Ratio(ratio) => Self::Below(threshold(ratio)),
            SamplerPlan::ParentBased(Root::AlwaysOn) => Self::ParentAlways(true),
            SamplerPlan::ParentBased(Root::AlwaysOff) => Self::ParentAlways(false),
            SamplerPlan::ParentBased(Root::Ratio(ratio)) => Self::ParentBelow(threshold(ratio)),
        }
    }
}

impl Sampler {
    #[inline]
    pub(crate) fn samples(self, parent: Place, trace: u128) -> bool {
        let below = |threshold| (trace as u64 >> 1) < threshold;
        match self {
            Self::OfProcess => by(OF_PROCESS.load(Ordering::Relaxed), parent, trace),
            Self::Always(on) => on,
            Self::Below(threshold) => below(threshold),
            Self::ParentAlways(_) | Self::ParentBelow(_) if parent.has_span() => parent.sampled(),
            Self::ParentAlways(on) => on,
            Self::ParentBelow(threshold) => below(threshold),
        }
    }
}

impl Sampler {
    /// The process's own is not asked for its word.
    fn word(self) -> u64 {
        let all = |on| if on { EVERYTHING } else { 0 };
        match self {
            Self::OfProcess => OF_PROCESS.load(Ordering::Relaxed),
            Self::Always(on) => all(on),
            // A ratio below 1 is below this by 1024 at least.
            Self::Below(threshold) => threshold.min(EVERYTHING),
            Self::ParentAlways(on) => AS_PARENT | all(on),
            Self::ParentBelow(threshold) => AS_PARENT | threshold.min(EVERYTHING),
        }
    }
}

/// As the sampler of that word.
#[inline]
fn by(word: u64, parent: Place, trace: u128) -> bool {
    if word & AS_PARENT != 0 && parent.has_span() {
        return parent.sampled();
    }
    let threshold = word & EVERYTHING;
    threshold == EVERYTHING || (trace as u64 >> 1) < threshold
}

/// The other SDKs' rule: the last eight bytes of the trace id, shifted by one, against 2^63 times the ratio.
fn threshold(ratio: f64) -> u64 {
    (ratio * (1_u64 << 63) as f64) as u64
}

/// The flags of a span below `parent`; our own trace ids are random.
#[inline]
pub(crate) fn flags(parent: Place, sampled: bool) -> u8 {
    let random = if parent.has_span() { parent.flags & RANDOM } else { RANDOM };
    random | if sampled { SAMPLED } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_says_what_the_sampler_says() {
        let plans = [
            SamplerPlan::AlwaysOn,
            SamplerPlan::AlwaysOff,
            SamplerPlan::Ratio(0.0),
            SamplerPlan::Ratio(0.3),
            SamplerPlan::Ratio(1.0 - f64::EPSILON / 2.0),
            SamplerPlan::Ratio(1.0),
            SamplerPlan::ParentBased(Root::AlwaysOn),
            SamplerPlan::ParentBased(Root::AlwaysOff),
            SamplerPlan::ParentBased(Root::Ratio(0.3)),
            SamplerPlan::ParentBased(Root::Ratio(1.0)),
        ];
        let parent = |flags| Place { trace: 1, span: 1, flags, remote: false };
        let lows = [0, 1, u64::MAX / 4, u64::MAX / 10 * 3, u64::MAX / 2, u64::MAX - 2047, u64::MAX];
        for plan in plans {
            let direct = Sampler::from(plan);
            let word = direct.word();
            for place in [Place::default(), parent(0), parent(SAMPLED)] {
                for low in lows.map(u128::from) {
                    let (expected, found) = (direct.samples(place, low), by(word, place, low));
                    assert_eq!(found, expected, "{plan:?} {place:?} {low:x}");
                }
            }
        }
    }
}
