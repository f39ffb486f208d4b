//! The rows as the views that every sink reads.
//!
//! All has been checked, so reading does not fail. Where it does all the same, the views say less and the
//! fault is noted: what was made of them is then thrown away.

mod columns;
mod log;
mod metric;
mod resource;
mod span;
mod value;

use std::cell::Cell;
use std::fmt;

use capnp::struct_list;
use capnp::traits::OwnedStruct;

use super::Refusal;
use super::segment::Segment;
use super::strings::Strings;

pub(crate) use columns::Columns;
pub(super) use log::LogRow;
pub(super) use metric::with_metric;
pub(super) use resource::{with_resource, with_scope};
pub(super) use span::SpanRow;

/// What every view needs beside its row.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    pub(super) strings: &'a Strings<'a>,
    pub(super) segment: Segment<'a>,
    pub(super) fault: &'a Fault,
}

/// Whether something could not be read that had been read before.
#[derive(Default)]
pub(super) struct Fault(Cell<Option<Refusal>>);

impl Fault {
    #[cold]
    fn note(&self, refusal: Refusal) {
        self.0.set(Some(refusal));
    }

    /// What was noted, if anything was.
    pub(super) fn into_result(self) -> Result<(), Refusal> {
        self.0.into_inner().map_or(Ok(()), Err)
    }
}

impl<'a> Table<'a> {
    /// The text at `index`.
    #[inline]
    fn text(&self, index: u32) -> &'a str {
        self.strings.text(index).unwrap_or_else(|| {
            self.fault.note(not_there(index));
            ""
        })
    }

    /// The elements of a list, none if it could not be read.
    #[inline]
    pub(super) fn list<T: OwnedStruct>(
        &self,
        list: capnp::Result<struct_list::Reader<'a, T>>,
    ) -> impl Iterator<Item = T::Reader<'a>> + use<'a, T> {
        self.read(list).into_iter().flatten()
    }

    /// What was read, unless it could not be.
    #[inline]
    pub(super) fn read<T, E: Into<Refusal>>(&self, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault.note(error.into());
                None
            }
        }
    }
}

/// A text that was there when all was checked.
#[cold]
fn not_there(index: impl fmt::Display) -> Refusal {
    Refusal::Malformed(format!("text {index}: not in the table"))
}

/// The 16 bytes of a trace's id.
#[inline]
fn trace(high: u64, low: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}
