//! The table of texts.

use std::{slice, str};

use capnp::raw;

use super::Refusal;
use crate::encode::capnp::columns::Numbers;
use crate::schema::common_capnp::string_table;

/// A list of texts may be so many times as long as the texts.
const LISTED: usize = 2;

/// All texts of a batch, checked once: what is left for each use is a bounds check.
///
/// They stay where they are. A list of slices is the fastest way to one, and of a table of very short texts it would
/// be memory of many times the peer's choice: there they are cut out when they are named.
pub(super) struct Strings<'a> {
    /// Empty unless they are listed.
    texts: Vec<&'a str>,
    /// Where text 0 begins, and where each one ends, unless they are listed.
    bounds: Vec<u32>,
    blob: &'a str,
}

/// What the texts of a column have.
#[derive(Clone, Copy, Default)]
pub(super) struct Lengths {
    /// All of them together.
    pub(super) bytes: u64,
    /// No less than the longest, and less than twice as much.
    pub(super) longest: u64,
}

impl Lengths {
    #[inline(always)]
    fn with(self, length: usize) -> Self {
        Self { bytes: self.bytes + length as u64, longest: self.longest | length as u64 }
    }
}

/// Cuts texts off a blob, one after the other. It is handed on by value, so that it needs no memory.
pub(super) struct Cutter<'t, 'a> {
    texts: slice::IterMut<'t, &'a str>,
    rest: &'a str,
    is_right: bool,
}

impl Cutter<'_, '_> {
    /// The next text.
    #[inline(always)]
    pub(super) fn cut(mut self, length: usize) -> Self {
        match (self.rest.split_at_checked(length), self.texts.next()) {
            (Some((text, rest)), Some(place)) => {
                *place = text;
                self.rest = rest;
            }
            _ => self.is_right = false,
        }
        self
    }
}

impl<'a> Strings<'a> {
    pub(super) fn open(table: string_table::Reader<'a>) -> Result<Self, Refusal> {
        let (blob, ends) = (table.get_blob()?, table.get_ends()?);
        // The library's own way to an element takes far longer.
        let has_numbers = raw::get_list_step_size_in_bits(ends) == u32::BITS;
        let numbers = if has_numbers { raw::get_list_bytes(ends) } else { &[] };
        let numbers = numbers.chunks_exact(4).filter_map(<[u8]>::first_chunk);
        let numbers = numbers.map(|end| u32::from_le_bytes(*end));
        Self::of(
            blob,
            ends.len() as usize,
            |cutter| {
                let all = numbers.fold((cutter, 0), |(cutter, last), end| {
                    let end = end as usize;
                    // Of an end that is before its beginning more than any blob has.
                    (cutter.cut(end.wrapping_sub(last)), end)
                });
                all.0
            },
            || Ok(ends.iter()),
        )
    }

    /// The `count` texts of `blob`, which `cut` cuts. If something is wrong with that, `ends` tell what.
    #[inline(always)]
    pub(super) fn of<I: Iterator<Item = u32>>(
        blob: &'a [u8],
        count: usize,
        cut: impl for<'t> FnOnce(Cutter<'t, 'a>) -> Cutter<'t, 'a>,
        ends: impl FnOnce() -> Result<I, Refusal>,
    ) -> Result<Self, Refusal> {
        let blob = str::from_utf8(blob).map_err(|error| {
            let at = error.valid_up_to();
            Refusal::Malformed(format!("strings.blob: not UTF-8 at byte {at}"))
        })?;
        if count.saturating_mul(size_of::<&str>()) <= LISTED * blob.len() {
            let mut texts = vec![""; count];
            let cutter = cut(Cutter { texts: texts.iter_mut(), rest: blob, is_right: true });
            let is_whole = cutter.rest.is_empty() && cutter.texts.len() == 0;
            // Text 0 is the empty one.
            if cutter.is_right && is_whole && texts.first().is_some_and(|text| text.is_empty()) {
                return Ok(Self { texts, bounds: Vec::new(), blob });
            }
        }
        let mut bounds = Vec::with_capacity(count + 2);
        bounds.push(0);
        bounds.extend(ends()?);
        check(&bounds, blob)?;
        if bounds.len() == 1 {
            // Text 0 is there also where there are none.
            bounds.push(0);
        }
        Ok(Self { texts: Vec::new(), bounds, blob })
    }

