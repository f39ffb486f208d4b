//! Quantiles from buckets: linear inside a bucket, never outside of what was measured.

use crate::encode::view::{Buckets, ExponentialHistogram, Histogram};

/// A distribution in buckets from the lowest to the highest.
#[derive(Debug)]
pub(super) struct Distribution {
    pub(super) count: u64,
    pub(super) mean: Option<f64>,
    buckets: Vec<Bucket>,
}

/// So many values, between two bounds.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    low: f64,
    high: f64,
    count: u64,
}

impl From<&Histogram> for Distribution {
    fn from(from: &Histogram) -> Self {
        // Where nothing else is known, an open bucket ends where its neighbour does, the first at zero.
        let first = from.bounds.first().map_or(f64::NAN, |bound| bound.min(0.0));
        let last = from.bounds.last().copied().unwrap_or(f64::NAN);
        let lows = [from.min.unwrap_or(first)].into_iter().chain(from.bounds.iter().copied());
        let highs = from.bounds.iter().copied().chain([from.max.unwrap_or(last)]);
        let bounds = lows.zip(highs).zip(&from.counts);
        let buckets = bounds.map(|((low, high), count)| Bucket { low, high, count: *count });
        Self::new(from.count, from.sum, (from.min, from.max), buckets.collect())
    }
}

impl From<&ExponentialHistogram> for Distribution {
    fn from(from: &ExponentialHistogram) -> Self {
        let zero =
            Bucket { low: -from.zero_threshold, high: from.zero_threshold, count: from.zero_count };
        let mirrored = |bucket: Bucket| Bucket { low: -bucket.high, high: -bucket.low, ..bucket };
        let mut buckets: Vec<Bucket> = powers(from.scale, &from.negative).map(mirrored).collect();
        buckets.reverse();
        buckets.push(zero);
        buckets.extend(powers(from.scale, &from.positive));
        Self::new(from.count, from.sum, (from.min, from.max), buckets)
    }
}

/// The buckets of one side of zero.
fn powers(scale: i32, side: &Buckets) -> impl Iterator<Item = Bucket> {
    let bound = move |power: i64| f64::exp2(power as f64 * f64::exp2(-f64::from(scale)));
    let counts = (i64::from(side.offset)..).zip(&side.counts);
    counts.map(move |(power, count)| Bucket {
        low: bound(power),
        high: bound(power + 1),
        count: *count,
    })
}

impl Distribution {
    fn new(
        count: u64,
        sum: Option<f64>,
        (min, max): (Option<f64>, Option<f64>),
        mut buckets: Vec<Bucket>,
    ) -> Self {
        buckets.retain(|bucket| bucket.count != 0);
        for bucket in &mut buckets {
            // `max` and `min` pass over a bound that is not a number.
            bucket.low = bucket.low.max(min.unwrap_or(f64::NAN)).min(max.unwrap_or(f64::NAN));
            bucket.high = bucket.high.min(max.unwrap_or(f64::NAN)).max(bucket.low);
        }
        let mean = sum.filter(|_| count != 0).map(|sum| sum / count as f64);
        Self { count, mean, buckets }
    }

    /// The value that the share `q` of all values does not exceed, if the buckets tell.
    pub(super) fn quantile(&self, q: f64) -> Option<f64> {
        let total: f64 = self.buckets.iter().map(|bucket| bucket.count as f64).sum();
        let rank = q * total;
        let mut below = 0.0;
        let holds_rank = |bucket: &&Bucket| {
            below += bucket.count as f64;
            below >= rank
        };
        let bucket = *self.buckets.iter().find(holds_rank)?;
        let before = below - bucket.count as f64;
        let share = (rank - before) / bucket.count as f64;
        let value = bucket.low + share * (bucket.high - bucket.low);
        value.is_finite().then_some(value)
    }
}
