//! Columns of ours as rows, for a receiver that reads no columns.

use capnp::message::{Builder, HeapAllocator, ReaderOptions};
use capnp::{serialize, struct_list};

use super::{Column, Numbers};
use crate::schema::columns_capnp::attribute::Kind;
use crate::schema::columns_capnp::{column, columns, spans};
use crate::schema::common_capnp::{key_value, string_table, value};
use crate::schema::ingest_capnp::rows;
use crate::schema::trace_capnp::span;

/// Arrays and maps of a value take two levels each.
const NESTING: i32 = 100;

/// What a segment can hold.
const MAX_SEGMENT_WORDS: u32 = (1 << 28) - 1;

/// The message with the root Rows that says the same. It is made of what this process has written, so nothing
/// of it is checked but what reading checks.
pub(crate) fn to_rows(message: &[u8]) -> capnp::Result<Vec<u8>> {
    let options = ReaderOptions { traversal_limit_in_words: None, nesting_limit: NESTING };
    let from = serialize::read_message(message, options)?;
    let from = from.get_root::<columns::Reader<'_>>()?;
    // Rows take some four times as much; what takes more still takes another segment.
    let words = u32::try_from(message.len()).unwrap_or(u32::MAX).min(MAX_SEGMENT_WORDS);
    let mut to = Builder::new(HeapAllocator::new().first_segment_words(words.max(64)));
    let mut root = to.init_root::<rows::Builder<'_>>();
    let cells = from.get_cells()?;
    texts(from, cells, root.reborrow().init_strings())?;
    if let columns::Spans(spans) = from.which()? {
        Batch::open(spans?, cells)?.write(root)?;
    }
    Ok(serialize::write_message_to_words(&to))
}

fn texts(
    from: columns::Reader<'_>,
    cells: &[u8],
    mut to: string_table::Builder<'_>,
) -> capnp::Result<()> {
    let lengths = numbers(from.get_text_lengths(), cells)?;
    let count = from.get_text_count();
    let mut ends = to.reborrow().init_ends(count + 1);
    let mut end = 0_u32;
    for index in 0..count {
        end = end.wrapping_add(lengths.at(index as usize) as u32);
        ends.set(index + 1, end);
    }
    to.set_blob(from.get_texts()?);
    Ok(())
}

fn numbers<'a>(
    column: capnp::Result<column::Reader<'a>>,
    cells: &'a [u8],
) -> capnp::Result<Numbers<'a>> {
    Ok(Column::read(column?).numbers(cells))
}

/// An attribute of a shape.
struct Attribute<'a> {
    key: u32,
    kind: Kind,
    numbers: Numbers<'a>,
}

struct Shape<'a> {
    attributes: Vec<Attribute<'a>>,
    /// How many spans of it were seen.
    seen: usize,
}

struct Batch<'a> {
    from: spans::Reader<'a>,
    cells: &'a [u8],
    shapes: Vec<Shape<'a>>,
    values: struct_list::Reader<'a, value::Owned>,
}

impl<'a> Batch<'a> {
    fn open(from: spans::Reader<'a>, cells: &'a [u8]) -> capnp::Result<Self> {
        let mut shapes = Vec::new();
        for shape in from.get_shapes()? {
            let mut attributes = Vec::new();
            for attribute in shape.get_attributes()? {
                let numbers = Column::read_attribute(attribute).numbers(cells);
                let (key, kind) = (attribute.get_key(), attribute.get_kind()?);
                attributes.push(Attribute { key, kind, numbers });
            }
            shapes.push(Shape { attributes, seen: 0 });
        }
        Ok(Self { from, cells, shapes, values: from.get_values()? })
    }

