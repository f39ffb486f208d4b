//! One column: numbers in as few bytes as they take, as `schema/columns.capnp` has them.

use bytes::BytesMut;

use super::super::message::{Message, Place};
use crate::schema::columns_capnp::{attribute, column};

/// What stands behind the last cell, so that each can be read as a whole word.
const SLACK: usize = 8;

/// Cells that are made before they go behind the others.
const AT_ONCE: usize = 64;

/// Fewer numbers are not worth the search for a step.
const STEPPED: usize = 4;

/// Where the numbers are, and what makes them of their cells.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Column {
    base: u64,
    step: u64,
    start: u32,
    width: u8,
}

impl Column {
    pub(crate) fn read(from: column::Reader<'_>) -> Self {
        Self {
            base: from.get_base(),
            step: from.get_step(),
            start: from.get_start(),
            width: from.get_width(),
        }
    }

    pub(crate) fn read_attribute(from: attribute::Reader<'_>) -> Self {
        Self {
            base: from.get_base(),
            step: from.get_step(),
            start: from.get_start(),
            width: from.get_width(),
        }
    }

    /// One of which all numbers are the same.
    pub(super) fn constant(number: u64) -> Self {
        Self { base: number, ..Self::default() }
    }

    /// One of which all numbers are 0 is left out.
    pub(super) fn write(&self, to: &mut Message, pointer: usize) {
        if (self.base, self.step, self.width) != (0, 0, 0) {
            let at = to.structure::<column::Builder<'_>>(pointer);
            self.write_at(to, at);
        }
    }

    pub(super) fn write_at(&self, to: &mut Message, at: Place) {
        to.u64(at, 0, self.base);
        to.u64(at, 1, self.step);
        to.u32(at, 4, self.start);
        to.u32(at, 5, self.width.into());
    }

    pub(super) fn write_attribute(&self, key: u32, kind: u16, to: &mut Message, at: Place) {
        to.u64(at, 0, self.base);
        to.u64(at, 1, self.step);
        to.u32(at, 4, self.start);
        to.u32(at, 5, key);
        to.u16(at, 12, self.width.into());
        to.u16(at, 13, kind);
    }

    /// Whether `count` cells lie within `cells`.
    pub(crate) fn is_within(&self, count: u32, cells: &[u8]) -> bool {
        let end = u64::from(self.start) + u64::from(count) * u64::from(self.width) + SLACK as u64;
        self.width == 0 || count == 0 || (self.width <= 8 && end <= cells.len() as u64)
    }

    /// Ready to be read from.
    #[inline]
    pub(crate) fn numbers<'a>(&self, cells: &'a [u8]) -> Numbers<'a> {
        let width = usize::from(self.width.min(8));
        let mask = if width == 0 { 0 } else { u64::MAX >> (64 - 8 * width) };
        let cells = cells.get(self.start as usize..).unwrap_or_default();
        Numbers { base: self.base, step: self.step, mask, width, cells }
    }
}

/// The numbers of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers<'a> {
    base: u64,
    step: u64,
    mask: u64,
    width: usize,
    cells: &'a [u8],
}

