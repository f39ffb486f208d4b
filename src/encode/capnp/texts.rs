//! Where in a message of ours the texts stand.

use std::ops::Range;

const WORD: usize = 8;

/// Behind the table of segments, the root's pointer and the root's word of data.
const STRINGS: usize = 3 * WORD;

/// The place of all texts in a message that an encoder of this crate wrote: what is around them is numbers. `None`
/// for what is no such message.
pub(crate) fn texts(message: &[u8]) -> Option<Range<usize>> {
    let table = follow(message, STRINGS)?;
    bytes(message, table + WORD)
}

/// The same of a message of columns, whose root has the texts as its first pointer.
pub(crate) fn texts_of_columns(message: &[u8]) -> Option<Range<usize>> {
    bytes(message, STRINGS)
}

/// The place of the bytes that the pointer at `at` leads to.
fn bytes(message: &[u8], at: usize) -> Option<Range<usize>> {
    let start = follow(message, at)?;
    let length = usize::try_from(word(message, at)? >> 35).ok()?;
    let end = start.checked_add(length)?.next_multiple_of(WORD);
    (end <= message.len()).then_some(start..end)
}

/// Where the pointer at `at` leads to.
fn follow(message: &[u8], at: usize) -> Option<usize> {
    let offset = word(message, at)? as i32 >> 2;
    let words = usize::try_from(offset).ok()?;
    (at + WORD).checked_add(words.checked_mul(WORD)?)
}

fn word(message: &[u8], at: usize) -> Option<u64> {
    let word = message.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*word))
}
