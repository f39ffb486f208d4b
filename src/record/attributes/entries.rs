//! Reading the entries of a buffer.

use super::super::values::{copied, text, value};
use super::{HEAD, MAX_KEY};
use crate::encode::view::{Any, Copied};

/// Lends each attribute of a buffer's bytes.
pub(crate) fn each_attribute(bytes: &[u8], mut each: impl FnMut(&str, Any<'_>)) {
    for entry in Entries(bytes) {
        let key = text(entry.key);
        value(entry.tag, entry.value, |value| each(key, value));
    }
}

/// The same for who only copies: what was written as text is not checked once more.
#[inline]
pub(crate) fn each_copied(bytes: &[u8], mut each: impl FnMut(&[u8], Copied<'_>)) {
    for entry in Entries(bytes) {
        copied(entry.tag, entry.value, |value| each(entry.key, value));
    }
}

/// What stands before an entry's key.
#[derive(Clone, Copy)]
pub(super) struct Head {
    tag: u8,
    pub(super) key_length: usize,
    value_length: usize,
}

impl Head {
    #[inline]
    pub(super) const fn of(bytes: [u8; HEAD]) -> Self {
        let word = u64::from_le_bytes(bytes);
        let key_length = (word >> 8) as usize & MAX_KEY;
        Self { tag: word as u8, key_length, value_length: (word >> 32) as usize }
    }

    /// Bytes of the whole entry.
    #[inline]
    pub(super) const fn whole(self) -> usize {
        HEAD + self.key_length + self.value_length
    }
}

pub(super) struct Entry<'a> {
    tag: u8,
    /// Text that is not read yet.
    pub(super) key: &'a [u8],
    value: &'a [u8],
    pub(super) whole: &'a [u8],
}

pub(super) struct Entries<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        let head = Head::of(*self.0.first_chunk::<HEAD>()?);
        let (whole, rest) = self.0.split_at_checked(head.whole())?;
        self.0 = rest;
        let (key, value) = whole[HEAD..].split_at(head.key_length);
        Some(Entry { tag: head.tag, key, value, whole })
    }
}
