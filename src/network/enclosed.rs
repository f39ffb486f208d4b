//! Bytes that go in a message without being copied into it: a mark stands for them until all is written.
//!
//! The RPC system builds a message in memory of its own, so that a batch would be copied once more, into
//! fresh memory, which takes longer than writing it. Instead the message holds `Data` of 16 bytes that
//! occur nowhere else. Where it is written, the pointer to them becomes one to a second segment, and that
//! is the bytes. The peer reads an ordinary message.

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher as _, RandomState};

use bytes::Bytes;

const WORD: usize = 8;

/// What stands for the bytes.
pub(crate) type Mark = [u8; 2 * WORD];

/// A pointer to the first word of the second segment.
const FAR: u64 = 1 << 32 | 2;

/// The bytes that wait for their message.
pub(super) struct Waiting {
    /// So that no peer can write a mark.
    secret: u64,
    count: Cell<u64>,
    bytes: RefCell<Option<(Mark, Bytes)>>,
}

impl Default for Waiting {
    fn default() -> Self {
        let secret = RandomState::new().hash_one(0);
        Self { secret, count: Cell::new(0), bytes: RefCell::default() }
    }
}

impl Waiting {
    /// What is to be in the message in place of `bytes`.
    pub(super) fn put(&self, bytes: Bytes) -> Mark {
        self.count.set(self.count.get() + 1);
        let mut mark = [0; 2 * WORD];
        let (secret, count) = mark.split_at_mut(WORD);
        secret.copy_from_slice(&self.secret.to_le_bytes());
        count.copy_from_slice(&self.count.get().to_le_bytes());
        *self.bytes.borrow_mut() = Some((mark, bytes));
        mark
    }

    /// Whether no message has come for them; they wait no longer.
    pub(super) fn is_left(&self) -> bool {
        self.bytes.borrow_mut().take().is_some()
    }

    /// The bytes, if it is this message that they go in.
    pub(super) fn taken(&self, segments: &[&[u8]]) -> Option<Enclosed> {
        let mut waiting = self.bytes.borrow_mut();
        let (mark, _) = waiting.as_ref()?;
        // The RPC system makes one segment of what is this small.
        let [segment] = segments else { return None };
        // Before them stands the pointer that leads to them: nothing was made between the two.
        let before = list(mark.len()).to_le_bytes();
        let place = segment.windows(3 * WORD).step_by(WORD).position(|words| {
            let (pointer, data) = words.split_at(WORD);
            pointer == before && data == mark
        })?;
        let (_, bytes) = waiting.take()?;
        Some(Enclosed { pointer: place * WORD, bytes })
    }
}

/// Bytes of a message that are not in it.
pub(super) struct Enclosed {
    /// Where in the one segment the pointer to them stands.
    pointer: usize,
    pub(super) bytes: Bytes,
}

impl Enclosed {
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
