//! One series of one thread: the thread writes, the collector reads, and neither waits.
//!
//! Only one thread ever writes, so a load and a store do what an addition with a lock prefix
//! would. The version is odd while a record is being written: a reader that finds it changed
//! reads again, so that buckets, sum and extremes are of one moment.

use super::sync::{Arc, AtomicU64, BUCKETS, Ordering, fence, pause};

/// Readings that are begun again before one is taken as it is. A writer is in a cell for a few
/// nanoseconds; only one that the system has put aside there is met so often. What is torn then is
/// its one record: in the sum, and not yet in the count. The next collection has both.
const TRIES: usize = 64;

/// The words that two threads share; aligned, so that no two threads write to one cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Words {
    version: AtomicU64,
    sum: AtomicU64,
    counts: [AtomicU64; BUCKETS],
    /// Of the interval under way and of the one before, by the lowest bit of their numbers.
    extremes: [ExtremeWords; 2],
}

#[derive(Debug, Default)]
struct ExtremeWords {
    interval: AtomicU64,
    least: AtomicU64,
    greatest: AtomicU64,
}

/// The one writer of a cell.
#[derive(Debug)]
pub(crate) struct Writer(Arc<Words>);

/// Reads what a writer has written, from any thread.
#[derive(Clone, Debug)]
pub(crate) struct Reader(Arc<Words>);

/// A new cell's two ends.
pub(crate) fn cell() -> (Writer, Reader) {
    let words = Arc::new(Words::default());
    (Writer(Arc::clone(&words)), Reader(words))
}

/// What was recorded since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) counts: [u64; BUCKETS],
    /// Wraps: an up-down counter's is a negative number's bits.
    pub(crate) sum: u64,
    pub(crate) extremes: [Extremes; 2],
}

/// The least and the greatest value of one interval; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extremes {
    pub(crate) interval: u64,
    pub(crate) least: u64,
    pub(crate) greatest: u64,
}

impl Writer {
    /// Adds a value to its bucket, in an interval: they are numbered from 1 on.
    #[inline]
    pub(crate) fn record(&mut self, bucket: usize, value: u64, interval: u64) {
        let words = &*self.0;
        let version = words.version.load(Ordering::Relaxed);
        words.version.store(version.wrapping_add(1), Ordering::Relaxed);
        // What follows is not seen before the odd version.
        fence(Ordering::Release);
        add(&words.sum, value);
        let extremes = &words.extremes[interval as usize % 2];
        if extremes.interval.load(Ordering::Relaxed) == interval {
            if value < extremes.least.load(Ordering::Relaxed) {
                extremes.least.store(value, Ordering::Relaxed);
            }
            if value > extremes.greatest.load(Ordering::Relaxed) {
                extremes.greatest.store(value, Ordering::Relaxed);
            }
        } else {
            extremes.interval.store(interval, Ordering::Relaxed);
            extremes.least.store(value, Ordering::Relaxed);
            extremes.greatest.store(value, Ordering::Relaxed);
        }
        // Last: who sees the count sees its value, also where the reading is torn.
        let count = &words.counts[bucket % BUCKETS];
        count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
        words.version.store(version.wrapping_add(2), Ordering::Release);
    }

    /// Whether a reader is this cell's.
    pub(crate) fn is_of(&self, reader: &Reader) -> bool {
        Arc::ptr_eq(&self.0, &reader.0)
    }
}

#[inline]
fn add(to: &AtomicU64, value: u64) {
    to.store(to.load(Ordering::Relaxed).wrapping_add(value), Ordering::Relaxed);
}

impl Reader {
    /// All that was recorded, of one moment.
    pub(crate) fn read(&self) -> Totals {
        for _ in 1..TRIES {
            let before = self.0.version.load(Ordering::Acquire);
            let totals = self.read_once();
            // What was read is not younger than the version that comes now.
            fence(Ordering::Acquire);
            if before % 2 == 0 && self.0.version.load(Ordering::Relaxed) == before {
                return totals;
            }
            pause();
        }
        self.read_once()
    }

    fn read_once(&self) -> Totals {
        let read = |word: &AtomicU64| word.load(Ordering::Relaxed);
        let extremes = |words: &ExtremeWords| Extremes {
            interval: read(&words.interval),
            least: read(&words.least),
            greatest: read(&words.greatest),
        };
        Totals {
            // First, see the writer.
            counts: std::array::from_fn(|index| self.0.counts[index].load(Ordering::Acquire)),
            sum: read(&self.0.sum),
            extremes: [extremes(&self.0.extremes[0]), extremes(&self.0.extremes[1])],
        }
    }
}

impl Totals {
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// One value, as a writer records it.
    pub(crate) fn record(&mut self, bucket: usize, value: u64, interval: u64) {
        let mut one = Self { sum: value, ..Self::default() };
        one.counts[bucket % BUCKETS] = 1;
        one.extremes[interval as usize % 2] = Extremes { interval, least: value, greatest: value };
        self.merge(&one);
    }

    /// Adds what another cell of the same series has.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.wrapping_add(*theirs);
        }
        self.sum = self.sum.wrapping_add(other.sum);
        for (mine, theirs) in self.extremes.iter_mut().zip(&other.extremes) {
            mine.merge(theirs);
        }
    }

    /// What came after `earlier`; the extremes stay.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let mut later = *self;
        for (mine, theirs) in later.counts.iter_mut().zip(&earlier.counts) {
            *mine = mine.wrapping_sub(*theirs);
        }
        later.sum = later.sum.wrapping_sub(earlier.sum);
        later
    }
}

impl Extremes {
    /// The newer interval's; those of both where it is the same.
    fn merge(&mut self, other: &Self) {
        if other.interval == self.interval {
            self.least = self.least.min(other.least);
            self.greatest = self.greatest.max(other.greatest);
        } else if other.interval > self.interval {
            *self = *other;
        }
    }
}
