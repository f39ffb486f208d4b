//! Spans in columns.

use capnp::struct_list;

use super::span::{EventRow, IS_REMOTE, LinkRow, kind};
use super::value::lend;
use super::{Table, not_there, trace};
use crate::encode::capnp::columns::Numbers;
use crate::encode::view::{Any, Attributes, BatchSink, Scope, SpanStatus, SpanView};
use crate::receive::rows::Refusal;
use crate::receive::rows::columns::{Attribute, Content, Fields, attributes, counts};
use crate::receive::rows::value::Value;
use crate::receive::rows::views::{with_resource, with_scope};
use crate::schema::columns_capnp::attribute::Kind;
use crate::schema::columns_capnp::spans;
use crate::schema::common_capnp::value;
use crate::schema::trace_capnp::{event, link};
use crate::telemetry::Kind as SpanKind;

/// All columns of a batch that was checked.
pub(crate) struct Columns<'a> {
    table: Table<'a>,
    from: spans::Reader<'a>,
    fields: Fields<'a>,
    shapes: Vec<Vec<(&'a str, Attribute<'a>)>>,
    values: struct_list::Reader<'a, value::Owned>,
    events: struct_list::Reader<'a, event::Owned>,
    links: struct_list::Reader<'a, link::Owned>,
}

impl<'a> Columns<'a> {
    pub(in crate::receive::rows) fn open(
        table: Table<'a>,
        from: spans::Reader<'a>,
        cells: &'a [u8],
    ) -> Result<Self, Refusal> {
        // A key is named once here, and not once for each span.
        let keyed = |attribute: Attribute<'a>| (table.text(attribute.key), attribute);
        let shapes = from.get_shapes()?.into_iter().map(|shape| {
            Ok::<_, Refusal>(attributes(shape, cells)?.into_iter().map(keyed).collect())
        });
        Ok(Self {
            table,
            from,
            fields: Fields::open(from, cells)?,
            shapes: shapes.collect::<Result<_, _>>()?,
            values: from.get_values()?,
            events: from.get_events()?,
            links: from.get_links()?,
        })
    }

