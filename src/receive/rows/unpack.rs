//! Cap'n Proto's packed encoding, undone.
//!
//! The library's own reader allocates what the message claims to be long before it reads it; this one
//! grows with what it has read.

use capnp::{Word, word};

use super::Refusal;
use super::words::{Words, to_word};

const ZERO: Word = word(0, 0, 0, 0, 0, 0, 0, 0);

/// A tag byte says which of a word's bytes are not zero and follow. After a word of zeros, and after one
/// of eight other bytes, a count follows: of more zero words, or of words that follow as they are.
pub(super) fn unpack(packed: &[u8], max_bytes: usize) -> Result<Words, Refusal> {
    let max_words = max_bytes / 8;
    let mut words: Vec<Word> = Vec::with_capacity((packed.len() / 4).min(max_words));
    let mut rest = packed;
    while let Some(tag) = take(&mut rest, 1)? {
        let tag = tag[0];
        let mut bytes = [0; 8];
        let present = need(&mut rest, tag.count_ones() as usize)?;
        let places = (0..8).filter(|place| tag & 1 << place != 0);
        places.zip(present).for_each(|(place, byte)| bytes[place] = *byte);
        let run = match tag {
            0 | 0xff => usize::from(need(&mut rest, 1)?[0]),
            _ => 0,
        };
        if words.len() + 1 + run > max_words {
            return Err(Refusal::TooLarge(format!(
                "the packed message is longer than {max_bytes} bytes once it is unpacked"
            )));
        }
        words.push(to_word(&bytes));
        match tag {
            0xff => words.extend(need(&mut rest, 8 * run)?.chunks_exact(8).map(to_word)),
            _ => words.resize(words.len() + run, ZERO),
        }
    }
    Ok(words.into())
}

/// The next `length` bytes; `None` at the end.
fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<Option<&'a [u8]>, Refusal> {
    if rest.is_empty() { Ok(None) } else { need(rest, length).map(Some) }
}

fn need<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Refusal> {
    let Some((taken, left)) = rest.split_at_checked(length) else {
        return Err(Refusal::Malformed("the packed message ends inside a word".to_owned()));
    };
    *rest = left;
    Ok(taken)
}
