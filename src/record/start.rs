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
        Self { sampler: Sampler::NEVER, limits: Limits::NONE, log_limits: LogLimits::NONE };
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

/// The process's head sampler, since it may change while spans begin.
static OF_PROCESS: AtomicU64 = AtomicU64::new(0);
/// The bit that says: as the parent, if there is one.
const AS_PARENT: u64 = 1 << 63;
/// The other bits are the threshold; all of them set is everything.
const EVERYTHING: u64 = AS_PARENT - 1;

/// Roots that begin from here on are sampled by this.
pub(crate) fn choose_sampler(plan: SamplerPlan) {
    OF_PROCESS.store(Sampler::from(plan).0, Ordering::Relaxed);
}

/// The head sampler, ready to ask: one word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampler(u64);

impl Sampler {
    pub(crate) const NEVER: Self = Self(0);
    /// The one that `choose_sampler` chose last. A ratio below 1 is below this by 1,023 at least.
    pub(crate) const OF_PROCESS: Self = Self(EVERYTHING - 1);

    pub(crate) const fn is_of_process(self) -> bool {
        self.0 == Self::OF_PROCESS.0
    }

    /// Without branches on which sampler it is: "always" is a ratio too.
    #[inline(always)]
    pub(crate) fn samples(self, parent: Place, trace: u128) -> bool {
        let word = if self.is_of_process() { OF_PROCESS.load(Ordering::Relaxed) } else { self.0 };
        if word & AS_PARENT != 0 && parent.has_span() {
            return parent.sampled();
        }
        let threshold = word & EVERYTHING;
        threshold == EVERYTHING || (trace as u64 >> 1) < threshold
    }
}

impl From<SamplerPlan> for Sampler {
    fn from(plan: SamplerPlan) -> Self {
        let (as_parent, ratio) = match plan {
            SamplerPlan::AlwaysOn => (0, 1.0),
            SamplerPlan::AlwaysOff => (0, 0.0),
            SamplerPlan::Ratio(ratio) => (0, ratio),
            SamplerPlan::ParentBased(Root::AlwaysOn) => (AS_PARENT, 1.0),
            SamplerPlan::ParentBased(Root::AlwaysOff) => (AS_PARENT, 0.0),
            SamplerPlan::ParentBased(Root::Ratio(ratio)) => (AS_PARENT, ratio),
        };
        Self(as_parent | threshold(ratio).min(EVERYTHING))
    }
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
    fn a_sampler_decides_by_the_parent_or_by_the_trace() {
        let place = |flags| Place { trace: 1, span: 1, flags, remote: false };
        let (root, off, on) = (Place::default(), place(0), place(SAMPLED));
        // By trace ids from the lowest to the highest; half of them are below a ratio of 0.5.
        let lows = [0, 1, u64::MAX / 2 - 1, u64::MAX / 2 + 2, u64::MAX - 1, u64::MAX];
        let all = |plan: SamplerPlan, parent| {
            lows.map(|low| Sampler::from(plan).samples(parent, low.into()))
        };
        let half = [true, true, true, false, false, false];
        for (plan, by_itself, takes_parents) in [
            (SamplerPlan::AlwaysOn, [true; 6], false),
            (SamplerPlan::AlwaysOff, [false; 6], false),
            (SamplerPlan::Ratio(0.0), [false; 6], false),
            (SamplerPlan::Ratio(0.5), half, false),
            (SamplerPlan::Ratio(1.0), [true; 6], false),
            (SamplerPlan::ParentBased(Root::AlwaysOn), [true; 6], true),
            (SamplerPlan::ParentBased(Root::AlwaysOff), [false; 6], true),
            (SamplerPlan::ParentBased(Root::Ratio(0.5)), half, true),
            (SamplerPlan::ParentBased(Root::Ratio(1.0)), [true; 6], true),
        ] {
            assert_eq!(all(plan, root), by_itself, "{plan:?}");
            let [below_off, below_on] =
                if takes_parents { [[false; 6], [true; 6]] } else { [by_itself; 2] };
            assert_eq!((all(plan, off), all(plan, on)), (below_off, below_on), "{plan:?}");
        }
        let nearly = Sampler::from(SamplerPlan::Ratio(1.0 - f64::EPSILON / 2.0));
        assert!(nearly.0 < Sampler::OF_PROCESS.0 && nearly.samples(root, 1));
    }
}
