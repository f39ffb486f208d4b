//! From staged spans to columns, and these into a message.

use super::batch::Batch;
use super::column::{Cells, Column};
use super::span::{Span, Spans};
use crate::schema::columns_capnp::attribute::Kind;
use crate::schema::columns_capnp::{columns, spans};

/// Where the numbers of a batch stand in its cells.
pub(super) struct Columns {
    text_lengths: Column,
    trace_high: Column,
    trace_low: Column,
    fields: Fields,
    /// Those of each shape in a row.
    attributes: Vec<Column>,
}

/// The columns of fields that every span has, each with the number that stands in it.
macro_rules! fields {
    ($($name:ident: $init:ident = |$span:ident| $number:expr;)*) => {
        struct Fields { $($name: Column,)* }

        impl Fields {
            fn of(spans: &[Span], cells: &mut Cells) -> Self {
                Self { $($name: cells.add(spans.iter().map(|$span| $number)),)* }
            }

            fn write(&self, mut to: spans::Builder<'_>) {
                $(if !self.$name.is_zero() {
                    self.$name.write(to.reborrow().$init());
                })*
            }
        }
    };
}

fields! {
    trace: init_trace = |span| span.trace.into();
    span_id: init_span_id = |span| span.span;
    parent: init_parent_span_id = |span| span.parent;
    start: init_start_time_unix_nano = |span| span.start;
    duration: init_duration = |span| span.end.wrapping_sub(span.start);
    flags: init_flags = |span| span.flags.into();
    name: init_name = |span| span.name.into();
    trace_state: init_trace_state = |span| span.trace_state.into();
    kind: init_kind = |span| i64::from(span.kind) as u64;
    status_code: init_status_code = |span| i64::from(span.status_code) as u64;
    status_message: init_status_message = |span| span.status_message.into();
    dropped_attributes: init_dropped_attributes_count = |span| span.dropped[0].into();
    dropped_events: init_dropped_events_count = |span| span.dropped[1].into();
    dropped_links: init_dropped_links_count = |span| span.dropped[2].into();
    shape: init_shape = |span| span.shape.into();
    events: init_event_count = |span| span.events.len() as u64;
    links: init_link_count = |span| span.links.len() as u64;
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
        let ids = spans.traces.ids();
        let trace_high = cells.add(ids.iter().map(|id| (id >> 64) as u64));
        let trace_low = cells.add(ids.iter().map(|id| *id as u64));
        let fields = Fields::of(&spans.spans, cells);
        let attributes = attributes(spans, cells);
        cells.finish();
        Columns { text_lengths, trace_high, trace_low, fields, attributes }
    }

    pub(super) fn write(&self, columns: &Columns, mut to: columns::Builder<'_>) {
        let strings = &self.values.strings;
        if !strings.blob().is_empty() {
            to.set_texts(strings.blob());
        }
        to.set_text_count(strings.count() as u32 - 1);
        if !columns.text_lengths.is_zero() {
            columns.text_lengths.write(to.reborrow().init_text_lengths());
        }
        to.set_cells(self.cells.bytes());
        let mut to = to.init_spans();
        if self.is_empty() {
            return;
        }
        self.write_groups(to.reborrow());
        to.set_count(self.spans.spans.len() as u32);
        to.set_trace_count(self.spans.traces.ids().len() as u32);
        if !columns.trace_high.is_zero() {
            columns.trace_high.write(to.reborrow().init_trace_id_high());
        }
        if !columns.trace_low.is_zero() {
            columns.trace_low.write(to.reborrow().init_trace_id_low());
        }
        columns.fields.write(to.reborrow());
        self.write_shapes(&columns.attributes, to.reborrow());
        self.write_rare(to);
    }

    fn write_groups(&self, to: spans::Builder<'_>) {
        let Self { groups, values, .. } = self;
        let mut list = to.init_resources(groups.resources().len() as u32);
        for (index, resource) in groups.resources().iter().enumerate() {
            let mut to = list.reborrow().get(index as u32);
            to.set_schema_url(resource.schema_url);
            groups.write_resource(values, resource, to.reborrow().init_resource());
            let scopes = groups.scopes_of(index);
            if scopes.len() == 0 {
                continue;
            }
            let mut list = to.init_scopes(scopes.len() as u32);
            for (index, (scope, run)) in (0..).zip(scopes) {
                let mut to = list.reborrow().get(index);
                to.set_schema_url(scope.schema_url);
                to.set_count(run.len() as u32);
                scope.write(values, to.init_scope());
            }
        }
    }

    fn write_shapes(&self, columns: &[Column], to: spans::Builder<'_>) {
        let shapes = &self.spans.shapes;
        if shapes.count() == 0 {
            return;
        }
        let mut list = to.init_shapes(shapes.count() as u32);
        let (mut columns, mut attributes) = (columns.iter(), Vec::new());
        for shape in 0..shapes.count() {
            shapes.attributes(shape, &mut attributes);
            if attributes.is_empty() {
                continue;
            }
            let to = list.reborrow().get(shape as u32);
            let mut list = to.init_attributes(attributes.len() as u32);
            for ((index, (key, kind)), column) in (0..).zip(&attributes).zip(&mut columns) {
                let mut to = list.reborrow().get(index);
                to.set_key(*key);
                to.set_kind(Kind::try_from(*kind).unwrap_or(Kind::Empty));
                column.write_attribute(to);
            }
        }
    }

    /// What most spans do not have.
    fn write_rare(&self, mut to: spans::Builder<'_>) {
        let Self { values, spans, .. } = self;
        if !spans.values.is_empty() {
            let mut list = to.reborrow().init_values(spans.values.len() as u32);
            for (index, value) in (0..).zip(&spans.values) {
                values.write_value(*value, list.reborrow().get(index));
            }
        }
        if !spans.events.is_empty() {
            let mut list = to.reborrow().init_events(spans.events.len() as u32);
            let events = spans.spans.iter().flat_map(|span| span.events.of(&spans.events));
            for (index, event) in (0..).zip(events) {
                let mut to = list.reborrow().get(index);
                to.set_time_unix_nano(event.time);
                to.set_name(event.name);
                to.set_dropped_attributes_count(event.dropped);
                values.write(event.attributes, |length| to.init_attributes(length));
            }
        }
        if !spans.links.is_empty() {
            let mut list = to.init_links(spans.links.len() as u32);
            let links = spans.spans.iter().flat_map(|span| span.links.of(&spans.links));
            for (index, link) in (0..).zip(links) {
                let mut to = list.reborrow().get(index);
                to.set_trace_id_high((link.trace >> 64) as u64);
                to.set_trace_id_low(link.trace as u64);
                to.set_span_id(link.span);
                to.set_flags(link.flags);
                to.set_trace_state(link.trace_state);
                to.set_dropped_attributes_count(link.dropped);
                values.write(link.attributes, |length| to.init_attributes(length));
            }
        }
    }
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
