//! What things take in a message, in its words of eight bytes: they are known before it is made.

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

/// A list of structs behind its head; without elements there is no list.
#[inline]
pub(super) const fn list<T: HasStructSize>(length: usize) -> usize {
    if length == 0 { 0 } else { 1 + length * of::<T>() }
}

/// Bytes, filled up to whole words.
#[inline]
pub(super) const fn of_bytes(length: usize) -> usize {
    length.div_ceil(8)
}

/// Numbers into a list of their kind; none leave it out.
macro_rules! numbers {
    ($from:expr, $to:expr, $init:ident) => {
        let from = $from;
        if !from.is_empty() {
            let mut list = $to.$init(from.len() as u32);
            (0..).zip(from).for_each(|(index, number)| list.set(index, *number));
        }
    };
}
pub(super) use numbers;
