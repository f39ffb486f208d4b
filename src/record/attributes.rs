//! Attributes as plain bytes, in one growable buffer: nothing to allocate for, nothing to drop.
//!
//! An entry is `[tag: u8 | key length: u24 | value length: u32]`, then the key, then the value.
//! Values are as in `values`.

mod entries;
mod ready;

use crate::telemetry::Value;

use super::bytes::copy;
use super::values::{BOOL, BYTES, F64, I64, STR, text, truncated, write_value};

use entries::{Entries, Head};

pub(crate) use entries::{each_attribute, each_copied};
pub(super) use ready::Key;

const HEAD: usize = 8;
const MAX_KEY: usize = 0xff_ffff;
/// More than this is given back when a buffer is cleared.
const KEEP: usize = 4096;
/// The least that a buffer grows to.
const FIRST: usize = 256;

/// A buffer of attributes; the last value under a key wins.
#[derive(Debug, Default)]
pub(crate) struct AttributeBuffer {
    /// The entries, and room for more behind them.
    bytes: Vec<u8>,
    used: usize,
    /// A bit for each key that is there: where it is not set, there is no need to look.
    keys: u64,
    count: u32,
    dropped: u32,
}

impl AttributeBuffer {
    /// Sets one attribute within the limits: `count` entries, `length` characters of text or bytes.
    ///
    /// A key that is empty, longer than 16 MiB or over the count is dropped and counted.
    pub(crate) fn set(&mut self, key: &str, value: Value<'_>, count: u32, length: u32) {
        let is_set = match value {
            Value::Bool(v) => self.append_new(key, BOOL, &[v.into()], count),
            Value::I64(v) => self.append_new(key, I64, &v.to_le_bytes(), count),
            Value::F64(v) => self.append_new(key, F64, &v.to_le_bytes(), count),
            Value::Str(v) if v.len() <= length as usize => {
                self.append_new(key, STR, v.as_bytes(), count)
            }
            _ => false,
        };
        if !is_set {
            self.set_with_care(key, value, count, length);
        }
    }

    /// `set` from any state, and of any value.
    #[cold]
    fn set_with_care(&mut self, key: &str, value: Value<'_>, count: u32, length: u32) {
        match value {
            Value::Bool(v) => self.append(key, BOOL, &[v.into()], count),
            Value::I64(v) => self.append(key, I64, &v.to_le_bytes(), count),
            Value::F64(v) => self.append(key, F64, &v.to_le_bytes(), count),
            Value::Str(v) => self.append(key, STR, truncated(v, length).as_bytes(), count),
            Value::Bytes(v) => {
                self.append(key, BYTES, &v[..v.len().min(length as usize)], count);
            }
            Value::Format(_) | Value::Array(_) => self.append_made(key, value, count, length),
        }
    }

    /// Appends where the key is not there yet and everything fits; false, and nothing is done, elsewhere.
    #[inline(always)]
    pub(super) fn append_new(&mut self, key: &str, tag: u8, value: &[u8], count: u32) -> bool {
        let Some(bit) = bit(key) else {
            return false;
        };
        let size = HEAD + key.len() + value.len();
        if self.keys & bit != 0 || self.count >= count || value.len() > u32::MAX as usize {
            return false;
        }
        let end = self.used.wrapping_add(size);
        // Also where that has wrapped.
        let Some(entry) = self.bytes.get_mut(self.used..end) else {
            return false;
        };
        if entry.len() != size {
            return false;
        }
        let (start, rest) = entry.split_at_mut(HEAD);
        start.copy_from_slice(&head(tag, key, value.len() as u32));
        let (name, rest) = rest.split_at_mut(key.len());
        copy(name, key.as_bytes());
        copy(rest, value);
        self.keys |= bit;
        self.used = end;
        self.count += 1;
        true
    }

    /// An entry whose value is there already.
    fn append(&mut self, key: &str, tag: u8, value: &[u8], count: u32) {
        if !self.admits(key, count) || u32::try_from(value.len()).is_err() {
            self.dropped += 1;
            return;
        }
        let size = HEAD + key.len() + value.len();
        let entry = self.room(size);
        entry[..HEAD].copy_from_slice(&head(tag, key, value.len() as u32));
        entry[HEAD..HEAD + key.len()].copy_from_slice(key.as_bytes());
        entry[HEAD + key.len()..].copy_from_slice(value);
        self.used += size;
        self.count += 1;
    }

