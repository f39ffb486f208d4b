//! Numbers that a seed gives again.

/// A generator after Vigna's splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// Some bits, words and cuts of `bytes` changed; the rest is as it was.
    pub(crate) fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let length = bytes.len();
            if length < 16 {
                return;
            }
            let (at, word) = (self.below(length), self.below(length / 8) * 8);
            match self.below(7) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = self.next() as u8,
                2 => bytes[word..word + 8].fill(0),
                3 => bytes[word..word + 8].fill(0xff),
                4 => {
                    let from = self.below(length / 8) * 8;
                    bytes.copy_within(from..from + 8, word);
                }
                5 => bytes[word] = bytes[word].wrapping_add(4),
                _ => bytes.truncate(length - self.below(length.min(64))),
            }
        }
    }
}