impl Numbers<'_> {
    /// The one number that all of them are, if that can be seen here.
    pub(crate) fn constant(&self) -> Option<u64> {
        (self.width == 0 && self.step == 0).then_some(self.base)
    }

    /// The first `count` of them, if each is this number and one of these bytes.
    pub(crate) fn bytes(&self, count: usize) -> Option<(u64, &[u8])> {
        let are_bytes = self.width == 1 && self.step == 0;
        are_bytes.then_some((self.base, self.cells.get(..count)?))
    }

    /// That of item `index`; of a column that is not within its cells, some number.
    #[inline(always)]
    pub(crate) fn at(&self, index: usize) -> u64 {
        let line = self.base.wrapping_add(self.step.wrapping_mul(index as u64));
        if self.width == 0 {
            return line;
        }
        let at = index.wrapping_mul(self.width);
        let word = self.cells.get(at..).and_then(<[u8]>::first_chunk::<SLACK>);
        let cell = word.map_or(0, |word| u64::from_le_bytes(*word)) & self.mask;
        line.wrapping_add(cell)
    }

    /// The first `count` of them, in order; of a column that is not within its cells, fewer.
    #[inline(always)]
    pub(crate) fn each(&self, count: usize, mut take: impl FnMut(u64)) {
        self.fold(count, (), |(), number| take(number));
    }

    /// The same for what is made of all of them: handed on from one to the next, it needs no memory.
    #[inline(always)]
    pub(crate) fn fold<T>(&self, count: usize, first: T, mut add: impl FnMut(T, u64) -> T) -> T {
        let (base, step) = (self.base, self.step);
        if step == 0 {
            return self.fold_cells(count, first, |all, cell| add(all, base.wrapping_add(cell)));
        }
        let all = self.fold_cells(count, (first, base), |(all, line), cell| {
            (add(all, line.wrapping_add(cell)), line.wrapping_add(step))
        });
        all.0
    }

    #[inline(always)]
    fn fold_cells<T>(&self, count: usize, first: T, mut add: impl FnMut(T, u64) -> T) -> T {
        /// Cells of one width, each put together of its bytes: a loop that the compiler makes many at once of.
        macro_rules! cells {
            ($width:literal, $cell:pat => $number:expr) => {{
                let length = count.saturating_mul($width);
                let cells = self.cells.get(..length).unwrap_or(self.cells);
                let cells = cells.chunks_exact($width).filter_map(<[u8]>::first_chunk::<$width>);
                cells.fold(first, |all, $cell| add(all, $number))
            }};
        }
        let u16 = |low: &u8, high: &u8| u64::from(u16::from_le_bytes([*low, *high]));
        let u32 = |a: &u8, b: &u8, c: &u8, d: &u8| u64::from(u32::from_le_bytes([*a, *b, *c, *d]));
        match self.width {
            0 => (0..count).fold(first, |all, _| add(all, 0)),
            1 => cells!(1, [a] => (*a).into()),
            2 => cells!(2, [a, b] => u16(a, b)),
            3 => cells!(3, [a, b, c] => u16(a, b) | u64::from(*c) << 16),
            4 => cells!(4, [a, b, c, d] => u32(a, b, c, d)),
            5 => cells!(5, [a, b, c, d, e] => u32(a, b, c, d) | u64::from(*e) << 32),
            6 => cells!(6, [a, b, c, d, e, f] => u32(a, b, c, d) | u16(e, f) << 32),
            7 => cells!(7, [a, b, c, d, e, f, g] => {
                u32(a, b, c, d) | u16(e, f) << 32 | u64::from(*g) << 48
            }),
            _ => cells!(8, cell => u64::from_le_bytes(*cell)),
        }
    }
}

/// The cells of a batch, which are written where they will stand.
#[derive(Debug)]
pub(super) struct Cells<'a> {
    bytes: &'a mut BytesMut,
    /// Where they begin.
    origin: usize,
    /// The numbers of the column that is being made.
    numbers: &'a mut Vec<u64>,
}

impl<'a> Cells<'a> {
    /// Behind what is there; `numbers` is lent for its memory.
    pub(super) fn behind(bytes: &'a mut BytesMut, numbers: &'a mut Vec<u64>) -> Self {
        Self { origin: bytes.len(), bytes, numbers }
    }

    /// Adds a column. Numbers are compared as signed ones: -1 is next to 0.
    #[inline]
    #[allow(clippy::manual_inspect, reason = "through `inspect`, each number looks for room")]
    pub(super) fn add(&mut self, numbers: impl Iterator<Item = u64>) -> Column {
        let (mut least, mut most) = (i64::MAX, i64::MIN);
        self.numbers.clear();
        self.numbers.extend(numbers.map(|number| {
            least = least.min(number as i64);
            most = most.max(number as i64);
            number
        }));
        self.pack(least, most)
    }

    fn pack(&mut self, least: i64, most: i64) -> Column {
        if self.numbers.is_empty() {
            return Column::default();
        }
        // The narrowest one without a step.
        let plain = Column { base: least as u64, width: width(least, most), ..Column::default() };
        let best = match plain.width {
            0 => return plain,
            2..=6 if self.numbers.len() >= STEPPED => self.stepped(plain.width).unwrap_or(plain),
            _ => plain,
        };
        let start = self.bytes.len() - self.origin;
        self.write(best);
        Column { start: if best.width == 0 { 0 } else { start as u32 }, ..best }
    }

    /// One that is narrower than so many bytes by a step: what grows evenly, as times and the places of new
    /// texts do, is near to a line.
    fn stepped(&self, plain: u8) -> Option<Column> {
        let (first, last) = (self.numbers.first()?, self.numbers.last()?);
        let steps = self.numbers.len() - 1;
        let step = (last.wrapping_sub(*first) as i64 / steps as i64) as u64;
        if step == 0 {
            return None;
        }
        let off = |at: usize| {
            let number = self.numbers.get(at).copied().unwrap_or_default();
            number.wrapping_sub(step.wrapping_mul(at as u64)) as i64
        };
        let (mut least, mut most) = (off(0), off(0));
        // What lies nowhere near it is seen by a few already.
        for at in (1..8).map(|part| steps * part / 8) {
            least = least.min(off(at));
            most = most.max(off(at));
        }
        if width(least, most) >= plain {
            return None;
        }
        let mut line = 0_u64;
        for number in self.numbers.iter() {
            let number = number.wrapping_sub(line) as i64;
            least = least.min(number);
            most = most.max(number);
            line = line.wrapping_add(step);
        }
        let width = width(least, most);
        (width < plain).then_some(Column { base: least as u64, step, start: 0, width })
    }

