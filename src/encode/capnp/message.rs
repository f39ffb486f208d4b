//! Words of a message, written one behind the other.
//!
//! Pointers are relative: what points only into itself can be written first and copied to its place later.

use bytes::BytesMut;
use capnp::traits::HasStructSize;

use super::words;

/// The sizes of elements that a list's pointer can name.
const BYTES: u64 = 2;
const WORDS_OF_4: u64 = 4;
const WORDS_OF_8: u64 = 5;
const STRUCTS: u64 = 7;

/// The bits of a pointer's offset, and behind them what else it says.
const KIND_BITS: u32 = 2;
const OFFSET: u64 = 0xffff_ffff;

/// One segment, or a part of it. Places are counted in bytes from its beginning.
#[derive(Debug, Default)]
pub(super) struct Message {
    bytes: BytesMut,
}

/// A struct: where its data begin, and where its pointers do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    data: usize,
    pointers: usize,
}

/// A pointer that is not at its place yet: it counts from the beginning of the part that it leads into.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Target(u64);

impl Place {
    /// Where the pointer of this number stands.
    pub(super) fn pointer(self, number: usize) -> usize {
        self.pointers + 8 * number
    }
}

impl Target {
    /// Nothing is there.
    pub(super) const NONE: Self = Self(0);

    /// As it counts once its part stands `by` bytes further on.
    pub(super) fn behind(self, by: usize) -> Self {
        if self.0 == 0 { self } else { Self(self.0 + ((by as u64 / 8) << KIND_BITS)) }
    }

    /// As it stands at `at`, once what is `from` bytes behind the beginning is at `to`.
    #[inline]
    pub(super) fn word(self, from: usize, to: usize, at: usize) -> u64 {
        if self.0 == 0 {
            return 0;
        }
        let by = (to as u32).wrapping_sub(from as u32).wrapping_sub(at as u32 + 8);
        // Of bytes, words; it may be less than nothing.
        let by = (by as i32 / 8) << KIND_BITS;
        let low = (self.0 as u32).wrapping_add(by as u32);
        self.0 & !OFFSET | u64::from(low)
    }
}

