//! Spans on their way into columns.

use super::super::trace::{halves, two};
use super::super::value::{Staged, Values};
use super::super::words::Run;
use super::rare::Rare;
use super::shapes::{Shapes, Text};
use super::traces::Traces;
use crate::encode::view::{Any, Attributes as _, EventView, LinkView, SpanView};
use crate::schema::columns_capnp::attribute::Kind;

/// The spans of a batch.
#[derive(Debug, Default)]
pub(super) struct Spans {
    pub(super) spans: Vec<Span>,
    pub(super) traces: Traces,
    pub(super) shapes: Shapes,
    /// The numbers of attributes: each span's in a row.
    pub(super) numbers: Vec<u64>,
    /// Attributes that no number can hold.
    pub(super) values: Vec<Staged>,
    pub(super) events: Rare<2>,
    pub(super) links: Rare<5>,
    /// What most spans have the same as the one before them.
    pub(super) habits: Vec<Habit>,
    /// Some scope came twice, with another one between.
    is_unordered: bool,
}

#[derive(Debug)]
pub(super) struct Span {
    pub(super) scope: u32,
    pub(super) trace: u32,
    pub(super) span: u64,
    pub(super) parent: u64,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) name: u32,
    pub(super) habit: u32,
    pub(super) shape: u32,
    /// Where its numbers begin.
    pub(super) numbers: u32,
    pub(super) events: Run,
    pub(super) links: Run,
}

/// The fields that hardly differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Habit {
    pub(super) flags: u32,
    pub(super) trace_state: u32,
    pub(super) kind: i32,
    pub(super) status_code: i32,
    pub(super) status_message: u32,
    /// Attributes, events, links.
    pub(super) dropped: [u32; 3],
}

impl Spans {
    #[inline]
    pub(super) fn stage(&mut self, values: &mut Values, scope: u32, from: &impl SpanView) {
        let first_event = self.events.count();
        from.events(|event| {
            let name = values.strings.index(event.name());
            let attributes = values.attributes(&mut self.events.behind, event);
            let data = [event.time(), two(name, event.dropped_attributes())];
            self.events.push(data, attributes);
        });
        let first_link = self.links.count();
        from.links(|link| {
            let trace_state = values.strings.index(link.trace_state());
            let attributes = values.attributes(&mut self.links.behind, link);
            let [high, low] = halves(link.trace());
            let flags = two(link.flags(), trace_state);
            let data = [high, low, link.span(), flags, link.dropped_attributes().into()];
            self.links.push(data, attributes);
        });
        let numbers = self.numbers.len() as u32;
        let mut way = self.shapes.begin();
        let Self { shapes, values: long, numbers: all, .. } = self;
        from.attributes(|key, value| {
            let step = shapes.expected(way);
            let is_it = values.strings.lies_at(step.key.place, key);
            let key = if is_it { step.key.index } else { values.strings.index(key) };
            let (kind, number) = match value {
                Any::Str(text) => {
                    if !values.strings.lies_at(step.value.place, text) {
                        let index = values.strings.index(text);
                        step.value = Text { index, place: values.strings.place_of(index) };
                    }
                    (Kind::String, step.value.index.into())
                }
                Any::I64(value) => (Kind::Int, value as u64),
                Any::Bool(value) => (Kind::Bool, value.into()),
                Any::F64(value) => (Kind::Double, value.to_bits()),
                Any::Empty => (Kind::Empty, 0),
                Any::Bytes(_) | Any::Array(_) | Any::Map(_) => {
                    long.push(values.value(value));
                    (Kind::Value, long.len() as u64 - 1)
                }
            };
            if is_it && step.kind == kind as u16 {
                Shapes::go_on(&mut way, step);
            } else {
                shapes.turn(&mut way, key, kind as u16);
            }
            all.push(number);
        });
        let name = values.strings.index(from.name());
        let habit = Habit {
            flags: from.flags(),
            trace_state: values.strings.index(from.trace_state()),
            kind: from.kind_number(),
            status_code: from.status_code(),
            status_message: values.strings.index(from.status_message()),
            dropped: [from.dropped_attributes(), from.dropped_events(), from.dropped_links()],
        };
        if self.habits.last() != Some(&habit) {
            self.habits.push(habit);
        }
        self.is_unordered |= self.spans.last().is_some_and(|last| last.scope > scope);
        self.spans.push(Span {
            scope,
            trace: self.traces.index(from.trace()),
            span: from.span(),
            parent: from.parent(),
            start: from.start(),
            end: from.end(),
            name,
            habit: self.habits.len() as u32 - 1,
            shape: self.shapes.shape(way, |key| values.strings.place_of(key)),
            numbers,
            events: Run::since(first_event, self.events.count()),
            links: Run::since(first_link, self.links.count()),
        });
    }

    /// About what they take besides cells and texts, in bytes.
    pub(super) fn len(&self) -> usize {
        let shapes = 16 * self.shapes.count() + 32 * self.shapes.attributes_in_all();
        shapes + self.events.len() + self.links.len() + 16 * self.values.len()
    }

    /// Puts the spans of each scope in a row; they keep their order.
    pub(super) fn sort(&mut self) {
        if self.is_unordered {
            self.spans.sort_by_key(|span| span.scope);
        }
    }

    pub(super) fn clear(&mut self) {
        self.spans.clear();
        self.traces.clear();
        self.shapes.clear();
        self.numbers.clear();
        self.values.clear();
        self.events.clear();
        self.links.clear();
        self.habits.clear();
        self.is_unordered = false;
    }
}
