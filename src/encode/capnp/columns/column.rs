//! One column: numbers in as few bytes as they take, as `schema/columns.capnp` has them.

use super::super::message::{Message, Place};
use crate::schema::columns_capnp::{attribute, column};

/// What stands behind the last cell, so that each can be read as a whole word.
const SLACK: usize = 8;

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

    /// One of which all numbers are 0 is left out.
    pub(super) fn write(&self, to: &mut Message, pointer: usize) {
        if (self.base, self.step, self.width) != (0, 0, 0) {
            let at = to.structure::<column::Builder<'_>>(pointer);
            to.u64(at, 0, self.base);
            to.u64(at, 1, self.step);
            to.u32(at, 4, self.start);
            to.u32(at, 5, self.width.into());
        }
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
}

/// The cells of a batch.
#[derive(Debug, Default)]
pub(super) struct Cells {
    bytes: Vec<u8>,
    /// The numbers of the column that is being made.
    numbers: Vec<u64>,
}

impl Cells {
    /// Adds a column.
    #[inline]
    pub(super) fn add(&mut self, numbers: impl Iterator<Item = u64>) -> Column {
        self.numbers.clear();
        self.numbers.extend(numbers);
        self.pack()
    }

    fn pack(&mut self) -> Column {
        let plain = self.within(0);
        let mut best = plain;
        if let (2..=6, [first, .., last], true) =
            (plain.width, &self.numbers[..], self.numbers.len() >= STEPPED)
        {
            // What grows evenly, as times and the places of new texts do, is near to a line.
            let steps = (self.numbers.len() - 1) as i64;
            let slope = (last.wrapping_sub(*first) as i64) / steps;
            if slope != 0 {
                let sloped = self.within(slope as u64);
                best = if sloped.width < plain.width { sloped } else { plain };
            }
        }
        let start = self.bytes.len();
        self.write(best);
        Column { start: if best.width == 0 { 0 } else { start as u32 }, ..best }
    }

    /// The narrowest column of this step. Numbers are compared as signed ones: -1 is next to 0.
    fn within(&self, step: u64) -> Column {
        let (mut least, mut most, mut line) = (i64::MAX, i64::MIN, 0_u64);
        for number in &self.numbers {
            let number = number.wrapping_sub(line) as i64;
            least = least.min(number);
            most = most.max(number);
            line = line.wrapping_add(step);
        }
        if self.numbers.is_empty() {
            return Column::default();
        }
        let spread = most.wrapping_sub(least) as u64;
        let width = (u64::BITS - spread.leading_zeros()).div_ceil(8) as u8;
        Column { base: least as u64, step, start: 0, width }
    }

    fn write(&mut self, column: Column) {
        let Self { bytes, numbers } = self;
        let (width, mut line) = (usize::from(column.width), column.base);
        let cells = numbers.iter().map(|number| {
            let cell = number.wrapping_sub(line);
            line = line.wrapping_add(column.step);
            cell
        });
        match width {
            0 => {}
            1 => bytes.extend(cells.map(|cell| cell as u8)),
            _ => {
                let mut at = bytes.len();
                let end = at + numbers.len() * width;
                bytes.resize(end + SLACK, 0);
                for cell in cells {
                    if let Some(to) = bytes[at..].first_chunk_mut::<8>() {
                        *to = cell.to_le_bytes();
                    }
                    at += width;
                }
                bytes.truncate(end);
            }
        }
    }

    /// No more are to come.
    pub(super) fn finish(&mut self) {
        self.bytes.extend([0; SLACK]);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn read_back(numbers: &[u64]) -> (Vec<u64>, usize) {
        let mut cells = Cells::default();
        cells.add([1, 2, 3].into_iter());
        let column = cells.add(numbers.iter().copied());
        let length = cells.bytes.len() - 3;
        cells.finish();
        let bytes = cells.bytes();
        assert!(column.is_within(numbers.len() as u32, bytes));
        assert!(column.width == 0 || !column.is_within(numbers.len() as u32 + 1, bytes));
        let read = column.numbers(bytes);
        ((0..numbers.len()).map(|index| read.at(index)).collect(), length)
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
                let _ = (column.is_within(index as u32, &cells), column.numbers(&cells).at(index));
            }
        }
    }
}