    /// How many there are, text 0 included.
    pub(super) fn len(&self) -> usize {
        self.texts.len().max(self.bounds.len().saturating_sub(1))
    }

    #[inline(always)]
    pub(super) fn length(&self, index: u32) -> Option<usize> {
        self.text(index).map(str::len)
    }

    #[inline(always)]
    pub(super) fn text(&self, index: u32) -> Option<&'a str> {
        match self.texts.get(index as usize) {
            Some(text) => Some(text),
            None => self.cut_out(index as usize),
        }
    }

    /// A text that is not listed.
    #[inline(never)]
    fn cut_out(&self, index: usize) -> Option<&'a str> {
        match (self.bounds.get(index), self.bounds.get(index.checked_add(1)?)) {
            (Some(start), Some(end)) => self.blob.get(*start as usize..*end as usize),
            _ => None,
        }
    }

    /// How long the texts of a column are; or the number of one that is not there.
    pub(super) fn lengths(&self, numbers: &Numbers<'_>, count: usize) -> Result<Lengths, u64> {
        let none = Lengths::default();
        if let Some((first, bytes)) = numbers.bytes(count) {
            let near = usize::try_from(first).ok().and_then(|first| self.texts.get(first..));
            // Whatever number a byte adds to the first, there is a text of it.
            if let Some(near) = near.and_then(<[&str]>::first_chunk::<256>) {
                return Ok(bytes.iter().fold(none, |all, byte| {
                    all.with(near.get(usize::from(*byte)).map_or(0, |text| text.len()))
                }));
            }
        }
        let (lengths, are_listed) = numbers.fold(count, (none, true), |(all, is), number| {
            match usize::try_from(number).ok().and_then(|index| self.texts.get(index)) {
                Some(text) => (all.with(text.len()), is),
                None => (all, false),
            }
        });
        if are_listed { Ok(lengths) } else { self.lengths_one_by_one(numbers, count) }
    }

    /// The same, of those that are not listed or not there.
    #[cold]
    fn lengths_one_by_one(&self, numbers: &Numbers<'_>, count: usize) -> Result<Lengths, u64> {
        let none = Lengths::default();
        (0..count).map(|at| numbers.at(at)).try_fold(none, |all, number| {
            let text = u32::try_from(number).ok().and_then(|index| self.text(index));
            text.map(|text| all.with(text.len())).ok_or(number)
        })
    }

    /// All of them.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'a str> {
        let listed = self.texts.iter().copied();
        let others = self.bounds.windows(2).filter_map(|bounds| match bounds {
            [start, end] => self.blob.get(*start as usize..*end as usize),
            _ => None,
        });
        listed.chain(others)
    }
}

/// Each text of `blob` begins at one of the bounds and ends at the next. The first one is empty.
fn check(bounds: &[u32], blob: &str) -> Result<(), Refusal> {
    let (mut last, length) = (0, blob.len());
    for (index, end) in bounds.iter().skip(1).enumerate() {
        let wrong = match *end as usize {
            end if index == 0 && end != 0 => "and text 0 is empty by definition",
            end if end < last => "which is before its beginning",
            end if end > length => "which is behind the blob's end",
            end if !blob.is_char_boundary(end) => "which is inside a character",
            end => {
                last = end;
                continue;
            }
        };
        return Err(Refusal::Malformed(format!(
            "strings.ends[{index}]: the text ends at byte {end} of {length}, {wrong}"
        )));
    }
    if last == length {
        return Ok(());
    }
    Err(Refusal::Malformed(format!(
        "strings.ends: the last text ends at byte {last}, and the blob has {length}"
    )))
}