    /// All texts, which others are an index of.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &'a str> {
        self.table.strings.texts()
    }

    /// How long the texts of a column are together.
    pub(crate) fn text_bytes(&self, numbers: &Numbers<'_>, count: usize) -> u64 {
        let lengths = self.table.strings.lengths(numbers, count);
        let lengths = lengths.map_err(not_there);
        self.table.read(lengths).map_or(0, |lengths| lengths.bytes)
    }

    /// Lends each field's column, and how many numbers it has.
    #[inline(always)]
    pub(crate) fn each_field(&self, take: impl FnMut(&'static str, Content, &Numbers<'a>, usize)) {
        self.fields.each(self.from, take);
    }

    /// Lends each attribute of each shape: its key, its column, and how many spans have it.
    #[inline(always)]
    pub(crate) fn each_attribute(
        &self,
        mut take: impl FnMut(&'a str, Content, &Numbers<'a>, usize),
    ) {
        let counts = counts(&self.fields.shape, self.from.get_count(), self.shapes.len());
        // All of them are there: that was checked.
        for (shape, count) in self.shapes.iter().zip(counts.unwrap_or_default()) {
            for (key, attribute) in shape {
                let content = match attribute.kind {
                    Kind::String => Content::Texts,
                    Kind::Value => Content::Values,
                    Kind::Int | Kind::Bool | Kind::Double | Kind::Empty => Content::Numbers,
                };
                take(key, content, &attribute.numbers, count as usize);
            }
        }
    }

    /// Lends the value of an index.
    pub(crate) fn value(&self, index: u64, take: impl FnOnce(Any<'_>)) {
        let value = self.values.try_get(index as u32).map(Value::of);
        if let Some(value) = value.and_then(|value| self.table.read(value)) {
            lend(self.table, value, take);
        }
    }

    /// Lends the events of all spans.
    pub(crate) fn each_event(&self, mut take: impl FnMut(&EventRow<'a>)) {
        let table = self.table;
        self.events.iter().for_each(|row| take(&EventRow { table, row }));
    }

    /// Lends the links of all spans.
    pub(crate) fn each_link(&self, mut take: impl FnMut(&LinkRow<'a>)) {
        let table = self.table;
        self.links.iter().for_each(|row| take(&LinkRow { table, row }));
    }

    /// Lends all resources and scopes to `sink`, and says how many spans are each scope's.
    pub(crate) fn lend_groups<S: BatchSink>(
        &self,
        sink: &mut S,
        mut spans: impl FnMut(&mut S, &Scope<'_>, u32),
    ) {
        let table = self.table;
        for group in table.list(self.from.get_resources()) {
            let Some(resource) = table.read(group.get_resource()) else { return };
            let schema_url = group.get_schema_url();
            with_resource(table, resource, schema_url, |from| sink.begin_resource(from));
            for group in table.list(group.get_scopes()) {
                let Some(scope) = table.read(group.get_scope()) else { return };
                with_scope(table, scope, group.get_schema_url(), |scope| {
                    sink.begin_scope(scope);
                    spans(&mut *sink, scope, group.get_count());
                });
            }
        }
    }

    /// Lends all resources, scopes and spans to `sink`, in order.
    pub(in crate::receive::rows) fn lend(&self, sink: &mut impl BatchSink) {
        let mut next = Next { at: 0, rows: vec![0; self.shapes.len()], event: 0, link: 0 };
        self.lend_groups(sink, |sink, scope, count| {
            (0..count).for_each(|_| sink.span(&self.span(&mut next, scope.name)));
        });
    }

    #[inline]
    fn span<'b>(&'b self, next: &mut Next, scope: &'b str) -> SpanColumns<'b, 'a> {
        let (at, fields) = (next.at, &self.fields);
        let shape = fields.shape.at(at) as usize;
        let row = next.rows.get_mut(shape).map_or(0, |row| {
            *row += 1;
            *row as usize - 1
        });
        let attributes = self.shapes.get(shape).map(Vec::as_slice).unwrap_or_default();
        let (event, link) = (next.event, next.link);
        next.at += 1;
        next.event = event.wrapping_add(fields.events.at(at) as u32);
        next.link = link.wrapping_add(fields.links.at(at) as u32);
        SpanColumns {
            batch: self,
            scope,
            at,
            attributes,
            row,
            events: (event, next.event),
            links: (link, next.link),
        }
    }
}

/// Where the next span's things are.
struct Next {
    at: usize,
    /// Of each shape.
    rows: Vec<u32>,
    event: u32,
    link: u32,
}

/// A span in its columns.
pub(in crate::receive::rows) struct SpanColumns<'b, 'a> {
    batch: &'b Columns<'a>,
    /// The name of its scope.
    scope: &'b str,
    at: usize,
    attributes: &'b [(&'a str, Attribute<'a>)],
    row: usize,
    events: (u32, u32),
    links: (u32, u32),
}

impl Attributes for SpanColumns<'_, '_> {
    #[inline]
    fn attributes(&self, mut each: impl FnMut(&str, Any<'_>)) {
        let table = self.batch.table;
        for (key, attribute) in self.attributes {
            let number = attribute.numbers.at(self.row);
            match attribute.kind {
                Kind::String => each(key, Any::Str(table.text(number as u32))),
                Kind::Int => each(key, Any::I64(number as i64)),
                Kind::Bool => each(key, Any::Bool(number != 0)),
                Kind::Double => each(key, Any::F64(f64::from_bits(number))),
                Kind::Empty => each(key, Any::Empty),
                Kind::Value => self.batch.value(number, |value| each(key, value)),
            }
        }
    }

    fn dropped_attributes(&self) -> u32 {
        self.batch.fields.dropped_attributes.at(self.at) as u32
    }
}

impl<'a> SpanView for SpanColumns<'_, 'a> {
    type Event = EventRow<'a>;
    type Link = LinkRow<'a>;

    #[inline]
    fn trace(&self) -> u128 {
        let fields = &self.batch.fields;
        let index = fields.trace.at(self.at) as usize;
        trace(fields.trace_high.at(index), fields.trace_low.at(index))
    }

    #[inline]
    fn span(&self) -> u64 {
        self.batch.fields.span.at(self.at)
    }

    #[inline]
    fn parent(&self) -> u64 {
        self.batch.fields.parent.at(self.at)
    }

    fn parent_is_remote(&self) -> bool {
        self.flags() & IS_REMOTE != 0
    }

    fn trace_flags(&self) -> u8 {
        self.flags() as u8
    }

    #[inline]
    fn flags(&self) -> u32 {
        self.batch.fields.flags.at(self.at) as u32
    }

    #[inline]
    fn trace_state(&self) -> &str {
        self.batch.table.text(self.batch.fields.trace_state.at(self.at) as u32)
    }

    fn scope(&self) -> &str {
        self.scope
    }

    #[inline]
    fn name(&self) -> &str {
        self.batch.table.text(self.batch.fields.name.at(self.at) as u32)
    }

    fn kind(&self) -> SpanKind {
        kind(self.kind_number())
    }

    #[inline]
    fn kind_number(&self) -> i32 {
        self.batch.fields.kind.at(self.at) as i32
    }

    #[inline]
    fn start(&self) -> u64 {
        self.batch.fields.start.at(self.at)
    }

    #[inline]
    fn end(&self) -> u64 {
        self.start().wrapping_add(self.batch.fields.duration.at(self.at))
    }

    fn status(&self) -> SpanStatus<'_> {
        match self.status_code() {
            1 => SpanStatus::Ok,
            2 => SpanStatus::Error(self.status_message()),
            _ => SpanStatus::Unset,
        }
    }

    #[inline]
    fn status_code(&self) -> i32 {
        self.batch.fields.status_code.at(self.at) as i32
    }

    #[inline]
    fn status_message(&self) -> &str {
        self.batch.table.text(self.batch.fields.status_message.at(self.at) as u32)
    }

    #[inline]
    fn events(&self, mut each: impl FnMut(&Self::Event)) {
        let table = self.batch.table;
        for index in self.events.0..self.events.1 {
            let Some(row) = self.batch.events.try_get(index) else { return };
            each(&EventRow { table, row });
        }
    }

    fn dropped_events(&self) -> u32 {
        self.batch.fields.dropped_events.at(self.at) as u32
    }

    #[inline]
    fn links(&self, mut each: impl FnMut(&Self::Link)) {
        let table = self.batch.table;
        for index in self.links.0..self.links.1 {
            let Some(row) = self.batch.links.try_get(index) else { return };
            each(&LinkRow { table, row });
        }
    }

    fn dropped_links(&self) -> u32 {
        self.batch.fields.dropped_links.at(self.at) as u32
    }
}
