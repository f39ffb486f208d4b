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
    seed: Seed,
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

/// Secret, so that nobody can choose texts that meet in one slot.
#[derive(Clone, Copy, Debug)]
struct Seed(u64, u64);

impl Default for Strings {
    fn default() -> Self {
        Self {
            blob: Vec::new(),
            texts: vec![Text::default()],
            slots: vec![Slot::default(); FIRST_SLOTS],
            seed: Seed(RandomState::new().hash_one(0), RandomState::new().hash_one(1)),
            last_key: 0,
        }
    }
}

impl Strings {
    /// The number of `text`, which is added if it is new.
    #[inline]
    pub(super) fn index(&mut self, text: &str) -> u32 {
        if text.is_empty() { 0 } else { self.find(text) }
    }

    fn find(&mut self, text: &str) -> u32 {
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
    #[inline(always)]
    pub(super) fn key(&mut self, text: &str) -> u32 {
        let last = self.last_key as usize;
        let guess = self.texts[last].next_key;
        let key = if self.is(guess, text) { guess } else { self.index(text) };
        self.texts[last].next_key = key;
        self.last_key = key;
        key
    }

    /// The same for the value of the attribute whose key is `key`.
    #[inline(always)]
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
    #[inline(always)]
    pub(super) fn is(&self, index: u32, text: &str) -> bool {
        same(self.bytes(index), text.as_bytes())
    }

    /// Where in the blob a text lies.
    #[inline]
    pub(super) fn place_of(&self, index: u32) -> (u32, u32) {
        let text = self.texts[index as usize];
        (text.start, text.end)
    }

    /// Whether `text` lies there.
    #[inline(always)]
    pub(super) fn lies_at(&self, place: (u32, u32), text: &str) -> bool {
        let there = self.blob.get(place.0 as usize..place.1 as usize);
        there.is_some_and(|there| same(there, text.as_bytes()))
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
    /// Both ends, which meet or lie over each other.
    macro_rules! ends {
        ($bytes:literal) => {
            left.first_chunk::<$bytes>() == right.first_chunk()
                && left.last_chunk::<$bytes>() == right.last_chunk()
        };
    }
    match left.len() {
        33.. => left == right,
        16.. => ends!(16),
        8.. => ends!(8),
        4.. => ends!(4),
        _ => left.iter().zip(right).all(|(a, b)| a == b),
    }
}

/// Sixteen bytes in one multiplication.
#[inline]
fn hash(seed: Seed, bytes: &[u8]) -> u64 {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let mut state = seed.0 ^ bytes.len() as u64;
    let (mut rest, last) = (bytes, bytes.last_chunk::<8>());
    while let Some((first, behind)) = rest.split_first_chunk::<8>() {
        // The second word, or over what was there already: the last one.
        let second = behind.first_chunk().or(last).map_or(0, word);
        state = mix(state ^ word(first), seed.1 ^ second);
        rest = behind.get(8..).unwrap_or_default();
    }
    if last.is_some() {
        // Of the rest less than a word: the last one has it.
        return mix(state, seed.1 ^ last.map_or(0, word));
    }
    let short = match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => rest.iter().fold(0, |short, byte| short << 8 | u64::from(*byte)),
    };
    mix(state, seed.1 ^ short)
}

/// Both halves of a product: each bit of the one side reaches each of the other.
#[inline]
fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product >> 64) as u64 ^ product as u64
}
