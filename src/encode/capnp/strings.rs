//! The texts of a batch, each of them once.

use std::hash::{BuildHasher as _, RandomState};

/// What a list of bytes can hold; a batch is far below it.
const MAX_BYTES: usize = (1 << 29) - 1;

/// Slots are cleared before their stamps get there; a batch has fewer texts by far.
const STAMPS: u32 = u32::MAX - MAX_BYTES as u32 - 1;

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
    /// What the slots of earlier batches do not exceed: they are free.
    earlier: u32,
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
    /// What the text's index is more than `earlier`. The empty text needs no slot.
    stamp: u32,
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
            earlier: 0,
            seed: Seed(RandomState::new().hash_one(0), RandomState::new().hash_one(1)),
            last_key: 0,
        }
    }
}

impl Strings {
    /// The number of `text`, which is added if it is new.
    #[inline]
    pub(super) fn index(&mut self, text: impl AsRef<[u8]>) -> u32 {
        let text = text.as_ref();
        if text.is_empty() { 0 } else { self.find(text) }
    }

    fn find(&mut self, text: &[u8]) -> u32 {
        let (at, tag) = self.place(hash(self.seed, text));
        self.find_from(at, tag, text)
    }

    /// Where the search goes on behind a slot whose tag is another text's too, which hardly happens.
    #[inline(never)]
    fn find_behind(&mut self, at: usize, tag: u32, text: &[u8]) -> u32 {
        self.find_from((at + 1) & (self.slots.len() - 1), tag, text)
    }

