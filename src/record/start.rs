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

/// The head sampler, ready to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampler {
    /// As the parent, where there is one.
    as_parent: bool,
    /// Sampled below this, of 63 bits of the trace id.
    below: u64,
}

impl Sampler {
    pub(crate) const NEVER: Self = Self { as_parent: false, below: 0 };

    /// Without branches on which sampler it is: "always" is a ratio too.
    #[inline(always)]
    pub(crate) fn samples(self, parent: Place, trace: u128) -> bool {
        if self.as_parent && parent.has_span() {
            parent.sampled()
        } else {
            (trace as u64 >> 1) < self.below
        }
    }
}

impl From<SamplerPlan> for Sampler {
    fn from(plan: SamplerPlan) -> Self {
        let (as_parent, ratio) = match plan {
            SamplerPlan::AlwaysOn => (false, 1.0),
            SamplerPlan::AlwaysOff => (false, 0.0),
            SamplerPlan::Ratio(ratio) => (false, ratio),
            SamplerPlan::ParentBased(Root::AlwaysOn) => (true, 1.0),
            SamplerPlan::ParentBased(Root::AlwaysOff) => (true, 0.0),
            SamplerPlan::ParentBased(Root::Ratio(ratio)) => (true, ratio),
        };
        Self { as_parent, below: threshold(ratio) }
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
