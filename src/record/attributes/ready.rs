//! Keys of a place in the program, made ready once: there they are stored as they lie.

use super::super::bytes::copy;
use super::{AttributeBuffer, HEAD, bit, head};

/// Longer keys are not made ready.
const LONGEST: usize = 32;

/// A key as it stands in an entry.
#[derive(Clone, Copy, Debug)]
pub(in crate::record) struct Key {
    /// The entry's head, but for the tag and the value's length.
    head: u64,
    /// The key, and nothing behind it.
    text: [u8; LONGEST],
    /// Where the value begins; beyond every entry where the key is not ready.
    value: u16,
    bit: u64,
}

impl Key {
    /// One that is not ready: what has it takes the longer way.
    pub(in crate::record) const NONE: Self =
        Self { head: 0, text: [0; LONGEST], value: u16::MAX, bit: u64::MAX };

    pub(in crate::record) fn new(name: &str) -> Self {
        let mut key = Self::NONE;
        if let (Some(bit), Some(text)) = (bit(name), key.text.get_mut(..name.len())) {
            text.copy_from_slice(name.as_bytes());
            key.head = u64::from_le_bytes(head(0, name, 0));
            (key.value, key.bit) = ((HEAD + name.len()) as u16, bit);
        }
        key
    }
}

impl AttributeBuffer {
    /// `append_new`, under a key that may be ready.
    #[inline(always)]
    pub(in crate::record) fn append_ready(
        &mut self,
        key: &Key,
        tag: u8,
        value: &[u8],
        count: u32,
    ) -> bool {
        if self.keys & key.bit != 0 || self.count >= count || value.len() > u32::MAX as usize {
            return false;
        }
        let Some(room) = self.bytes.get_mut(self.used..) else {
            return false;
        };
        let at = usize::from(key.value);
        let end = at.wrapping_add(value.len());
        if room.len() < HEAD + LONGEST || end > room.len() || at > end {
            return false;
        }
        // All is known: nothing of it need be kept while the bytes are copied.
        self.keys |= key.bit;
        self.used += end;
        self.count += 1;
        let head = key.head | u64::from(tag) | (value.len() as u64) << 32;
        room[..HEAD].copy_from_slice(&head.to_le_bytes());
        // More than the key may need; the value follows over it.
        room[HEAD..HEAD + LONGEST].copy_from_slice(&key.text);
        copy(&mut room[at..end], value);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::values::{I64, STR};
    use super::*;

    proptest! {
        #[test]
        fn what_is_ready_says_what_others_say(
            sets in proptest::collection::vec(("[a-h.]{0,40}", any::<Option<String>>()), 0..24),
            count in 0_u32..24,
        ) {
            let (mut ready, mut plain) = (AttributeBuffer::default(), AttributeBuffer::default());
            for (name, text) in &sets {
                let (tag, value) = match text {
                    Some(text) => (STR, text.as_bytes()),
                    None => (I64, &b"12345678"[..]),
                };
                let value_of = || match text {
                    Some(text) => text.as_str().into(),
                    None => i64::from_le_bytes(*b"12345678").into(),
                };
                if !ready.append_ready(&Key::new(name), tag, value, count) {
                    ready.set(name, value_of(), count, u32::MAX);
                }
                plain.set(name, value_of(), count, u32::MAX);
            }
            prop_assert_eq!(ready.bytes(), plain.bytes());
            prop_assert_eq!(ready.dropped(), plain.dropped());
        }
    }

    #[test]
    fn a_key_is_ready_where_it_is_short() {
        let mut buffer = AttributeBuffer::default();
        buffer.set("first", 1.into(), 9, u32::MAX);
        let mut append = |name: &str| buffer.append_ready(&Key::new(name), STR, b"text", 9);
        assert!(append("k") && append(&"k".repeat(LONGEST)));
        assert!(!append("first"), "it is there");
        assert!(!append("") && !append(&"l".repeat(LONGEST + 1)));
        assert!(!buffer.append_ready(&Key::NONE, STR, b"text", 9));
        assert_eq!(buffer.count, 3);
    }
}
