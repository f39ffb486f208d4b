//! Structs of one kind, each of them written as it will stand in the message but for where it leads.

use capnp::traits::HasStructSize;

use super::message::{Message, Target};
use super::words::{self, Run};

/// The items of a batch: `DATA` words each, and `POINTERS` pointers.
#[derive(Debug, Default)]
pub(super) struct Items<const DATA: usize, const POINTERS: usize> {
    items: Vec<Item<DATA, POINTERS>>,
    /// What is behind the pointers of each item, one item's behind the other's.
    pub(super) inside: Message,
}

#[derive(Debug)]
struct Item<const DATA: usize, const POINTERS: usize> {
    /// Whose it is.
    scope: u32,
    /// Its part of `inside`.
    part: (u32, u32),
    data: [u64; DATA],
    pointers: [Target; POINTERS],
}

impl<const DATA: usize, const POINTERS: usize> Items<DATA, POINTERS> {
    const SIZE: usize = 8 * (DATA + POINTERS);

    /// An item whose part of `inside` begins at `start` and is there.
    #[inline]
    pub(super) fn push(
        &mut self,
        scope: u32,
        start: usize,
        data: [u64; DATA],
        pointers: [Target; POINTERS],
    ) {
        let part = (start as u32, self.inside.len() as u32);
        self.items.push(Item { scope, part, data, pointers });
    }

    /// What they take, in bytes.
    pub(super) fn len(&self) -> usize {
        self.items.len() * Self::SIZE + self.inside.len()
    }

    /// Puts the items of each scope in a row; they keep their order.
    pub(super) fn sort(&mut self) {
        if !self.items.is_sorted_by_key(|item| item.scope) {
            self.items.sort_by_key(|item| item.scope);
        }
    }

    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.inside.clear();
    }

    /// The items of `run` as the list that `pointer` leads to.
    pub(super) fn write<T: HasStructSize>(&self, run: Run, to: &mut Message, pointer: usize) {
        const { assert!(Self::SIZE == 8 * words::of::<T>()) };
        let items = run.of(&self.items);
        to.open_list::<T>(pointer, items.len());
        let mut at = to.len();
        let mut part = at + items.len() * Self::SIZE;
        let room = to.room::<T>(items.len());
        for (room, item) in room.chunks_exact_mut(Self::SIZE).zip(items) {
            let start = item.part.0 as usize;
            let (mut words, mut place) = (room.chunks_exact_mut(8), at + 8 * DATA);
            // This way round: what takes from `words` first takes one too many.
            for (word, to) in item.data.into_iter().zip(words.by_ref()) {
                to.copy_from_slice(&word.to_le_bytes());
            }
            for (to, target) in words.zip(item.pointers) {
                to.copy_from_slice(&target.word(start, part, place).to_le_bytes());
                place += 8;
            }
            part += item.part.1 as usize - start;
            at += Self::SIZE;
        }
        // What stands in a row is copied at once, which is nearly always all.
        for row in items.chunk_by(|one, next| one.part.1 == next.part.0) {
            if let (Some(first), Some(last)) = (row.first(), row.last()) {
                to.copy(&self.inside, first.part.0 as usize, last.part.1 as usize);
            }
        }
    }
}