    /// An entry whose length is known once its value is written.
    fn append_made(&mut self, key: &str, value: Value<'_>, count: u32, length: u32) {
        if !self.admits(key, count) {
            self.dropped += 1;
            return;
        }
        let at = self.used;
        self.bytes.truncate(at);
        self.bytes.extend_from_slice(&[0; HEAD]);
        self.bytes.extend_from_slice(key.as_bytes());
        let start = self.bytes.len();
        // A `Display` that panics leaves bytes behind that nobody counts as used.
        let tag = write_value(&mut self.bytes, value, length, 0);
        let Ok(size) = u32::try_from(self.bytes.len() - start) else {
            self.dropped += 1;
            return;
        };
        self.bytes[at..at + HEAD].copy_from_slice(&head(tag, key, size));
        self.used = self.bytes.len();
        self.count += 1;
    }

    /// Whether an entry under this key may be added; an older one is taken away.
    #[inline]
    fn admits(&mut self, key: &str, count: u32) -> bool {
        let Some(bit) = bit(key) else {
            return false;
        };
        if self.keys & bit != 0 {
            self.forget(key);
        }
        if self.count >= count {
            return false;
        }
        self.keys |= bit;
        true
    }

    #[cold]
    fn forget(&mut self, key: &str) {
        if let Some((at, size)) = self.find(key) {
            self.bytes.copy_within(at + size..self.used, at);
            self.used -= size;
            self.count -= 1;
        }
    }

    /// So many bytes behind the entries.
    #[inline]
    fn room(&mut self, size: usize) -> &mut [u8] {
        if self.bytes.len() - self.used < size {
            self.grow(size);
        }
        &mut self.bytes[self.used..][..size]
    }

    #[cold]
    fn grow(&mut self, size: usize) {
        let needed = (self.used + size).max(FIRST).next_power_of_two();
        self.bytes.resize(needed.max(self.bytes.capacity()), 0);
    }

    /// `absorb`, by one copy where none of the keys can be here already.
    #[inline]
    pub(crate) fn extend(&mut self, other: &Self, count: u32) {
        let is_new = self.keys & other.keys == 0 && other.dropped == 0;
        if is_new && self.count.saturating_add(other.count) <= count {
            let room = self.bytes.get_mut(self.used..).and_then(|room| room.get_mut(..other.used));
            if let Some(room) = room {
                room.copy_from_slice(other.bytes());
                self.keys |= other.keys;
                self.used += other.used;
                self.count += other.count;
                return;
            }
        }
        self.absorb(other, count);
    }

    /// Takes over another buffer's attributes, as if they had been set here.
    #[cold]
    pub(crate) fn absorb(&mut self, other: &Self, count: u32) {
        self.dropped += other.dropped;
        for entry in Entries(other.bytes()) {
            if self.admits(text(entry.key), count) {
                self.room(entry.whole.len()).copy_from_slice(entry.whole);
                self.used += entry.whole.len();
                self.count += 1;
            } else {
                self.dropped += 1;
            }
        }
    }

