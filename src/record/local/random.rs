//! Ids, from a generator of the thread's own.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::pipeline::clock;

use super::Local;

impl Local {
    #[inline]
    pub(super) fn trace_id(&self) -> u128 {
        u128::from(self.random()) << 64 | u128::from(self.random())
    }

    #[inline]
    pub(super) fn random(&self) -> u64 {
        self.seed();
        self.next_random()
    }

    /// Makes the generator ready, once.
    #[inline]
    pub(super) fn seed(&self) {
        if self.random.get() == 0 {
            self.random.set(seed());
        }
    }

    /// `trace_id`, from a generator that is ready.
    #[inline(always)]
    pub(super) fn next_trace_id(&self) -> u128 {
        u128::from(self.next_word()) << 64 | u128::from(self.next_random())
    }

    /// wyrand; never 0, since W3C forbids that id.
    #[inline(always)]
    pub(super) fn next_random(&self) -> u64 {
        let id = self.next_word();
        if id == 0 { 1 } else { id }
    }

    #[inline(always)]
    fn next_word(&self) -> u64 {
        let state = self.random.get().wrapping_add(0xa076_1d64_78bd_642f);
        self.random.set(state);
        let product = u128::from(state) * u128::from(state ^ 0xe703_7ed1_a0b4_28db);
        (product >> 64) as u64 ^ product as u64
    }
}

/// `RandomState` is seeded by the system, and differs for each call; but not between a process and its fork.
#[cold]
fn seed() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.write_u64(clock::ticks());
    hasher.finish() | 1
}
