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
    ends: Vec<u32>,
    blob: &'a str,
}

impl<'a> Strings<'a> {
    pub(super) fn open(table: string_table::Reader<'a>) -> Result<Self, Refusal> {
        let blob = table.get_blob()?;
        // Copied, since reading the list takes far longer.
        let ends = table.get_ends()?;
        let ends: Vec<u32> = if raw::get_list_step_size_in_bits(ends) == u32::BITS {
            let numbers = raw::get_list_bytes(ends).chunks_exact(4);
            numbers
                .filter_map(|number| number.first_chunk())
                .map(|n| u32::from_le_bytes(*n))
                .collect()
        } else {
            ends.iter().collect()
        };
        Self::of(ends, blob)
    }

    /// The texts of `blob`, of which each ends where `ends` says.
    pub(super) fn of(ends: Vec<u32>, blob: &'a [u8]) -> Result<Self, Refusal> {
        let blob = str::from_utf8(blob).map_err(|error| {
            let at = error.valid_up_to();
            Refusal::Malformed(format!("strings.blob: not UTF-8 at byte {at}"))
        })?;
        let mut last = 0;
        for (index, end) in ends.iter().enumerate() {
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
        Ok(Self { ends, blob })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Where the text lies in the blob.
    #[inline]
    fn place(&self, index: u32) -> Option<(usize, usize)> {
        let index = index as usize;
        if index == 0 {
            return Some((0, 0));
        }
        let (start, end) = (self.ends.get(index - 1)?, self.ends.get(index)?);
        Some((*start as usize, *end as usize))
    }

    #[inline]
    pub(super) fn length(&self, index: u32) -> Option<usize> {
        self.place(index).map(|(start, end)| end - start)
    }

    #[inline]
    pub(super) fn text(&self, index: u32) -> Option<&'a str> {
        let (start, end) = self.place(index)?;
        self.blob.get(start..end)
    }
}
