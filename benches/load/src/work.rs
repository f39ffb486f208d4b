//! What a handler does: a chain of loads and multiplications that no compiler shortens.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// 32 KiB: what else runs on the core takes some of it out of the nearest cache, which the handler then pays for.
const TABLE: usize = 4096;
/// Long enough for the clock, short enough to be often undisturbed.
const TRIED: u64 = 5_000;
const TRIES: usize = 400;

/// One for each thread.
pub struct Work(Vec<u64>);

impl Work {
    pub fn new() -> Self {
        let mixed = |index: usize| (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self((0..TABLE).map(mixed).collect())
    }

    /// Depends on every step before it.
    pub fn digest(&self, seed: u64, iterations: u64) -> u64 {
        let mut digest = black_box(seed);
        for _ in 0..iterations {
            let index = digest as usize % TABLE;
            digest = (digest ^ (digest >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ self.0[index];
        }
        black_box(digest)
    }
}

/// Iterations that take so long on a core that does nothing else: by the fastest of many tries, since whatever else
/// runs only makes one slower.
pub fn calibrated(time: Duration) -> u64 {
    let work = Work::new();
    let fastest = (0..TRIES).map(|seed| {
        let begin = Instant::now();
        work.digest(seed as u64, TRIED);
        begin.elapsed()
    });
    let fastest = fastest.min().unwrap_or_default().as_nanos().max(1) as u64;
    time.as_nanos() as u64 * TRIED / fastest
}
