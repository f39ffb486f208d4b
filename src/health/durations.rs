//! How long exports take, by how they end.

use std::time::Duration;

/// In seconds; those of the semantic conventions for calls.
pub(crate) const BOUNDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// How an export ends: well, or with one of these.
pub(crate) const ERRORS: [&str; 5] = ["", "rejected", "too_large", "unconfirmed", "retry"];

/// A distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Distribution {
    counts: [u64; BOUNDS.len() + 1],
    nanos: u64,
}

/// One for each way to end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Durations([Distribution; ERRORS.len()]);

impl Distribution {
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.nanos as f64 / 1e9
    }

    pub(crate) fn counts(&self) -> &[u64] {
        &self.counts
    }
}

impl Durations {
    /// `error` is one of `ERRORS`.
    pub(crate) fn add(&mut self, error: &str, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().filter(|bound| **bound < seconds).count();
        let at = ERRORS.iter().position(|known| *known == error).unwrap_or(0);
        let of = &mut self.0[at];
        of.counts[bucket] += 1;
        of.nanos = of.nanos.saturating_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn by_error(&self) -> impl Iterator<Item = (&'static str, &Distribution)> {
        ERRORS.into_iter().zip(&self.0)
    }

    /// What came after `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let mut later = self.clone();
        for (mine, theirs) in later.0.iter_mut().zip(&earlier.0) {
            mine.nanos = mine.nanos.saturating_sub(theirs.nanos);
            for (mine, theirs) in mine.counts.iter_mut().zip(&theirs.counts) {
                *mine = mine.saturating_sub(*theirs);
            }
        }
        later
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_later_is_the_difference() {
        let mut durations = Durations::default();
        durations.add("", Duration::from_millis(5));
        durations.add("retry", Duration::from_secs(20));
        let earlier = durations.clone();
        durations.add("", Duration::from_micros(5001));
        let whole: Vec<_> = durations.by_error().map(|(error, of)| (error, of.count())).collect();
        let expected =
            [("", 2), ("rejected", 0), ("too_large", 0), ("unconfirmed", 0), ("retry", 1)];
        assert_eq!(whole, expected);
        let later = durations.since(&earlier);
        let (_, well) = later.by_error().next().expect("the first");
        assert_eq!((well.count(), well.counts()[0], well.counts()[1]), (1, 0, 1));
        assert!((well.seconds() - 0.005_001).abs() < 1e-9);
        assert_eq!(durations.since(&durations), Durations::default());
    }
}
