//! From staged spans to columns, and these into a message. Numbers of fields are their places in a struct, as
//! `schema/columns.capnp` lays it out.

use super::super::message::Message;
use super::batch::Batch;
use super::column::{Cells, Column};
use super::span::Spans;
use crate::schema::columns_capnp::{attribute, columns, resource_spans, scope_spans, shape, spans};
use crate::schema::common_capnp::{scope, value};
use crate::schema::resource_capnp::resource;
use crate::schema::trace_capnp::{event, link};

/// `Columns.spans`, as the union's number.
const SPANS: u16 = 1;

/// The columns of traces and of fields that every span has.
const FIELDS: usize = 19;

/// Where the numbers of a batch stand in its cells.
pub(super) struct Columns {
    text_lengths: Column,
    /// In the order of their pointers.
    fields: [Column; FIELDS],
    /// Those of each shape in a row.
    attributes: Vec<Column>,
}

impl Batch {
    pub(super) fn columns(&mut self) -> Columns {
        let Self { values, spans, cells, .. } = self;
        let mut before = 0;
        let lengths = values.strings.ends().skip(1).map(|end| {
            let length = end - before;
            before = end;
            u64::from(length)
        });
        let text_lengths = cells.add(lengths);
        let fields = fields(spans, cells);
        let attributes = attributes(spans, cells);
        cells.finish();
        Columns { text_lengths, fields, attributes }
    }

    pub(super) fn write(&self, columns: &Columns, to: &mut Message) {
        let strings = &self.values.strings;
        let root = to.begin::<columns::Builder<'_>>();
        to.u32(root, 0, strings.count() as u32 - 1);
        to.u16(root, 2, SPANS);
        if !strings.blob().is_empty() {
            to.data(root.pointer(0), strings.blob());
        }
        columns.text_lengths.write(to, root.pointer(1));
        to.data(root.pointer(2), self.cells.bytes());
        let at = to.structure::<spans::Builder<'_>>(root.pointer(3));
        if self.is_empty() || self.groups.resources().is_empty() {
            return;
        }
        to.u32(at, 0, self.spans.spans.len() as u32);
        to.u32(at, 1, self.spans.traces.ids().len() as u32);
        self.write_groups(to, at.pointer(0));
        for (number, column) in (1..).zip(&columns.fields) {
            column.write(to, at.pointer(number));
        }
        self.write_shapes(&columns.attributes, to, at.pointer(FIELDS + 1));
        self.write_values(to, at.pointer(FIELDS + 2));
        let Spans { spans, events, links, .. } = &self.spans;
        let runs = spans.iter().map(|span| span.events);
        events.write::<event::Builder<'_>>(runs, to, at.pointer(FIELDS + 3));
        let runs = spans.iter().map(|span| span.links);
        links.write::<link::Builder<'_>>(runs, to, at.pointer(FIELDS + 4));
    }

    fn write_groups(&self, to: &mut Message, pointer: usize) {
        let Self { groups, values, .. } = self;
        let list = to.list::<resource_spans::Builder<'_>>(pointer, groups.resources().len());
        for (index, (at, from)) in list.zip(groups.resources()).enumerate() {
            to.u32(at, 0, from.schema_url);
            let place = to.structure::<resource::Builder<'_>>(at.pointer(0));
            groups.write_resource(values, from, to, place);
            let scopes = groups.scopes_of(index);
            if scopes.len() == 0 {
                continue;
            }
            let list = to.list::<scope_spans::Builder<'_>>(at.pointer(1), scopes.len());
            for (at, (from, run)) in list.zip(scopes) {
                to.u32(at, 0, from.schema_url);
                to.u32(at, 1, run.len() as u32);
                let place = to.structure::<scope::Builder<'_>>(at.pointer(0));
                from.write(values, to, place);
            }
        }
    }

    fn write_shapes(&self, columns: &[Column], to: &mut Message, pointer: usize) {
        let shapes = &self.spans.shapes;
        if shapes.count() == 0 {
            return;
        }
        let (mut columns, mut attributes) = (columns.iter(), Vec::new());
        let list = to.list::<shape::Builder<'_>>(pointer, shapes.count());
        for (shape, at) in list.enumerate() {
            shapes.attributes(shape, &mut attributes);
            if attributes.is_empty() {
                continue;
            }
            let list = to.list::<attribute::Builder<'_>>(at.pointer(0), attributes.len());
            for ((at, (key, kind)), column) in list.zip(&attributes).zip(&mut columns) {
                column.write_attribute(*key, *kind, to, at);
            }
        }
    }

    fn write_values(&self, to: &mut Message, pointer: usize) {
        if self.spans.values.is_empty() {
            return;
        }
        let list = to.list::<value::Builder<'_>>(pointer, self.spans.values.len());
        for (at, value) in list.zip(&self.spans.values) {
            self.values.write_value(*value, to, at);
        }
    }
}

fn fields(spans: &Spans, cells: &mut Cells) -> [Column; FIELDS] {
    let ids = spans.traces.ids();
    let spans = &spans.spans;
    macro_rules! column {
        (|$span:ident| $number:expr) => {
            cells.add(spans.iter().map(|$span| $number))
        };
    }
    [
        cells.add(ids.iter().map(|id| (id >> 64) as u64)),
        cells.add(ids.iter().map(|id| *id as u64)),
        column!(|span| span.trace.into()),
        column!(|span| span.span),
        column!(|span| span.parent),
        column!(|span| span.start),
        column!(|span| span.end.wrapping_sub(span.start)),
        column!(|span| span.flags.into()),
        column!(|span| span.name.into()),
        column!(|span| span.trace_state.into()),
        column!(|span| i64::from(span.kind) as u64),
        column!(|span| i64::from(span.status_code) as u64),
        column!(|span| span.status_message.into()),
        column!(|span| span.dropped[0].into()),
        column!(|span| span.dropped[1].into()),
        column!(|span| span.dropped[2].into()),
        column!(|span| span.shape.into()),
        column!(|span| span.events.len() as u64),
        column!(|span| span.links.len() as u64),
    ]
}

/// A column for each attribute of each shape.
fn attributes(spans: &Spans, cells: &mut Cells) -> Vec<Column> {
    let Spans { spans, shapes, numbers, .. } = spans;
    // The spans of each shape in a row, as where their numbers begin.
    let mut ends = vec![0; shapes.count() + 1];
    spans.iter().for_each(|span| ends[span.shape as usize + 1] += 1);
    let mut total = 0;
    ends.iter_mut().for_each(|end| {
        total += *end;
        *end = total;
    });
    let mut starts = vec![0; spans.len()];
    let mut next = ends.clone();
    for span in spans {
        let at = &mut next[span.shape as usize];
        starts[*at] = span.numbers as usize;
        *at += 1;
    }
    let (mut columns, mut attributes) = (Vec::new(), Vec::new());
    for (shape, range) in ends.windows(2).enumerate() {
        shapes.attributes(shape, &mut attributes);
        let rows = &starts[range[0]..range[1]];
        for place in 0..attributes.len() {
            columns.push(cells.add(rows.iter().map(|start| numbers[start + place])));
        }
    }
    columns
}
