//! Events and links, which most spans have none of: they stand as in rows, once for the batch.

use capnp::traits::HasStructSize;

use super::super::message::{Message, Target};
use super::super::words::{self, Run};

/// Elements of `DATA` words and a pointer to their attributes.
#[derive(Debug, Default)]
pub(super) struct Rare<const DATA: usize> {
    elements: Vec<([u64; DATA], Target)>,
    /// What the pointers lead to.
    pub(super) behind: Message,
}

impl<const DATA: usize> Rare<DATA> {
    pub(super) fn push(&mut self, data: [u64; DATA], attributes: Target) {
        self.elements.push((data, attributes));
    }

    pub(super) fn count(&self) -> usize {
        self.elements.len()
    }

    /// What they take, in bytes.
    pub(super) fn len(&self) -> usize {
        self.elements.len() * 8 * (DATA + 1) + self.behind.len()
    }

    /// Those of `runs`, one run behind the other, as the list that `pointer` leads to.
    pub(super) fn write<T: HasStructSize>(
        &self,
        runs: impl Iterator<Item = Run>,
        to: &mut Message,
        pointer: usize,
    ) {
        const { assert!(DATA + 1 == words::of::<T>()) };
        if self.elements.is_empty() {
            return;
        }
        to.open_list::<T>(pointer, self.elements.len());
        let behind = to.len() + self.elements.len() * 8 * (DATA + 1);
        for (data, attributes) in runs.flat_map(|run| run.of(&self.elements)) {
            let at = to.len() + 8 * DATA;
            to.words(*data);
            to.words([attributes.word(0, behind, at)]);
        }
        to.copy(&self.behind, 0, self.behind.len());
    }

    pub(super) fn clear(&mut self) {
        self.elements.clear();
        self.behind.clear();
    }
}
