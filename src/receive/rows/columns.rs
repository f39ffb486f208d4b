//! The columns of a batch's spans: where each is, and that it lies within the cells.

use std::vec;

use super::Refusal;
use super::strings::Strings;
use crate::encode::capnp::columns::{Column, Numbers};
use crate::schema::columns_capnp::attribute::Kind;
use crate::schema::columns_capnp::{attribute, columns, shape, spans};

/// Says which column, where one does not lie within the cells.
fn opened<'a>(
    column: Column,
    count: u32,
    cells: &'a [u8],
    name: &str,
) -> Result<Numbers<'a>, Refusal> {
    if column.is_within(count, cells) {
        return Ok(column.numbers(cells));
    }
    let length = cells.len();
    Err(Refusal::Malformed(format!(
        "columns.{name}: its {count} cells are not within the {length} bytes of cells: {column:?}"
    )))
}

/// What the numbers of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Numbers,
    /// Indexes of texts.
    Texts,
    /// Indexes of values that no number can hold.
    Values,
}

macro_rules! fields {
    ($($name:ident: $content:ident $get:ident of $count:ident,)*) => {
        /// The columns of fields that every span has.
        pub(super) struct Fields<'a> { $(pub(super) $name: Numbers<'a>,)* }

        impl<'a> Fields<'a> {
            pub(super) fn open(from: spans::Reader<'a>, cells: &'a [u8]) -> Result<Self, Refusal> {
                Ok(Self { $(
                    $name: {
                        let column = Column::read(from.$get()?);
                        opened(column, from.$count(), cells, &stringify!($get)[4..])?
                    },
                )* })
            }

            /// Each with its name, and how many numbers it has.
            #[inline(always)]
            pub(super) fn each(
                &self,
                from: spans::Reader<'a>,
                mut take: impl FnMut(&'static str, Content, &Numbers<'a>, usize),
            ) {
                $(take(stringify!($name), Content::$content, &self.$name, from.$count() as usize);)*
            }
        }
    };
}

fields! {
    trace_high: Numbers get_trace_id_high of get_trace_count,
    trace_low: Numbers get_trace_id_low of get_trace_count,
    trace: Numbers get_trace of get_count,
    span: Numbers get_span_id of get_count,
    parent: Numbers get_parent_span_id of get_count,
    start: Numbers get_start_time_unix_nano of get_count,
    duration: Numbers get_duration of get_count,
    flags: Numbers get_flags of get_count,
    name: Texts get_name of get_count,
    trace_state: Texts get_trace_state of get_count,
    kind: Numbers get_kind of get_count,
    status_code: Numbers get_status_code of get_count,
    status_message: Texts get_status_message of get_count,
    dropped_attributes: Numbers get_dropped_attributes_count of get_count,
    dropped_events: Numbers get_dropped_events_count of get_count,
    dropped_links: Numbers get_dropped_links_count of get_count,
    shape: Numbers get_shape of get_count,
    events: Numbers get_event_count of get_count,
    links: Numbers get_link_count of get_count,
}

/// An attribute of a shape.
pub(super) struct Attribute<'a> {
    /// Index of a text.
    pub(super) key: u32,
    pub(super) kind: Kind,
    pub(super) numbers: Numbers<'a>,
}

impl<'a> Attribute<'a> {
    /// An attribute of a shape that `count` spans have.
    pub(super) fn open(
        from: attribute::Reader<'a>,
        count: u32,
        cells: &'a [u8],
    ) -> Result<Self, Refusal> {
        let kind = from.get_kind();
        let kind = kind.map_err(|kind| super::refusal::unknown("kind of an attribute", kind))?;
        let numbers = opened(Column::read_attribute(from), count, cells, "shapes.attributes")?;
        Ok(Self { key: from.get_key(), kind, numbers })
    }
}

/// The attributes of a shape that was checked.
pub(super) fn attributes<'a>(
    from: shape::Reader<'a>,
    cells: &'a [u8],
) -> Result<Vec<Attribute<'a>>, Refusal> {
    let list = from.get_attributes()?;
    list.into_iter().map(|attribute| Attribute::open(attribute, 0, cells)).collect()
}

/// How many of `spans` spans have each of the shapes; or the number of one that is not there.
pub(super) fn counts(shape: &Numbers<'_>, spans: u32, shapes: usize) -> Result<Vec<u32>, u64> {
    let (mut counts, mut wrong) = (vec![0; shapes], None);
    // Where all have the same one, one look is enough.
    let (looks, each) = match shape.constant() {
        Some(_) => (spans.min(1), spans),
        None => (spans, 1),
    };
    shape.each(looks as usize, |shape| {
        match usize::try_from(shape).ok().and_then(|shape| counts.get_mut(shape)) {
            Some(count) => *count += each,
            None => _ = wrong.get_or_insert(shape),
        }
    });
    wrong.map_or(Ok(counts), Err)
}

/// All texts, by their lengths.
pub(super) fn strings<'a>(
    from: columns::Reader<'_>,
    texts: &'a [u8],
    cells: &[u8],
) -> Result<Strings<'a>, Refusal> {
    let (count, bytes) = (from.get_text_count(), texts.len());
    // None is empty, so this bounds the memory too.
    if count as usize > bytes {
        return Err(Refusal::Malformed(format!("{count} texts, of {bytes} bytes together")));
    }
    let lengths = opened(Column::read(from.get_text_lengths()?), count, cells, "textLengths")?;
    Strings::of(
        texts,
        count as usize + 1,
        |cutter| {
            lengths.fold(count as usize, cutter.cut(0), |cutter, length| match length {
                // None is that long, so that it is looked at again.
                0 => cutter.cut(usize::MAX),
                length => cutter.cut(usize::try_from(length).unwrap_or(usize::MAX)),
            })
        },
        || ends(&lengths, count, bytes),
    )
}

/// Where each text ends, text 0 included.
fn ends(lengths: &Numbers<'_>, count: u32, bytes: usize) -> Result<vec::IntoIter<u32>, Refusal> {
    let (mut ends, mut end) = (Vec::with_capacity(count as usize + 1), 0_u64);
    ends.push(0);
    for text in 0..count {
        let length = lengths.at(text as usize);
        end = end.saturating_add(length);
        if length == 0 || end > bytes as u64 {
            let number = text + 1;
            return Err(Refusal::Malformed(format!(
                "text {number} has {length} bytes and ends at byte {end} of {bytes}"
            )));
        }
        ends.push(end as u32);
    }
    Ok(ends.into_iter())
}
