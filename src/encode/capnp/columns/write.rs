//! From staged spans to columns, and these into a message. Numbers of fields are their places in a struct, as
//! `schema/columns.capnp` lays it out.

use std::mem;

use bytes::BytesMut;

use super::super::around::Around;
use super::super::message::Message;
use super::batch::Batch;
use super::column::{Cells, Column};
use super::span::{Habit, Spans};
use crate::schema::columns_capnp::{
    attribute, column, columns, resource_spans, scope_spans, shape, spans,
};
use crate::schema::common_capnp::{scope, value};
use crate::schema::resource_capnp::resource;
use crate::schema::trace_capnp::{event, link};

/// `Columns.spans`, as the union's number.
const SPANS: u16 = 1;

/// The columns of traces and of fields that every span has.
const FIELDS: usize = 19;

/// Where the numbers of a batch stand in its cells. The memory is kept.
#[derive(Debug, Default)]
pub(super) struct Columns {
    text_lengths: Column,
    /// In the order of their pointers.
    fields: [Column; FIELDS],
    /// Those of each shape in a row.
    attributes: Vec<Column>,
    /// Where the numbers of each span's attributes begin: the spans of a shape in a row.
    starts: Vec<u32>,
    /// Where the next span of each shape goes in `starts`.
    next: Vec<u32>,
    /// The memory of `Cells`.
    numbers: Vec<u64>,
    /// How many bytes the cells of the last batch took.
    last: usize,
}

impl Batch {
    pub(super) fn write(&mut self, to: &mut Message) {
        let strings = &self.around.values.strings;
        let root = to.begin::<columns::Builder<'_>>();
        to.u32(root, 0, strings.count() as u32 - 1);
        to.u16(root, 2, SPANS);
        let lengths = (!strings.blob().is_empty()).then(|| {
            to.data(root.pointer(0), strings.blob());
            to.structure::<column::Builder<'_>>(root.pointer(1))
        });
        let Self { around, spans, columns, .. } = self;
        to.data_of(root.pointer(2), |bytes| columns.fill(around, spans, bytes));
        if let Some(at) = lengths {
            columns.text_lengths.write_at(to, at);
        }
        let at = to.structure::<spans::Builder<'_>>(root.pointer(3));
        if self.around.is_empty() || self.around.groups.resources().is_empty() {
            return;
        }
        to.u32(at, 0, self.spans.spans.len() as u32);
        to.u32(at, 1, self.spans.traces.ids().len() as u32);
        self.write_groups(to, at.pointer(0));
        for (number, column) in (1..).zip(&self.columns.fields) {
            column.write(to, at.pointer(number));
        }
        self.write_shapes(&self.columns.attributes, to, at.pointer(FIELDS + 1));
        self.write_values(to, at.pointer(FIELDS + 2));
        let Spans { spans, events, links, .. } = &self.spans;
        let runs = spans.iter().map(|span| span.events);
        events.write::<event::Builder<'_>>(runs, to, at.pointer(FIELDS + 3));
        let runs = spans.iter().map(|span| span.links);
        links.write::<link::Builder<'_>>(runs, to, at.pointer(FIELDS + 4));
    }

    fn write_groups(&self, to: &mut Message, pointer: usize) {
        let Around { groups, values, .. } = &self.around;
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
        let mut columns = columns.iter();
        let list = to.list::<shape::Builder<'_>>(pointer, shapes.count());
        for (at, steps) in list.zip(shapes.each()) {
            if steps.is_empty() {
                continue;
            }
            let list = to.list::<attribute::Builder<'_>>(at.pointer(0), steps.len());
            for ((at, step), column) in list.zip(steps).zip(&mut columns) {
                column.write_attribute(step.key.index, step.kind, to, at);
            }
        }
    }

    fn write_values(&self, to: &mut Message, pointer: usize) {
        if self.spans.values.is_empty() {
            return;
        }
        let list = to.list::<value::Builder<'_>>(pointer, self.spans.values.len());
        for (at, value) in list.zip(&self.spans.values) {
            self.around.values.write_value(*value, to, at);
        }
    }
}