    #[inline(always)]
    fn find_from(&mut self, mut at: usize, tag: u32, text: &[u8]) -> u32 {
        while let Some(slot) = self.slots.get(at).filter(|slot| slot.stamp > self.earlier) {
            if slot.tag == tag {
                let index = slot.stamp - self.earlier;
                return match self.is(index, text) {
                    true => index,
                    false => self.find_behind(at, tag, text),
                };
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.add(at, tag, text)
    }

    /// The same for an attribute's key.
    #[inline(always)]
    pub(super) fn key(&mut self, text: impl AsRef<[u8]>) -> u32 {
        let last = self.last_key as usize;
        let guess = self.texts[last].next_key;
        let key = self.index_near(guess, text);
        if key != guess {
            self.texts[last].next_key = key;
        }
        self.last_key = key;
        key
    }

    /// The same for a text that most likely is the one of this number.
    #[inline(always)]
    pub(super) fn index_near(&mut self, guess: u32, text: impl AsRef<[u8]>) -> u32 {
        let text = text.as_ref();
        if self.is(guess, text) { guess } else { self.index(text) }
    }

    /// The same for the value of the attribute whose key is `key`.
    #[inline(always)]
    pub(super) fn value(&mut self, key: u32, text: impl AsRef<[u8]>) -> u32 {
        let text = text.as_ref();
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
    pub(super) fn is(&self, index: u32, text: impl AsRef<[u8]>) -> bool {
        same(self.bytes(index), text.as_ref())
    }

    /// Where in the blob a text lies: where it begins, and how long it is.
    #[inline]
    pub(super) fn place_of(&self, index: u32) -> (u32, u32) {
        let text = self.texts[index as usize];
        (text.start, text.end - text.start)
    }

    /// Whether `text` lies there.
    #[inline(always)]
    pub(super) fn lies_at(&self, place: (u32, u32), text: &[u8]) -> bool {
        let (start, length) = (place.0 as usize, place.1 as usize);
        let there = self.blob.get(start..start + length);
        text.len() == length && there.is_some_and(|there| same(there, text))
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
        let stamped = self.earlier.checked_add(self.texts.len() as u32);
        self.texts.truncate(count.max(1));
        for text in &mut self.texts {
            *text = Text { next_key: 0, value: 0, ..*text };
        }
        self.last_key = 0;
        self.blob.truncate(self.texts.last().map_or(0, |text| text.end as usize));
        match stamped {
            // What is there need not be cleared.
            Some(earlier) if earlier < STAMPS => self.earlier = earlier,
            _ => self.clear_slots(),
        }
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

    #[inline(never)]
    fn add(&mut self, at: usize, tag: u32, text: &[u8]) -> u32 {
        if self.blob.len() + text.len() > MAX_BYTES {
            return 0;
        }
        let index = self.texts.len() as u32;
        let start = self.blob.len() as u32;
        self.blob.extend_from_slice(text);
        self.texts.push(Text { start, end: self.blob.len() as u32, ..Text::default() });
        self.slots[at] = Slot { stamp: self.earlier + index, tag };
        if self.texts.len() * 2 > self.slots.len() {
            self.slots.resize(self.slots.len() * 2, Slot::default());
            self.clear_slots();
            self.fill();
        }
        index
    }

    fn clear_slots(&mut self) {
        self.slots.fill(Slot::default());
        self.earlier = 0;
    }

    /// Gives each text a slot, of which none has one.
    fn fill(&mut self) {
        for index in 1..self.texts.len() as u32 {
            let (mut at, tag) = self.place(hash(self.seed, self.bytes(index)));
            while self.slots[at].stamp > self.earlier {
                at = (at + 1) & (self.slots.len() - 1);
            }
            self.slots[at] = Slot { stamp: self.earlier + index, tag };
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
        8..=16 => ends!(8),
        17..=32 => ends!(16),
        33.. => {
            let (left_words, right_words) = (left.chunks_exact(32), right.chunks_exact(32));
            left_words
                .zip(right_words)
                .all(|(left, right)| left.first_chunk::<32>() == right.first_chunk())
                && left.last_chunk::<32>() == right.last_chunk()
        }
        4.. => ends!(4),
        _ => short(left) == short(right),
    }
}

/// Sixteen bytes in one multiplication; the last sixteen may lie over those before them.
#[inline]
fn hash(seed: Seed, bytes: &[u8]) -> u64 {
    let word = |bytes: [u8; 8]| u64::from_le_bytes(bytes);
    let half = |bytes: [u8; 4]| u64::from(u32::from_le_bytes(bytes));
    let mut state = seed.0 ^ bytes.len() as u64;
    if let Some(last) = bytes.last_chunk::<16>() {
        let mut rest = bytes;
        while let Some((first, behind)) = rest.split_first_chunk::<16>() {
            if behind.is_empty() {
                break;
            }
            let [one, other] = halves(*first);
            state = mix(state ^ word(one), seed.1 ^ word(other));
            rest = behind;
        }
        let [one, other] = halves(*last);
        return mix(state ^ word(one), seed.1 ^ word(other));
    }
    let (one, other) = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => (word(*first), word(*last)),
        _ => match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => (half(*first), half(*last)),
            _ => (0, short(bytes).into()),
        },
    };
    mix(state ^ one, seed.1 ^ other)
}

/// All of at most three bytes; how many they are, it does not say.
#[inline]
fn short(bytes: &[u8]) -> u32 {
    match bytes {
        [] => 0,
        [first, ..] => {
            let at = |index| u32::from(bytes.get(index).copied().unwrap_or_default());
            u32::from(*first) | at(bytes.len() / 2) << 8 | at(bytes.len() - 1) << 16
        }
    }
}

#[inline]
fn halves(bytes: [u8; 16]) -> [[u8; 8]; 2] {
    let word = u128::from_le_bytes(bytes);
    [(word as u64).to_le_bytes(), ((word >> 64) as u64).to_le_bytes()]
}

/// Both halves of a product: each bit of the one side reaches each of the other.
#[inline]
fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each length there are some that differ in one byte only.
    fn texts() -> impl Iterator<Item = String> {
        (1..100).flat_map(|length| {
            let text = "x".repeat(length);
            let others = [0, length / 2, length - 1].map(|at| {
                let mut other = text.clone();
                other.replace_range(at..=at, "y");
                other
            });
            [text].into_iter().chain(others)
        })
    }

    #[test]
    fn each_text_has_one_number() {
        let mut strings = Strings::default();
        let mut known = std::collections::HashMap::from([(String::new(), 0)]);
        for text in texts().chain(texts()).chain([String::new()]) {
            let next = known.len() as u32;
            assert_eq!(strings.index(&text), *known.entry(text.clone()).or_insert(next), "{text}");
        }
        for (text, index) in &known {
            let place = strings.place_of(*index);
            for other in known.keys() {
                assert_eq!(strings.is(*index, other), text == other);
                assert_eq!(strings.lies_at(place, other.as_bytes()), text == other);
            }
        }
        assert!(!strings.lies_at((u32::MAX, 1), b"x"));
    }

    #[test]
    fn nothing_is_found_that_was_forgotten() {
        let mut strings = Strings::default();
        let kept = strings.index("kept");
        // The last batches are some whose stamps are used up, time and again.
        for batch in 0..20 {
            if batch > 10 {
                strings.earlier = STAMPS - 1;
                strings.fill();
            }
            for text in ["one", "two", "three"] {
                let text = format!("{text} of {batch}");
                let index = strings.index(&text);
                assert_eq!(strings.index(&text), index);
                assert_eq!(index + 1, strings.count() as u32, "it is new");
            }
            strings.truncate(2);
            assert_eq!((strings.index("kept"), strings.count()), (kept, 2));
        }
        assert!(strings.earlier < STAMPS);
    }
}
