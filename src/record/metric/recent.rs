//! The attributes that a thread has measured with lately, bound: the SDK sorts, hashes and copies them
//! at each measurement otherwise.
//!
//! Only where sums are cumulative. There a set of attributes keeps its series for ever in any case; for
//! delta temporality the SDK forgets idle ones, which a bound one never is.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::telemetry::Value;

/// Places for bound sets; one of `WAYS` is looked at for a set.
const PLACES: usize = 256;
const WAYS: usize = 4;

/// What a handle measures with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle(u64);

impl Handle {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// One thread's, of one kind of instrument.
pub(super) struct Recent<B> {
    gate: u32,
    seed: u64,
    places: Vec<Option<Entry<B>>>,
    /// By place: what was looked for in vain. Only what comes again takes another's place, so that
    /// sets which come once cost no more than without all this.
    missed: Vec<u64>,
}

struct Entry<B> {
    hash: u64,
    handle: Handle,
    attributes: Vec<(&'static str, Kept)>,
    bound: B,
}

enum Kept {
    Bool(bool),
    I64(i64),
    F64(u64),
    Text(Box<str>),
}

impl<B> Recent<B> {
    pub(super) const fn new() -> Self {
        Self { gate: 0, seed: 0, places: Vec::new(), missed: Vec::new() }
    }

    /// The bound instrument of a handle for these attributes; `None` where it is seldom used.
    pub(super) fn find(
        &mut self,
        gate: u32,
        handle: Handle,
        attributes: &[(&'static str, Value<'_>)],
        bind: impl FnOnce() -> B,
    ) -> Option<&B> {
        if self.gate != gate {
            // What is bound belongs to a pipeline that is gone.
            *self = Self { gate, seed: RandomState::new().hash_one(0), ..Self::new() };
            self.places.resize_with(PLACES, || None);
            self.missed.resize(PLACES, 0);
        }
        let hash = hash(self.seed, handle, attributes)?;
        let first = hash as usize % (PLACES / WAYS) * WAYS;
        let is_it = |entry: &Entry<B>| {
            entry.hash == hash && entry.handle == handle && are_same(&entry.attributes, attributes)
        };
        let found =
            (first..first + WAYS).find(|place| self.places[*place].as_ref().is_some_and(is_it));
        let place = match found {
            Some(place) => place,
            None => {
                let mut places = first..first + WAYS;
                let place = match places.find(|place| self.places[*place].is_none()) {
                    Some(empty) => empty,
                    None => {
                        let place = first + (hash >> 32) as usize % WAYS;
                        if std::mem::replace(&mut self.missed[place], hash) != hash {
                            return None;
                        }
                        place
                    }
                };
                let attributes = attributes.iter().map(|(key, value)| Some((*key, kept(value)?)));
                let attributes = attributes.collect::<Option<_>>()?;
                self.places[place] = Some(Entry { hash, handle, attributes, bound: bind() });
                place
            }
        };
        self.places[place].as_ref().map(|entry| &entry.bound)
    }
}

/// `None` where a value is of a kind that is not kept.
#[inline]
fn hash(seed: u64, handle: Handle, attributes: &[(&'static str, Value<'_>)]) -> Option<u64> {
    let mut state = fold(seed, handle.0 << 8 ^ attributes.len() as u64);
    for (key, value) in attributes {
        // Keys are texts of the program: most often the same ones, at the same place.
        state = fold(state, key.as_ptr() as u64);
        state = match value {
            Value::Bool(value) => fold(state, (*value).into()),
            Value::I64(value) => fold(state, *value as u64),
            Value::F64(value) => fold(state, value.to_bits()),
            Value::Str(text) => fold_text(state, text.as_bytes()),
            Value::Bytes(_) | Value::Format(_) | Value::Array(_) => return None,
        };
    }
    Some(state)
}

pub(super) fn fold_text(mut state: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.split_at(bytes.len() & !7);
    for word in words.chunks_exact(8) {
        let word = word.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        state = fold(state, word);
    }
    let rest = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    fold(state, rest ^ (bytes.len() as u64) << 56)
}

/// A step of a hash: both halves of the product.
#[inline]
pub(super) fn fold(state: u64, word: u64) -> u64 {
    let product = u128::from(state ^ word) * 0xa076_1d64_78bd_642f;
    (product >> 64) as u64 ^ product as u64
}

fn are_same(kept: &[(&'static str, Kept)], given: &[(&'static str, Value<'_>)]) -> bool {
    let is_same = |((own, kept), (key, value)): (&(&str, Kept), &(&str, Value<'_>))| {
        own == key
            && match (kept, value) {
                (Kept::Bool(kept), Value::Bool(given)) => kept == given,
                (Kept::I64(kept), Value::I64(given)) => kept == given,
                (Kept::F64(kept), Value::F64(given)) => *kept == given.to_bits(),
                (Kept::Text(kept), Value::Str(given)) => **kept == **given,
                _ => false,
            }
    };
    kept.len() == given.len() && kept.iter().zip(given).all(is_same)
}

fn kept(value: &Value<'_>) -> Option<Kept> {
    Some(match value {
        Value::Bool(value) => Kept::Bool(*value),
        Value::I64(value) => Kept::I64(*value),
        Value::F64(value) => Kept::F64(value.to_bits()),
        Value::Str(text) => Kept::Text((*text).into()),
        Value::Bytes(_) | Value::Format(_) | Value::Array(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_bound_by_what_it_says() {
        let mut recent = Recent::new();
        let (one, other) = (Handle::new(), Handle::new());
        let mut text = String::from("mail");
        let mut find = |gate, handle, text: &str, number: u64| {
            let attributes = [("queue", text.into()), ("retry", true.into())];
            recent.find(gate, handle, &attributes, || number).copied()
        };
        assert_eq!([1, 2].map(|number| find(1, one, &text, number)), [Some(1), Some(1)]);
        assert_eq!([4, 5].map(|number| find(1, other, &text, number)), [Some(4), Some(4)]);
        // The same place, another text.
        text.replace_range(.., "sms!");
        assert_eq!([7, 8].map(|number| find(1, one, &text, number)), [Some(7), Some(7)]);
        assert_eq!(find(1, one, "mail", 9), Some(1));
        assert_eq!(find(2, one, "mail", 10), Some(10), "another pipeline's");
    }

    #[test]
    fn what_is_not_kept_is_not_bound() {
        let mut recent = Recent::new();
        let handle = Handle::new();
        for _ in 0..4 {
            let attributes = [("bytes", Value::Bytes(b"x"))];
            assert_eq!(recent.find(1, handle, &attributes, || 1), None);
        }
    }

    #[test]
    fn many_sets_are_each_their_own() {
        let mut recent = Recent::new();
        let handle = Handle::new();
        for round in 0..3 {
            for number in 0..5_000_i64 {
                let found = recent.find(1, handle, &[("n", number.into())], || number).copied();
                assert!(found.is_none_or(|found| found == number), "{round}: {found:?}");
            }
        }
    }
}