fn fields(from: &Spans, cells: &mut Cells<'_>) -> [Column; FIELDS] {
    let Spans { spans, traces, shapes, events, links, .. } = from;
    macro_rules! column {
        (|$span:ident| $number:expr) => {
            cells.add(spans.iter().map(|$span| $number))
        };
        ($is_there:expr, |$span:ident| $number:expr) => {
            if $is_there { column!(|$span| $number) } else { Column::default() }
        };
    }
    let ids = traces.ids();
    [
        cells.add(ids.iter().map(|id| (id >> 64) as u64)),
        cells.add(ids.iter().map(|id| *id as u64)),
        column!(|span| span.trace.into()),
        column!(|span| span.span),
        column!(|span| span.parent),
        column!(|span| span.start),
        column!(|span| span.end.wrapping_sub(span.start)),
        habit(from, cells, |habit| habit.flags.into()),
        column!(|span| span.name.into()),
        habit(from, cells, |habit| habit.trace_state.into()),
        habit(from, cells, |habit| i64::from(habit.kind) as u64),
        habit(from, cells, |habit| i64::from(habit.status_code) as u64),
        habit(from, cells, |habit| habit.status_message.into()),
        habit(from, cells, |habit| habit.dropped[0].into()),
        habit(from, cells, |habit| habit.dropped[1].into()),
        habit(from, cells, |habit| habit.dropped[2].into()),
        column!(shapes.count() > 1, |span| span.shape.into()),
        column!(events.count() > 0, |span| span.events.len() as u64),
        column!(links.count() > 0, |span| span.links.len() as u64),
    ]
}

/// A column of a field that hardly differs.
fn habit(from: &Spans, cells: &mut Cells<'_>, number: impl Fn(&Habit) -> u64) -> Column {
    let Spans { spans, habits, .. } = from;
    let Some(first) = habits.first().map(&number) else { return Column::default() };
    if habits.iter().all(|habit| number(habit) == first) {
        return Column::constant(first);
    }
    cells.add(spans.iter().map(|span| habits.get(span.habit as usize).map_or(0, &number)))
}

impl Columns {
    /// What the cells will take at most, if they are as those of the last batch.
    pub(super) fn guess(&self, of: &Spans) -> usize {
        (self.last + self.last / 8).max(32 * of.spans.len() + 2 * of.numbers.len())
    }

    /// All of them, their cells behind what is in `to`.
    fn fill(&mut self, around: &Around, from: &Spans, to: &mut BytesMut) {
        let mut numbers = mem::take(&mut self.numbers);
        let mut cells = Cells::behind(to, &mut numbers);
        let mut before = 0;
        self.text_lengths = cells.add(around.values.strings.ends().skip(1).map(|end| {
            let length = end - before;
            before = end;
            u64::from(length)
        }));
        self.fields = fields(from, &mut cells);
        self.fill_attributes(from, &mut cells);
        self.last = cells.finish();
        self.numbers = numbers;
    }

    /// A column for each attribute of each shape.
    fn fill_attributes(&mut self, from: &Spans, cells: &mut Cells<'_>) {
        let Spans { spans, shapes, numbers, .. } = from;
        let Self { attributes, starts, next, .. } = self;
        attributes.clear();
        if let (1, Some(steps), true) = (shapes.count(), shapes.each().next(), from.is_in_order()) {
            // Each row is right behind the one before it.
            for place in 0..steps.len() {
                let rows = numbers.chunks_exact(steps.len());
                attributes.push(cells.add(rows.map(|row| row[place])));
            }
            return;
        }
        next.clear();
        next.resize(shapes.count() + 1, 0);
        spans.iter().for_each(|span| next[span.shape as usize + 1] += 1);
        let mut total = 0;
        next.iter_mut().for_each(|next| {
            total += *next;
            *next = total;
        });
        starts.clear();
        starts.resize(spans.len(), 0);
        for span in spans {
            let at = &mut next[span.shape as usize];
            starts[*at as usize] = span.numbers;
            *at += 1;
        }
        let mut first = 0;
        // By now each ends where the next one begins.
        for (steps, end) in shapes.each().zip(next.iter()) {
            let rows = &starts[first..*end as usize];
            first = *end as usize;
            for place in 0..steps.len() {
                let number = |start: &u32| numbers[*start as usize + place];
                attributes.push(cells.add(rows.iter().map(number)));
            }
        }
    }
}
