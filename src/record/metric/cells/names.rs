//! From two texts to a number, faster than a map of maps: a table with one hash of both.

use std::hash::{BuildHasher, RandomState};

use crate::record::bytes::are_same;
use crate::record::metric::recent::{fold, fold_text};

/// What the two texts name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Method and class of a call that is served.
    Server,
    /// Of one that is made.
    Client,
    /// A storage operation, and nothing.
    Storage,
}

const RECENT: usize = 64;

/// Numbers by names. Slots are a power of two, half of them empty at least.
#[derive(Debug)]
pub(super) struct Names {
    /// The system's random number: nobody outside can choose names that collide.
    seed: u64,
    /// An entry's index and one more; 0 is empty.
    slots: Vec<u32>,
    /// As `slots`, by where the texts stand: names are mostly the same texts of the program.
    recent: [u32; RECENT],
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    of: Of,
    first: Box<str>,
    second: Box<str>,
    number: u32,
}

impl Default for Names {
    fn default() -> Self {
        Self { seed: 0, slots: Vec::new(), recent: [0; RECENT], entries: Vec::new() }
    }
}

impl Entry {
    #[inline(always)]
    fn is(&self, of: Of, first: &str, second: &str) -> bool {
        let is = |own: &str, given: &str| are_same(own.as_bytes(), given.as_bytes());
        self.of == of && is(&self.first, first) && is(&self.second, second)
    }
}

impl Names {
    /// As `get`, of what `get_again` found at the same place before; `None` of all else.
    #[inline(always)]
    pub(super) fn get_recent(&self, of: Of, first: &str, second: &str) -> Option<u32> {
        let index = (self.recent[place(first, second)] as usize).checked_sub(1)?;
        // A text may give way to another at the same place, so the names themselves decide.
        match self.entries.get(index) {
            Some(entry) if entry.is(of, first, second) => Some(entry.number),
            _ => None,
        }
    }

    /// As `get`, and faster where the same texts were asked for before.
    pub(super) fn get_again(&mut self, of: Of, first: &str, second: &str) -> Option<u32> {
        if let Some(number) = self.get_recent(of, first, second) {
            return Some(number);
        }
        let index = self.find(of, first, second)?;
        self.recent[place(first, second)] = index + 1;
        Some(self.entries[index as usize].number)
    }

    pub(super) fn get(&self, of: Of, first: &str, second: &str) -> Option<u32> {
        let index = self.find(of, first, second)?;
        Some(self.entries[index as usize].number)
    }

    /// An entry's index.
    fn find(&self, of: Of, first: &str, second: &str) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let hash = hash(self.seed, of, first, second);
        let mut slot = hash as usize & mask;
        loop {
            let index = (*self.slots.get(slot)?).checked_sub(1)?;
            let entry = &self.entries[index as usize];
            if entry.hash == hash && entry.is(of, first, second) {
                return Some(index);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Adds names that are not in the table yet.
    pub(super) fn insert(&mut self, of: Of, first: &str, second: &str, number: u32) {
        if self.slots.is_empty() {
            self.seed = RandomState::new().hash_one(0);
        }
        let hash = hash(self.seed, of, first, second);
        self.entries.push(Entry { hash, of, first: first.into(), second: second.into(), number });
        if self.slots.len() < self.entries.len() * 2 {
            let size = (self.entries.len() * 4).next_power_of_two();
            self.slots = vec![0; size];
            (0..self.entries.len()).for_each(|index| self.place(index));
        } else {
            self.place(self.entries.len() - 1);
        }
    }

    fn place(&mut self, index: usize) {
        let mask = self.slots.len() - 1;
        let mut slot = self.entries[index].hash as usize & mask;
        while self.slots[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = index as u32 + 1;
    }

    /// How many names of a kind there are.
    pub(super) fn count(&self, of: Of) -> usize {
        self.entries.iter().filter(|entry| entry.of == of).count()
    }
}

/// In `recent`, of the texts that stand there.
#[inline(always)]
fn place(first: &str, second: &str) -> usize {
    let place = first.as_ptr() as usize ^ second.as_ptr() as usize >> 3;
    (place ^ place >> 6) % RECENT
}

/// Folded products of eight bytes at a time; the lengths keep "a", "bc" and "ab", "c" apart.
#[inline]
fn hash(seed: u64, of: Of, first: &str, second: &str) -> u64 {
    let lengths = (first.len() as u64) << 32 ^ second.len() as u64;
    let state = fold(seed ^ of as u64, lengths);
    fold_text(fold_text(state, first.as_bytes()), second.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_others_are_not() {
        let mut names = Names::default();
        let all = |number: u32| (format!("m{number}"), format!("class {}", number / 3));
        for number in 0..2_000 {
            let (method, class) = all(number);
            assert_eq!(names.get(Of::Server, &method, &class), None);
            names.insert(Of::Server, &method, &class, number);
        }
        for number in 0..2_000 {
            let (method, class) = all(number);
            assert_eq!(names.get(Of::Server, &method, &class), Some(number));
            assert_eq!(names.get_recent(Of::Server, &method, &class), None);
            assert_eq!(names.get_again(Of::Server, &method, &class), Some(number));
            assert_eq!(names.get_recent(Of::Server, &method, &class), Some(number));
            assert_eq!(names.get(Of::Client, &method, &class), None);
            assert_eq!(names.get(Of::Server, &class, &method), None);
        }
        assert_eq!((names.count(Of::Server), names.count(Of::Client)), (2_000, 0));
    }

    #[test]
    fn where_one_name_ends_matters() {
        let mut names = Names::default();
        names.insert(Of::Server, "ab", "c", 1);
        assert_eq!(names.get(Of::Server, "a", "bc"), None);
        let mut text = String::from("ab");
        assert_eq!(names.get_again(Of::Server, &text, "c"), Some(1));
        assert_eq!(names.get_recent(Of::Server, &text, "c"), Some(1));
        text.replace_range(.., "ba");
        assert_eq!(names.get_recent(Of::Server, &text, "c"), None);
        assert_eq!(names.get_again(Of::Server, &text, "c"), None, "the same place, another text");
        names.insert(Of::Server, "", "", 2);
        assert_eq!(names.get(Of::Server, "", ""), Some(2));
    }
}