    fn write(mut self, to: rows::Builder<'_>) -> capnp::Result<()> {
        let (from, cells) = (self.from, self.cells);
        macro_rules! columns {
            ($($get:ident)*) => { ($(numbers(from.$get(), cells)?,)*) };
        }
        let (high, low, trace) = columns!(get_trace_id_high get_trace_id_low get_trace);
        let (id, parent, start, duration) =
            columns!(get_span_id get_parent_span_id get_start_time_unix_nano get_duration);
        let (flags, name, state, kind) = columns!(get_flags get_name get_trace_state get_kind);
        let (code, message) = columns!(get_status_code get_status_message);
        let (attributes_dropped, events_dropped, links_dropped) = columns!(
            get_dropped_attributes_count get_dropped_events_count get_dropped_links_count
        );
        let (shape, event_count, link_count) = columns!(get_shape get_event_count get_link_count);
        let (mut events, mut links) = (from.get_events()?.iter(), from.get_links()?.iter());

        let resources = from.get_resources()?;
        let mut at = 0;
        let mut list = to.init_traces().init_resource_spans(resources.len());
        for (index, resource) in (0..).zip(resources) {
            let mut to = list.reborrow().get(index);
            to.set_schema_url(resource.get_schema_url());
            to.set_resource(resource.get_resource()?)?;
            let scopes = resource.get_scopes()?;
            let mut list = to.init_scope_spans(scopes.len());
            for (index, scope) in (0..).zip(scopes) {
                let mut to = list.reborrow().get(index);
                to.set_schema_url(scope.get_schema_url());
                to.set_scope(scope.get_scope()?)?;
                let mut list = to.init_spans(scope.get_count());
                for index in 0..scope.get_count() {
                    let mut to = list.reborrow().get(index);
                    let of = trace.at(at) as usize;
                    to.set_trace_id_high(high.at(of));
                    to.set_trace_id_low(low.at(of));
                    to.set_span_id(id.at(at));
                    to.set_parent_span_id(parent.at(at));
                    to.set_start_time_unix_nano(start.at(at));
                    to.set_end_time_unix_nano(start.at(at).wrapping_add(duration.at(at)));
                    to.set_flags(flags.at(at) as u32);
                    to.set_name(name.at(at) as u32);
                    to.set_trace_state(state.at(at) as u32);
                    to.set_kind(kind.at(at) as i32);
                    to.set_status_code(code.at(at) as i32);
                    to.set_status_message(message.at(at) as u32);
                    to.set_dropped_attributes_count(attributes_dropped.at(at) as u32);
                    to.set_dropped_events_count(events_dropped.at(at) as u32);
                    to.set_dropped_links_count(links_dropped.at(at) as u32);
                    self.attributes(shape.at(at) as usize, to.reborrow())?;
                    let count = event_count.at(at) as u32;
                    if count != 0 {
                        let mut list = to.reborrow().init_events(count);
                        for (index, event) in (0..count).zip(&mut events) {
                            list.set_with_caveats(index, event)?;
                        }
                    }
                    let count = link_count.at(at) as u32;
                    if count != 0 {
                        let mut list = to.init_links(count);
                        for (index, link) in (0..count).zip(&mut links) {
                            list.set_with_caveats(index, link)?;
                        }
                    }
                    at += 1;
                }
            }
        }
        Ok(())
    }

    fn attributes(&mut self, shape: usize, to: span::Builder<'_>) -> capnp::Result<()> {
        let Some(shape) = self.shapes.get_mut(shape) else { return Ok(()) };
        let row = shape.seen;
        shape.seen += 1;
        if shape.attributes.is_empty() {
            return Ok(());
        }
        let mut list = to.init_attributes(shape.attributes.len() as u32);
        for (index, attribute) in (0..).zip(&shape.attributes) {
            let mut to = list.reborrow().get(index);
            to.set_key(attribute.key);
            let number = attribute.numbers.at(row);
            match attribute.kind {
                Kind::Empty => {}
                Kind::String => to.set_string(number as u32),
                Kind::Bool => to.set_bool(number != 0),
                Kind::Int => to.set_int(number as i64),
                Kind::Double => to.set_double(f64::from_bits(number)),
                Kind::Value => {
                    if let Some(value) = self.values.try_get(number as u32) {
                        copy(value, to)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn copy(from: value::Reader<'_>, mut to: key_value::Builder<'_>) -> capnp::Result<()> {
    match from.which()? {
        value::Empty(()) => {}
        value::String(text) => to.set_string(text),
        value::Bool(value) => to.set_bool(value),
        value::Int(value) => to.set_int(value),
        value::Double(value) => to.set_double(value),
        value::Bytes(bytes) => to.set_bytes(bytes?),
        value::Array(values) => to.set_array(values?)?,
        value::Kvlist(entries) => to.set_kvlist(entries?)?,
    }
    Ok(())
}
