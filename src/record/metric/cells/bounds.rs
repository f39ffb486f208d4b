//! Which bucket a value belongs to, without a loop: in whole nanoseconds or bytes.

use super::sync::BUCKETS;

/// Upper bounds of buckets, each inclusive; the last bucket is open.
#[derive(Debug)]
pub(super) struct Bounds {
    /// Ascending; beyond the last one what no value is above.
    upper: [u64; BUCKETS + 1],
    count: usize,
    /// By a value's leading zeros: how many bounds are below all such values.
    first: [u8; 65],
}

impl Bounds {
    /// At most two bounds may lie between two powers of two, and 15 are the most.
    pub(super) const fn new(bounds: &[u64]) -> Self {
        assert!(bounds.len() < BUCKETS);
        let mut upper = [u64::MAX; BUCKETS + 1];
        let mut index = 0;
        while index < bounds.len() {
            assert!(index == 0 || bounds[index] > bounds[index - 1]);
            upper[index] = bounds[index];
            index += 1;
        }
        let mut first = [0; 65];
        let mut zeros = 0;
        while zeros <= 64 {
            let (least, greatest) = match zeros {
                64 => (0, 0),
                _ => (1 << (63 - zeros), u64::MAX >> zeros),
            };
            let (mut below, mut among) = (0, 0);
            let mut index = 0;
            while index < bounds.len() {
                if bounds[index] < least {
                    below += 1;
                } else if bounds[index] < greatest {
                    among += 1;
                }
                index += 1;
            }
            assert!(among <= 2);
            first[zeros] = below;
            zeros += 1;
        }
        Self { upper, count: bounds.len(), first }
    }

    /// How many bounds the value is above.
    #[inline]
    pub(super) fn bucket(&self, value: u64) -> usize {
        let first = usize::from(self.first[value.leading_zeros() as usize]);
        first + usize::from(value > self.upper[first]) + usize::from(value > self.upper[first + 1])
    }

    pub(super) fn upper(&self) -> &[u64] {
        &self.upper[..self.count]
    }

    /// The least and the greatest value of a bucket.
    pub(super) fn range(&self, bucket: usize) -> (u64, u64) {
        let least = bucket.checked_sub(1).map_or(0, |below| self.upper[below].saturating_add(1));
        (least, self.upper[bucket.min(BUCKETS)])
    }
}

const MILLISECOND: u64 = 1_000_000;

const fn milliseconds<const N: usize>(of: [u64; N]) -> [u64; N] {
    let mut nanos = of;
    let mut index = 0;
    while index < N {
        nanos[index] *= MILLISECOND;
        index += 1;
    }
    nanos
}

/// The semantic conventions' for the duration of calls.
pub(super) static CALLS: Bounds = Bounds::new(&milliseconds([
    5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000,
]));

pub(super) static STORAGE: Bounds = Bounds::new(&[
    100_000,
    250_000,
    500_000,
    MILLISECOND,
    2_500_000,
    5 * MILLISECOND,
    10 * MILLISECOND,
    25 * MILLISECOND,
    50 * MILLISECOND,
    100 * MILLISECOND,
    250 * MILLISECOND,
    500 * MILLISECOND,
    1_000 * MILLISECOND,
    2_500 * MILLISECOND,
    5_000 * MILLISECOND,
]);

/// Of payloads, in bytes.
pub(super) static PAYLOADS: Bounds = Bounds::new(&[
    64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
]);

/// Of what has no distribution.
pub(super) static NONE: Bounds = Bounds::new(&[]);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As the SDK chooses it.
    fn plain(bounds: &Bounds, value: u64) -> usize {
        bounds.upper().iter().filter(|bound| **bound < value).count()
    }

    #[test]
    fn every_edge_is_in_the_bucket_below_it() {
        for bounds in [&CALLS, &STORAGE, &PAYLOADS, &NONE] {
            for edge in bounds.upper().iter().flat_map(|edge| [edge - 1, *edge, edge + 1]) {
                assert_eq!(bounds.bucket(edge), plain(bounds, edge), "{edge}");
            }
            for power in (0..64).map(|shift| 1_u64 << shift) {
                for value in [power - 1, power, power + 1, u64::MAX] {
                    assert_eq!(bounds.bucket(value), plain(bounds, value), "{value}");
                    let (least, greatest) = bounds.range(bounds.bucket(value));
                    assert!((least..=greatest).contains(&value), "{value}: {least}, {greatest}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_bucket_is_the_one_that_a_plain_count_finds(bits in 0_u32..=64, any in any::<u64>()) {
            // Of every length: evenly spread numbers would nearly all be beyond the last bound.
            let value = any.checked_shr(bits).unwrap_or(0);
            for bounds in [&CALLS, &STORAGE, &PAYLOADS, &NONE] {
                prop_assert_eq!(bounds.bucket(value), plain(bounds, value));
            }
        }
    }
}