    fn write(&mut self, column: Column) {
        let Self { bytes, numbers, .. } = self;
        let mut line = column.base;
        if column.step != 0 {
            for number in numbers.iter_mut() {
                *number = number.wrapping_sub(line);
                line = line.wrapping_add(column.step);
            }
            line = 0;
        }
        match column.width {
            0 => {}
            1 => narrow::<1>(bytes, numbers, line),
            2 => narrow::<2>(bytes, numbers, line),
            3 => narrow::<3>(bytes, numbers, line),
            4 => narrow::<4>(bytes, numbers, line),
            5 => narrow::<5>(bytes, numbers, line),
            6 => narrow::<6>(bytes, numbers, line),
            7 => narrow::<7>(bytes, numbers, line),
            _ => narrow::<8>(bytes, numbers, line),
        }
    }

    /// No more are to come; gives how many bytes they take.
    pub(super) fn finish(self) -> usize {
        self.bytes.extend_from_slice(&[0; SLACK]);
        self.bytes.len() - self.origin
    }
}

/// The bytes that tell apart all numbers from `least` to `most`.
fn width(least: i64, most: i64) -> u8 {
    let spread = most.wrapping_sub(least) as u64;
    (u64::BITS - spread.leading_zeros()).div_ceil(8) as u8
}

/// Adds what the numbers are more than `base`, in cells of so many bytes.
fn narrow<const WIDTH: usize>(to: &mut BytesMut, numbers: &[u64], base: u64) {
    let mut cells = [[0; WIDTH]; AT_ONCE];
    for numbers in numbers.chunks(AT_ONCE) {
        for (cell, number) in cells.iter_mut().zip(numbers) {
            let number = number.wrapping_sub(base).to_le_bytes();
            *cell = number.first_chunk().copied().unwrap_or([0; WIDTH]);
        }
        let cells = cells.get(..numbers.len()).unwrap_or_default();
        to.extend_from_slice(cells.as_flattened());
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn read_back(numbers: &[u64]) -> (Vec<u64>, usize) {
        let (mut bytes, mut room) = (BytesMut::from(&b"before"[..]), Vec::new());
        let mut cells = Cells::behind(&mut bytes, &mut room);
        cells.add([1, 2, 3].into_iter());
        let column = cells.add(numbers.iter().copied());
        let length = cells.finish() - 3 - SLACK;
        let bytes = &bytes[b"before".len()..];
        assert!(column.is_within(numbers.len() as u32, bytes));
        assert!(column.width == 0 || !column.is_within(numbers.len() as u32 + 1, bytes));
        let read = column.numbers(bytes);
        let mut each = Vec::new();
        read.each(numbers.len(), |number| each.push(number));
        assert!(each.iter().copied().eq((0..numbers.len()).map(|index| read.at(index))));
        (each, length)
    }

    #[test]
    fn numbers_take_what_they_differ_by() {
        let takes = |numbers: &[u64], bytes| {
            let (read, length) = read_back(numbers);
            assert_eq!(read, numbers);
            assert_eq!(length, bytes, "{numbers:?}");
        };
        takes(&[], 0);
        takes(&[u64::MAX; 9], 0);
        takes(&[1 << 60, (1 << 60) + 255], 2);
        takes(&[u64::MAX, 0, 1], 3);
        takes(&[0, 1 << 16], 6);
        takes(&[0, u64::MAX / 2, 1], 24);
        takes(&[1000, 2000, 3000, 4000, 5000], 0);
        takes(&[5000, 4000, 3001, 2000, 1000], 5);
        for width in 1..8 {
            let most = (1 << (8 * width)) - 1;
            takes(&[0, most, most & 0x0007_0605_0403_0201], 3 * width);
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(
            numbers in prop_oneof![
                vec(any::<u64>(), 0..40),
                vec(0_u64..70_000, 0..40),
                (any::<u64>(), vec(-300_i64..300, 0..40)).prop_map(|(base, all)| {
                    (0..).zip(all).map(|(k, by)| base.wrapping_add(k * 1000).wrapping_add(by as u64)).collect()
                }),
            ],
        ) {
            prop_assert_eq!(read_back(&numbers).0, numbers);
        }

        #[test]
        fn no_column_reads_beyond_its_cells(
            column in (any::<u64>(), any::<u64>(), any::<u32>(), any::<u8>()),
            cells in vec(any::<u8>(), 0..40),
            index in any::<usize>(),
        ) {
            let (base, step, start, width) = column;
            for start in [start, start % 64] {
                let column = Column { base, step, start, width };
                let numbers = column.numbers(&cells);
                let _ = (column.is_within(index as u32, &cells), numbers.at(index));
                numbers.each(index % 100, |_| ());
            }
        }
    }
}
