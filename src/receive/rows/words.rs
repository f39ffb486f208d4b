//! Memory for messages. Cap'n Proto reads words, so they must lie where a word may lie.

use std::fmt;

use capnp::{Word, word};

/// So many bytes are summed and copied while they are at hand: three times 256, which is what the sum takes at once.
const BLOCK: usize = 768;

/// A message in the standard stream framing.
pub(super) struct Words(Vec<Word>);

impl Words {
    /// Copies `bytes`, of which there must be whole words.
    pub(super) fn copied(bytes: &[u8]) -> Option<Self> {
        (bytes.len() % 8 == 0).then(|| Self(bytes.chunks_exact(8).map(to_word).collect()))
    }

    /// The same, and the CRC-32C of the bytes.
    pub(super) fn summed(bytes: &[u8]) -> (u32, Option<Self>) {
        let (mut sum, mut words) = (0, Vec::with_capacity(bytes.len() / 8));
        for block in bytes.chunks(BLOCK) {
            sum = crc32c::crc32c_append(sum, block);
            words.extend(block.chunks_exact(8).map(to_word));
        }
        (sum, (bytes.len() % 8 == 0).then_some(Self(words)))
    }

    /// Room for so many bytes, which must be whole words.
    pub(super) fn zeroed(bytes: usize) -> Option<Self> {
        (bytes % 8 == 0).then(|| Self(Word::allocate_zeroed_vec(bytes / 8)))
    }

    pub(super) fn as_bytes_mut(&mut self) -> &mut [u8] {
        Word::words_to_bytes_mut(&mut self.0)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        Word::words_to_bytes(&self.0)
    }
}

impl From<Vec<Word>> for Words {
    fn from(words: Vec<Word>) -> Self {
        Self(words)
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} words", self.0.len())
    }
}

/// The word of the first eight bytes, of which the caller makes sure.
#[inline]
pub(super) fn to_word(bytes: &[u8]) -> Word {
    match bytes {
        [a, b, c, d, e, f, g, h, ..] => word(*a, *b, *c, *d, *e, *f, *g, *h),
        _ => word(0, 0, 0, 0, 0, 0, 0, 0),
    }
}
