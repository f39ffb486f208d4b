//! What things take in a message, in its words of eight bytes.

use capnp::traits::HasStructSize;

/// Some neighbours in a list that everything of one kind is staged in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    start: u32,
    end: u32,
}

impl Run {
    /// Those from `start` on, of a list that has `end` by now.
    #[inline]
    pub(super) fn since(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    pub(super) fn bits(self) -> u64 {
        u64::from(self.start) << 32 | u64::from(self.end)
    }

    pub(super) fn of_bits(bits: u64) -> Self {
        Self { start: (bits >> 32) as u32, end: bits as u32 }
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    #[inline]
    pub(super) fn of<T>(self, all: &[T]) -> &[T] {
        &all[self.start as usize..self.end as usize]
    }
}

/// A struct where it stands alone.
pub(super) const fn of<T: HasStructSize>() -> usize {
    T::STRUCT_SIZE.data as usize + T::STRUCT_SIZE.pointers as usize
}
