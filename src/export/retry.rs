//! How long to wait before the next attempt.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use crate::telemetry::Pace;

/// An exponential backoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// The wait after the first failure, before jitter; each further failure doubles it.
    first: Duration,
    /// No wait is longer, jitter included.
    cap: Duration,
    jitter: Jitter,
}

/// Keeps exporters that failed together from coming back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Jitter {
    /// Anything from zero to the wait.
    Full,
    /// The wait, plus or minus a quarter of it.
    Quarter,
}

impl Policy {
    /// 250 ms, doubled up to 30 s.
    pub(crate) const PROMPT: Self = Self {
        first: Duration::from_millis(250),
        cap: Duration::from_secs(30),
        jitter: Jitter::Full,
    };

    /// 5 s times 2^failures, up to 300 s: the first failure already waits 10 s.
    pub(crate) const PATIENT: Self = Self {
        first: Duration::from_secs(10),
        cap: Duration::from_secs(300),
        jitter: Jitter::Quarter,
    };

    /// The policy of a pace.
    pub(crate) fn of(pace: Pace) -> Self {
        match pace {
            Pace::Prompt => Self::PROMPT,
            Pace::Patient => Self::PATIENT,
        }
    }

    /// The wait after `failures` failures in a row.
    pub(crate) fn wait(&self, failures: u32) -> Duration {
        self.drawn(failures, random())
    }

    /// The same with a number drawn elsewhere: all of its bits must be random.
    fn drawn(&self, failures: u32, random: u64) -> Duration {
        let wait = self.step(failures);
        let (low, high) = match self.jitter {
            Jitter::Full => (Duration::ZERO, wait),
            // The range is cut, not the draw: draws cut to the cap would all meet there.
            Jitter::Quarter => (wait * 3 / 4, (wait * 5 / 4).min(self.cap)),
        };
        let span = (high - low).as_nanos() + 1;
        // As many parts of the range as `random` is of 2^64; a range of minutes fits a `u64`.
        let drawn = (u128::from(random) * span) >> 64;
        low + Duration::from_nanos(drawn as u64)
    }

    /// The wait before jitter.
    fn step(&self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(1) else {
            return Duration::ZERO;
        };
        // No cap is 2^31 times its first wait.
        let factor = 1_u32 << doublings.min(31);
        self.first.saturating_mul(factor).min(self.cap)
    }
}

/// `RandomState` is seeded by the system, and differs for each call.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn steps_double_up_to_the_cap() {
        let patient = [(0, 0), (1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 300), (7, 300)];
        for (failures, seconds) in patient {
            let step = Policy::of(Pace::Patient).step(failures);
            assert_eq!(step, Duration::from_secs(seconds), "failure {failures}");
        }
        let prompt = [(1, 250), (2, 500), (3, 1000), (7, 16_000), (8, 30_000), (u32::MAX, 30_000)];
        for (failures, millis) in prompt {
            let step = Policy::of(Pace::Prompt).step(failures);
            assert_eq!(step, Duration::from_millis(millis), "failure {failures}");
        }
    }

    #[test]
    fn jitter_reaches_both_ends() {
        assert_eq!(Policy::PROMPT.drawn(1, 0), Duration::ZERO);
        assert_eq!(Policy::PROMPT.drawn(1, u64::MAX), Duration::from_millis(250));
        assert_eq!(Policy::PATIENT.drawn(1, 0), Duration::from_millis(7_500));
        assert_eq!(Policy::PATIENT.drawn(1, u64::MAX), Duration::from_millis(12_500));
        assert_eq!(Policy::PATIENT.drawn(6, u64::MAX), Duration::from_secs(300));
        assert_eq!(Policy::PATIENT.drawn(u32::MAX, 0), Duration::from_secs(225));
    }

    #[test]
    fn waits_differ_and_fill_their_range() {
        let waits: Vec<_> = (0..100).map(|_| Policy::PROMPT.wait(1)).collect();
        assert!(waits.iter().any(|wait| *wait < Duration::from_millis(125)), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait > Duration::from_millis(125)), "{waits:?}");
    }

    proptest! {
        #[test]
        fn prompt_waits_at_most_the_step(failures: u32, random: u64) {
            prop_assert!(Policy::PROMPT.drawn(failures, random) <= Policy::PROMPT.step(failures));
        }

        #[test]
        fn patient_waits_within_a_quarter(failures: u32, random: u64) {
            let step = Policy::PATIENT.step(failures);
            let wait = Policy::PATIENT.drawn(failures, random);
            prop_assert!(wait >= step * 3 / 4);
            prop_assert!(wait <= step * 5 / 4 && wait <= Policy::PATIENT.cap);
        }

        #[test]
        fn both_directions_occur(failures in 1_u32..6, random: u64) {
            let step = Policy::PATIENT.step(failures);
            let (low, high) = (random >> 1, random | 1 << 63);
            prop_assert!(Policy::PATIENT.drawn(failures, low) <= step);
            prop_assert!(Policy::PATIENT.drawn(failures, high) >= step);
        }
    }
}
