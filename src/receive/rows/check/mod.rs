//! One walk through a whole message before anything is made of it.
//!
//! It shows that every pointer leads somewhere, every text is in the table and every union is known;
//! it counts the items, and how long the batch would be as OTLP: a table's text is written there as often
//! as it is named, so a message of 1 MB can stand for 1 GB.

mod columns;
mod logs;
mod metrics;
mod traces;
mod value;

use super::Refusal;
use super::segment::{Segment, Structs};
use super::strings::Strings;
use crate::schema::common_capnp::scope;
use crate::schema::ingest_capnp::rows;
use crate::schema::resource_capnp::resource;

pub(super) use columns::check as check_columns;

/// At most what a field takes as protobuf, with its tag: an integer, a fixed one of 8 bytes, a trace's id
/// and a span's.
const INT: u64 = 11;
const FIXED: u64 = 9;
const TRACE: u64 = 18;
const SPAN: u64 = 10;

/// What the walk keeps.
pub(super) struct Check<'a> {
    strings: &'a Strings<'a>,
    segment: Segment<'a>,
    /// Words that lists may still have: whoever goes to each once stays within this, and pointers to one place from
    /// many do not.
    words: usize,
    /// What the batch may take as OTLP.
    limit: u64,
    /// What it takes, or a little more.
    size: u64,
    items: u64,
    cut: u64,
}

/// What the walk found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// The batch is not longer than this as OTLP.
    pub(super) otlp_bytes: u64,
    /// Arrays and maps that lie deeper than OTLP's decoders look, so that they are left out there.
    pub(super) cut: u64,
}

/// Checks all that `rows` holds: `items` spans, log records or points.
pub(super) fn check<'a>(
    rows: rows::Reader<'a>,
    mut check: Check<'a>,
    items: u32,
) -> Result<Found, Refusal> {
    match rows.which().map_err(|kind| super::refusal::unknown("rows", kind))? {
        rows::Unset(()) => {}
        rows::Traces(data) => check.traces(data?)?,
        rows::Metrics(data) => check.metrics(data?)?,
        rows::Logs(data) => check.logs(data?)?,
    }
    if check.items != u64::from(items) {
        return Err(Refusal::Malformed(format!(
            "the batch holds {} items, and itemCount announces {items}",
            check.items
        )));
    }
    Ok(Found { otlp_bytes: check.size, cut: check.cut })
}

impl<'a> Check<'a> {
    /// Of a message of so many words.
    pub(super) fn new(
        strings: &'a Strings<'a>,
        segment: Segment<'a>,
        words: usize,
        otlp_bytes: usize,
    ) -> Self {
        let limit = otlp_bytes as u64;
        Self { strings, segment, words, limit, size: 0, items: 0, cut: 0 }
    }

    /// One more list.
    #[inline]
    fn walk(&mut self, list: Structs<'_>) -> Result<(), Refusal> {
        let Some(words) = self.words.checked_sub(list.words()) else { return Err(walked()) };
        self.words = words;
        Ok(())
    }

    /// `bytes` more of OTLP.
    #[inline]
    fn grow(&mut self, bytes: u64) -> Result<(), Refusal> {
        self.size += bytes;
        if self.size > self.limit { Err(self.too_large()) } else { Ok(()) }
    }

    #[cold]
    fn too_large(&self) -> Refusal {
        Refusal::TooLarge(format!(
            "the batch takes more than {} bytes as OTLP: send smaller batches",
            self.limit
        ))
    }

    /// What a text takes as a field.
    #[inline]
    fn text(&self, index: u32, field: &'static str) -> Result<u64, Refusal> {
        self.text_bytes(index).ok_or_else(|| self.no_text(index, field))
    }

    /// The same; `None` of one that is not there. Empty ones are not always left out.
    #[inline(always)]
    fn text_bytes(&self, index: u32) -> Option<u64> {
        Some(delimited(self.strings.length(index)? as u64))
    }

    #[cold]
    fn no_text(&self, index: u32, field: &'static str) -> Refusal {
        let texts = self.strings.len();
        Refusal::Malformed(format!("{field}: text {index} of a table of {texts}"))
    }

    fn resource(&mut self, from: resource::Reader<'_>, schema_url: u32) -> Result<(), Refusal> {
        self.grow(2 * LONG_HEAD + INT + self.text(schema_url, "schemaUrl")?)?;
        self.built_pairs(from.get_attributes()?, "resource.attributes")?;
        for entity in from.get_entity_refs()? {
            let kind = self.text(entity.get_type(), "entityRef.type")?;
            let url = self.text(entity.get_schema_url(), "entityRef.schemaUrl")?;
            self.grow(LONG_HEAD + kind + url)?;
            for key in entity.get_id_keys()?.iter().chain(entity.get_description_keys()?.iter()) {
                self.grow(delimited(0) + self.text(key, "entityRef's keys")?)?;
            }
        }
        Ok(())
    }

    fn scope(&mut self, from: scope::Reader<'_>, schema_url: u32) -> Result<(), Refusal> {
        let name = self.text(from.get_name(), "scope.name")?;
        let version = self.text(from.get_version(), "scope.version")?;
        let url = self.text(schema_url, "schemaUrl")?;
        self.grow(2 * LONG_HEAD + INT + name + version + url)?;
        self.built_pairs(from.get_attributes()?, "scope.attributes")?;
        Ok(())
    }
}

#[cold]
fn walked() -> Refusal {
    let sentence = "not a message that can be read: many of its pointers lead to one place";
    Refusal::Malformed(sentence.to_owned())
}

/// The most that the tag and the length of a message take.
const LONG_HEAD: u64 = 6;

/// What `length` bytes take with their tag and their length.
#[inline]
const fn delimited(length: u64) -> u64 {
    if length < 0x80 { 2 + length } else { LONG_HEAD + length }
}
