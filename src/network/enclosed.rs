//! Bytes that go in a message without being copied into it: a mark stands for them until all is written.
//!
//! A message is built in memory of its own, so that a batch would be copied once more, into fresh memory,
//! which takes longer than writing it. Instead the message holds `Data` of 16 bytes that occur nowhere else
//! in it. Where it is written, the pointer to them becomes one to a second segment, and that is the bytes.
//! The peer reads an ordinary message.

use bytes::Bytes;

const WORD: usize = 8;

/// What stands for the bytes.
pub(crate) type Mark = [u8; 2 * WORD];

/// Nobody but us writes into the messages that it is looked for in.
pub(super) const MARK: Mark = *b"bytes stand here";

/// A pointer to the first word of the second segment.
const FAR: u64 = 1 << 32 | 2;

/// Bytes of a message that are not in it.
pub(super) struct Enclosed {
    /// Where in the one segment the pointer to them stands.
    pointer: usize,
    pub(super) bytes: Bytes,
}

impl Enclosed {
    /// The bytes, where a message of one segment has the mark.
    pub(super) fn new(segments: &[&[u8]], bytes: Bytes) -> Option<Self> {
        let [segment] = segments else { return None };
        // Before the mark stands the pointer that leads to it: nothing was made between the two.
        let before = list(MARK.len()).to_le_bytes();
        let place = segment.windows(3 * WORD).step_by(WORD).position(|words| {
            let (pointer, data) = words.split_at(WORD);
            pointer == before && data == MARK
        })?;
        Some(Self { pointer: place * WORD, bytes })
    }

    /// The second segment's length.
    pub(super) fn len(&self) -> usize {
        WORD + self.bytes.len().next_multiple_of(WORD)
    }

    /// The first segment, and of the second what stands before the bytes.
    pub(super) fn write(&self, segment: &[u8], to: &mut Vec<u8>) {
        let start = to.len() + self.pointer;
        to.extend_from_slice(segment);
        if let Some(words) = to.get_mut(start..start + 3 * WORD) {
            let (pointer, mark) = words.split_at_mut(WORD);
            pointer.copy_from_slice(&FAR.to_le_bytes());
            mark.fill(0);
        }
        to.extend_from_slice(&list(self.bytes.len()).to_le_bytes());
    }

    /// What stands behind them.
    pub(super) fn padding(&self) -> &'static [u8] {
        const ZERO: &[u8] = &[0; WORD];
        let bytes = self.bytes.len();
        ZERO.get(..bytes.next_multiple_of(WORD) - bytes).unwrap_or_default()
    }
}

/// A pointer to as many bytes, which stand right behind it.
fn list(length: usize) -> u64 {
    const BYTES: u64 = 2;
    1 | BYTES << 32 | (length as u64) << 35
}
