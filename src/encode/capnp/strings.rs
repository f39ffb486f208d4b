//! The texts of a batch, each of them once.

use std::hash::{BuildHasher as _, RandomState};

/// What a list of bytes can hold; a batch is far below it.
const MAX_BYTES: usize = (1 << 29) - 1;

/// Few texts are found without a step; a slot is 8 bytes.
const FIRST_SLOTS: usize = 64;

/// Texts in the order of their first use; 0 is the empty one.
#[derive(Debug)]
pub(super) struct Strings {
    /// All texts one behind the other.
    blob: Vec<u8>,
    texts: Vec<Text>,
    /// Open addressing; at most every other slot is taken.
    slots: Vec<Slot>,
    /// Secret, so that nobody can choose texts that meet in one slot.
    seed: u64,
    last_key: u32,
}

/// Where in the blob a text is, and what came with it the last time that it was a key; 0: nothing.
/// Spans of one kind follow each other, and comparing is quicker than searching.
#[derive(Clone, Copy, Debug, Default)]
struct Text {
    start: u32,
    end: u32,
    next_key: u32,
    value: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// 0: free. The empty text needs no slot.
    index: u32,
    /// Bits of the hash that the slot's place does not tell.
    tag: u32,
}

impl Default for Strings {
    fn default() -> Self {
        Self {
            blob: Vec::new(),
            texts: vec![Text::default()],
            slots: vec![Slot::default(); FIRST_SLOTS],
            seed: RandomState::new().hash_one(0),
            last_key: 0,
        }
    }
}

impl Strings {
    /// The number of `text`, which is added if it is new.
    #[inline]
    pub(super) fn index(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let hash = hash(self.seed, text.as_bytes());
        let (mut at, tag) = self.place(hash);
        loop {
            let slot = self.slots[at];
            if slot.index == 0 {
                return self.add(at, tag, text);
            }
            if slot.tag == tag && self.is(slot.index, text) {
                return slot.index;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// The same for an attribute's key.
    #[inline]
    pub(super) fn key(&mut self, text: &str) -> u32 {
        let last = self.last_key as usize;
        let guess = self.texts[last].next_key;
        let key = if self.is(guess, text) { guess } else { self.index(text) };
        self.texts[last].next_key = key;
        self.last_key = key;
        key
    }

    /// The same for the value of the attribute whose key is `key`.
    #[inline]
    pub(super) fn value(&mut self, key: u32, text: &str) -> u32 {
        let guess = self.texts[key as usize].value;
        if self.is(guess, text) {
            return guess;
        }
        let value = self.index(text);
        self.texts[key as usize].value = value;
        value
    }

    /// Whether `index` is `text`.
    #[inline]
    pub(super) fn is(&self, index: u32, text: &str) -> bool {
        same(self.bytes(index), text.as_bytes())
    }

    pub(super) fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// How many texts there are, the empty one too.
    pub(super) fn count(&self) -> usize {
        self.texts.len()
    }

    /// Where in the blob each text ends.
    pub(super) fn ends(&self) -> impl ExactSizeIterator<Item = u32> {
        self.texts.iter().map(|text| text.end)
    }

    /// Forgets all but the first `count` texts; the first of all stays in any case.
    pub(super) fn truncate(&mut self, count: usize) {
        self.texts.truncate(count.max(1));
        for text in &mut self.texts {
            *text = Text { next_key: 0, value: 0, ..*text };
        }
        self.last_key = 0;
        self.blob.truncate(self.texts.last().map_or(0, |text| text.end as usize));
        self.fill();
    }

    #[inline]
    fn bytes(&self, index: u32) -> &[u8] {
        let text = self.texts[index as usize];
        &self.blob[text.start as usize..text.end as usize]
    }

    /// Where the search for a hash begins, and what else is known of it.
    #[inline]
    fn place(&self, hash: u64) -> (usize, u32) {
        (hash as usize & (self.slots.len() - 1), (hash >> 32) as u32)
    }

    fn add(&mut self, at: usize, tag: u32, text: &str) -> u32 {
        if self.blob.len() + text.len() > MAX_BYTES {
            return 0;
        }
        let index = self.texts.len() as u32;
        let start = self.blob.len() as u32;
        self.blob.extend_from_slice(text.as_bytes());
        self.texts.push(Text { start, end: self.blob.len() as u32, ..Text::default() });
        self.slots[at] = Slot { index, tag };
        if self.texts.len() * 2 > self.slots.len() {
            self.slots.resize(self.slots.len() * 2, Slot::default());
            self.fill();
        }
        index
    }

    /// Gives each text a slot again.
    fn fill(&mut self) {
        self.slots.fill(Slot::default());
        for index in 1..self.texts.len() as u32 {
            let (mut at, tag) = self.place(hash(self.seed, self.bytes(index)));
            while self.slots[at].index != 0 {
                at = (at + 1) & (self.slots.len() - 1);
            }
            self.slots[at] = Slot { index, tag };
        }
    }
}

/// Equality without a call: most texts are a few words long.
#[inline]
fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let (mut one, mut other) = (left, right);
    while let (Some((a, behind_a)), Some((b, behind_b))) =
        (one.split_first_chunk::<8>(), other.split_first_chunk::<8>())
    {
        if a != b {
            return false;
        }
        (one, other) = (behind_a, behind_b);
    }
    // Over bytes that are compared already, so that the rest is one word too.
    if let (Some(a), Some(b)) = (left.last_chunk::<8>(), right.last_chunk::<8>()) {
        return a == b;
    }
    match (one.first_chunk::<4>(), other.first_chunk::<4>()) {
        (Some(a), Some(b)) => a == b && one.last_chunk::<4>() == other.last_chunk::<4>(),
        _ => one.iter().zip(other).all(|(a, b)| a == b),
    }
}

/// Eight bytes in one multiplication.
#[inline]
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let mut state = seed ^ (bytes.len() as u64);
    let mut rest = bytes;
    while let Some((word, behind)) = rest.split_first_chunk::<8>() {
        state = mix(state, u64::from_le_bytes(*word));
        rest = behind;
    }
    let tail = match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => rest.iter().fold(0, |tail, byte| tail << 8 | u64::from(*byte)),
    };
    mix(state, tail)
}

/// Both halves of a product: each bit of the one side reaches each of the other.
#[inline]
fn mix(state: u64, word: u64) -> u64 {
    /// The golden ratio's digits, odd.
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(state ^ word) * u128::from(ODD);
    (product >> 64) as u64 ^ product as u64
}