impl Message {
    /// In a buffer; what is in it is forgotten.
    pub(super) fn within(mut bytes: BytesMut) -> Self {
        bytes.clear();
        Self { bytes }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The table of the one segment, whose size `finish` puts in, and the pointer to the root.
    pub(super) fn begin<T: HasStructSize>(&mut self) -> Place {
        self.words([0, 0]);
        self.structure::<T>(8)
    }

    pub(super) fn finish(mut self) -> BytesMut {
        let words = (self.bytes.len() / 8 - 1) as u32;
        self.set(4, words.to_le_bytes());
        self.bytes
    }

    /// Words behind all others.
    #[inline]
    pub(super) fn words<const N: usize>(&mut self, words: [u64; N]) {
        self.bytes.extend_from_slice(words.map(u64::to_le_bytes).as_flattened());
    }

    /// All of `part` that stands between `start` and `end`.
    pub(super) fn copy(&mut self, part: &Self, start: usize, end: usize) {
        self.bytes.extend_from_slice(part.bytes.get(start..end).unwrap_or_default());
    }

    pub(super) fn u16(&mut self, at: Place, number: usize, value: u16) {
        self.set(at.data + 2 * number, value.to_le_bytes());
    }

    pub(super) fn u32(&mut self, at: Place, number: usize, value: u32) {
        self.set(at.data + 4 * number, value.to_le_bytes());
    }

    pub(super) fn i32(&mut self, at: Place, number: usize, value: i32) {
        self.set(at.data + 4 * number, value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, at: Place, number: usize, value: u64) {
        self.set(at.data + 8 * number, value.to_le_bytes());
    }

    pub(super) fn f64(&mut self, at: Place, number: usize, value: f64) {
        self.set(at.data + 8 * number, value.to_le_bytes());
    }

    fn set<const N: usize>(&mut self, at: usize, value: [u8; N]) {
        if let Some(to) = self.bytes.get_mut(at..at + N) {
            to.copy_from_slice(&value);
        }
    }

    /// A struct behind all else, to which the pointer at `pointer` leads.
    pub(super) fn structure<T: HasStructSize>(&mut self, pointer: usize) -> Place {
        self.point(pointer, 0, shape::<T>());
        let place = self.place::<T>();
        self.bytes.resize(place.data + 8 * words::of::<T>(), 0);
        place
    }

    /// A list of structs, as they come one after the other.
    pub(super) fn list<T: HasStructSize>(
        &mut self,
        pointer: usize,
        length: usize,
    ) -> impl Iterator<Item = Place> + use<T> {
        self.open_list::<T>(pointer, length);
        let Place { data, pointers } = self.place::<T>();
        let step = 8 * words::of::<T>();
        self.bytes.resize(data + length * step, 0);
        (0..length).map(move |index| Place {
            data: data + index * step,
            pointers: pointers + index * step,
        })
    }

    /// The pointer and the head of a list of structs that follow.
    pub(super) fn open_list<T: HasStructSize>(&mut self, pointer: usize, length: usize) {
        self.point(pointer, 1, elements::<T>(length));
        self.words([head::<T>(length)]);
    }

    /// The head of a list whose length `close_list` puts in; gives its place.
    #[inline]
    pub(super) fn begin_list(&mut self) -> usize {
        self.words([0]);
        self.bytes.len() - 8
    }

    /// The list that began at `start` and whose elements all are there; an empty one is taken away.
    #[inline]
    pub(super) fn close_list<T: HasStructSize>(&mut self, start: usize) -> Target {
        let length = (self.bytes.len() - start - 8) / (8 * words::of::<T>());
        if length == 0 {
            self.bytes.truncate(start);
            return Target::NONE;
        }
        self.set(start, head::<T>(length).to_le_bytes());
        Target((start as u64 / 8) << KIND_BITS | 1 | elements::<T>(length))
    }

    /// A struct behind all else that no pointer leads to yet.
    pub(super) fn apart<T: HasStructSize>(&mut self) -> (Target, Place) {
        let place = self.place::<T>();
        self.bytes.resize(place.data + 8 * words::of::<T>(), 0);
        (Target((place.data as u64 / 8) << KIND_BITS | shape::<T>()), place)
    }

    /// Bytes, filled up to whole words.
    pub(super) fn data(&mut self, pointer: usize, bytes: &[u8]) {
        self.point(pointer, 1, BYTES << 32 | (bytes.len() as u64) << 35);
        self.bytes.extend_from_slice(bytes);
        self.fill();
    }

    /// Bytes as `write` puts them behind all else, filled up to whole words.
    pub(super) fn data_of<T>(
        &mut self,
        pointer: usize,
        write: impl FnOnce(&mut BytesMut) -> T,
    ) -> T {
        self.point(pointer, 1, 0);
        let start = self.bytes.len();
        let written = write(&mut self.bytes);
        let length = (self.bytes.len() - start) as u32;
        self.set(pointer + 4, (length << 3 | BYTES as u32).to_le_bytes());
        self.fill();
        written
    }

    /// Numbers of four bytes.
    pub(super) fn u32s(&mut self, pointer: usize, from: impl ExactSizeIterator<Item = u32>) {
        self.point(pointer, 1, WORDS_OF_4 << 32 | (from.len() as u64) << 35);
        from.for_each(|number| self.bytes.extend_from_slice(&number.to_le_bytes()));
        self.fill();
    }

    /// Numbers of eight bytes; none leave the list out.
    pub(super) fn u64s(&mut self, pointer: usize, from: impl ExactSizeIterator<Item = u64>) {
        if from.len() != 0 {
            self.point(pointer, 1, WORDS_OF_8 << 32 | (from.len() as u64) << 35);
            from.for_each(|number| self.bytes.extend_from_slice(&number.to_le_bytes()));
        }
    }

    /// The room of `count` structs, to be written to.
    pub(super) fn room<T: HasStructSize>(&mut self, count: usize) -> &mut [u8] {
        let at = self.bytes.len();
        self.bytes.resize(at + count * 8 * words::of::<T>(), 0);
        self.bytes.get_mut(at..).unwrap_or_default()
    }

    /// The next struct's place, if it were there.
    fn place<T: HasStructSize>(&self) -> Place {
        let data = self.bytes.len();
        Place { data, pointers: data + 8 * T::STRUCT_SIZE.data as usize }
    }

    /// A pointer to what comes next.
    fn point(&mut self, pointer: usize, kind: u32, shape: u64) {
        let offset = (self.bytes.len() as u32).wrapping_sub(pointer as u32 + 8) / 8;
        let low = offset << KIND_BITS | kind;
        self.set(pointer, (shape | u64::from(low)).to_le_bytes());
    }

    fn fill(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }
}

/// What a pointer to a struct says of it.
fn shape<T: HasStructSize>() -> u64 {
    let size = T::STRUCT_SIZE;
    u64::from(size.data) << 32 | u64::from(size.pointers) << 48
}

/// What a pointer to a list of structs says of it: its length in words.
#[inline]
fn elements<T: HasStructSize>(length: usize) -> u64 {
    STRUCTS << 32 | ((length * words::of::<T>()) as u64) << 35
}

/// What stands before the first struct of a list.
#[inline]
fn head<T: HasStructSize>(length: usize) -> u64 {
    (length as u64) << KIND_BITS | shape::<T>()
}
