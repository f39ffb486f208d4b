//! The table of texts.

use std::str;

use capnp::raw;

use super::Refusal;
use crate::schema::common_capnp::string_table;

/// All texts of a batch, checked once: what is left for each use is a bounds check.
///
/// The texts stay where they are and are cut out when they are named: a list of slices would be memory of
/// four times the peer's choice.
pub(super) struct Strings<'a> {
    /// Where text 0 begins, and where each one ends.
    bounds: Vec<u32>,
    blob: &'a str,
}

impl<'a> Strings<'a> {
    pub(super) fn open(table: string_table::Reader<'a>) -> Result<Self, Refusal> {
        let blob = table.get_blob()?;
        // Copied, since reading the list takes far longer.
        let ends = table.get_ends()?;
        let mut bounds = Vec::with_capacity(ends.len() as usize + 1);
        bounds.push(0);
        if raw::get_list_step_size_in_bits(ends) == u32::BITS {
            let numbers = raw::get_list_bytes(ends).chunks_exact(4);
            bounds.extend(
                numbers.filter_map(|number| number.first_chunk()).map(|n| u32::from_le_bytes(*n)),
            );
        } else {
            bounds.extend(ends.iter());
        }
        Self::of(bounds, blob)
    }

    /// The texts of `blob`: each begins at one of the bounds and ends at the next. The first one is 0.
    pub(super) fn of(mut bounds: Vec<u32>, blob: &'a [u8]) -> Result<Self, Refusal> {
        let blob = str::from_utf8(blob).map_err(|error| {
            let at = error.valid_up_to();
            Refusal::Malformed(format!("strings.blob: not UTF-8 at byte {at}"))
        })?;
        let mut last = 0;
        for (index, end) in bounds.iter().skip(1).enumerate() {
            let wrong = match *end as usize {
                end if index == 0 && end != 0 => "and text 0 is empty by definition",
                end if end < last => "which is before its beginning",
                end if end > blob.len() => "which is behind the blob's end",
                end if !blob.is_char_boundary(end) => "which is inside a character",
                end => {
                    last = end;
                    continue;
                }
            };
            return Err(Refusal::Malformed(format!(
                "strings.ends[{index}]: the text ends at byte {end} of {}, {wrong}",
                blob.len()
            )));
        }
        if last != blob.len() {
            return Err(Refusal::Malformed(format!(
                "strings.ends: the last text ends at byte {last}, and the blob has {}",
                blob.len()
            )));
        }
        if bounds.len() == 1 {
            // Text 0 is there also where there are none.
            bounds.push(0);
        }
        Ok(Self { bounds, blob })
    }

    /// How many there are, text 0 included.
    pub(super) fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    /// Where the text lies in the blob.
    #[inline(always)]
    fn place(&self, index: usize) -> Option<(usize, usize)> {
        let (start, end) = (self.bounds.get(index)?, self.bounds.get(index.wrapping_add(1))?);
        Some((*start as usize, *end as usize))
    }

    #[inline]
    pub(super) fn length(&self, index: u32) -> Option<usize> {
        self.length_of(index.into())
    }

    /// The same for what has room for more than an index.
    #[inline(always)]
    pub(super) fn length_of(&self, index: u64) -> Option<usize> {
        let (start, end) = self.place(usize::try_from(index).ok()?)?;
        // They never decrease.
        Some(end.wrapping_sub(start))
    }

    #[inline]
    pub(super) fn text(&self, index: u32) -> Option<&'a str> {
        let (start, end) = self.place(index as usize)?;
        self.blob.get(start..end)
    }

    /// All of them.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'a str> {
        (0..self.len() as u32).filter_map(|index| self.text(index))
    }
}