    /// Forgets all but the memory, and that too where it is unusually much.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.reset();
        self.release();
    }

    /// Forgets all but the memory.
    #[inline(always)]
    pub(super) fn reset(&mut self) {
        (self.used, self.keys) = (0, 0);
        (self.count, self.dropped) = (0, 0);
    }

    /// The memory is not unusually much.
    #[inline(always)]
    pub(super) fn is_small(&self) -> bool {
        self.bytes.len() <= KEEP
    }

    /// Gives unusually much memory back; what is in it goes.
    #[inline]
    pub(super) fn release(&mut self) {
        if !self.is_small() {
            self.reset();
            self.bytes = Vec::new();
        }
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    pub(crate) const fn dropped(&self) -> u32 {
        self.dropped
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Where the entry under `key` is, and how long. Its bytes are compared, not its text, which would
    /// have to be checked first.
    fn find(&self, key: &str) -> Option<(usize, usize)> {
        let mut at = 0;
        while let Some(head) = self.bytes().get(at..).and_then(<[u8]>::first_chunk::<HEAD>) {
            let head = Head::of(*head);
            let start = at + HEAD;
            let found = self.bytes().get(start..start + head.key_length);
            if head.key_length == key.len() && found == Some(key.as_bytes()) {
                return Some((at, head.whole()));
            }
            at += head.whole();
        }
        None
    }
}

#[inline]
fn head(tag: u8, key: &str, size: u32) -> [u8; HEAD] {
    (u64::from(tag) | (key.len() as u64) << 8 | u64::from(size) << 32).to_le_bytes()
}

/// The bit of a key; `None` where it may not be one.
#[inline]
fn bit(key: &str) -> Option<u64> {
    let bytes = key.as_bytes();
    let (last, middle) = (*bytes.last()?, *bytes.get(bytes.len() / 2)?);
    let mixed = bytes.len() ^ usize::from(last).wrapping_mul(5) ^ usize::from(middle) << 1;
    (bytes.len() <= MAX_KEY).then_some(1 << (mixed & 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::view::Copied;

    fn shown(buffer: &AttributeBuffer) -> Vec<String> {
        let (mut out, mut copied) = (Vec::new(), Vec::new());
        each_attribute(buffer.bytes(), |key, value| out.push(format!("{key}={value:?}")));
        each_copied(buffer.bytes(), |key, value| {
            let value = match value {
                Copied::Text(value) => format!("{:?}", text(value)),
                Copied::Any(value) => format!("{value:?}"),
            };
            copied.push(format!("{}={value}", text(key)));
        });
        assert_eq!(out, copied);
        out
    }

    #[test]
    fn last_value_wins_and_limits_count() {
        let mut buffer = AttributeBuffer::default();
        for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("", 5)] {
            buffer.set(key, Value::I64(value), 2, u32::MAX);
        }
        assert_eq!(shown(&buffer), ["b=2", "a=3"]);
        assert_eq!(buffer.dropped(), 2);
    }

    #[test]
    fn every_kind_and_nested_arrays_read_back() {
        let mut buffer = AttributeBuffer::default();
        let inner = [Value::Str("x"), Value::Bool(true)];
        let nested = [Value::F64(-0.0), Value::Array(&inner), Value::Bytes(&[0, 1]), Value::I64(7)];
        buffer.set("list", Value::Array(&nested), 9, u32::MAX);
        buffer.set("none", Value::Array(&[]), 9, u32::MAX);
        buffer.set("is", Value::Bool(true), 9, u32::MAX);
        buffer.set("share", Value::F64(0.5), 9, u32::MAX);
        buffer.set("raw", Value::Bytes(&[2]), 9, u32::MAX);
        buffer.set("made", Value::Format(format_args!("{}-{}", 1, 2)), 9, u32::MAX);
        assert_eq!(
            shown(&buffer),
            [
                "list=[-0.0, [\"x\", true], [0, 1], 7]",
                "none=[]",
                "is=true",
                "share=0.5",
                "raw=[2]",
                "made=\"1-2\""
            ]
        );
    }

    #[test]
    fn length_counts_characters() {
        let mut buffer = AttributeBuffer::default();
        let items = [Value::Str("äöü"), Value::Bytes(b"abc")];
        buffer.set("text", Value::Str("äöüß"), 9, 3);
        buffer.set("list", Value::Array(&items), 9, 2);
        assert_eq!(shown(&buffer), ["text=\"äöü\"", "list=[\"äö\", [97, 98]]"]);
    }

    #[test]
    fn too_deep_is_cut_and_does_not_recurse() {
        fn nest(depth: usize, buffer: &mut AttributeBuffer, value: Value<'_>) {
            match depth {
                0 => buffer.set("deep", value, 9, u32::MAX),
                _ => nest(depth - 1, buffer, Value::Array(&[value])),
            }
        }
        let mut buffer = AttributeBuffer::default();
        nest(200, &mut buffer, Value::I64(1));
        assert_eq!(shown(&buffer).len(), 1);
        assert!(!shown(&buffer)[0].contains('1'), "{:?}", shown(&buffer));
    }
}
