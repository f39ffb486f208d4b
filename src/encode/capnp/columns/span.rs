//! Spans on their way into columns.

use super::super::trace::{halves, two};
use super::super::value::{Staged, Values};
use super::super::words::Run;
use super::rare::Rare;
use super::shapes::{Shapes, Text, Way};
use super::traces::Traces;
use crate::encode::view::{Any, Attributes, Copied, Entries, EventView, Items, LinkView, SpanView};
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
    /// The last event's.
    event_name: u32,
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

/// A value that no number can hold.
enum Long<'a> {
    Bytes(&'a [u8]),
    Array(&'a dyn Items),
    Map(&'a dyn Entries),
}

impl Spans {
    #[inline]
    pub(super) fn stage(&mut self, values: &mut Values, scope: u32, from: &impl SpanView) {
        let first_event = self.events.count();
        from.events(|event| {
            let name = values.strings.index_near(self.event_name, event.name());
            self.event_name = name;
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
        let first_number = self.numbers.len() as u32;
        let shape = self.attributes(values, from);
        let name = values.strings.index(from.copied_name());
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
            shape,
            numbers: first_number,
            events: Run::since(first_event, self.events.count()),
            links: Run::since(first_link, self.links.count()),
        });
    }

    /// Stages the attributes; gives the number of their shape.
    #[inline(always)]
    fn attributes(&mut self, values: &mut Values, from: &impl Attributes) -> u32 {
        let mut way = self.shapes.begin();
        from.copied_attributes(|key, value| {
            let step = self.shapes.expected(way);
            if !values.strings.lies_at(step.key.place, key) {
                way = self.turn(values, way, key, value);
                return;
            }
            let number = match value {
                Copied::Text(text) if step.kind == Kind::String as u16 => {
                    if !values.strings.lies_at(step.value.place, text) {
                        let index = values.strings.index(text);
                        step.value = Text { index, place: values.strings.place_of(index) };
                    }
                    step.value.index.into()
                }
                Copied::Any(Any::I64(value)) if step.kind == Kind::Int as u16 => value as u64,
                Copied::Any(Any::Bool(value)) if step.kind == Kind::Bool as u16 => value.into(),
                Copied::Any(Any::F64(value)) if step.kind == Kind::Double as u16 => value.to_bits(),
                _ => {
                    way = self.turn(values, way, key, value);
                    return;
                }
            };
            way.go_on();
            self.numbers.push(number);
        });
        self.shapes.shape(way, |key| values.strings.place_of(key))
    }

    /// Stages an attribute that is not as expected, or that no number can hold. Here its value is taken apart:
    /// those that are as expected need not stand in memory for it.
    #[inline(always)]
    fn turn(&mut self, values: &mut Values, way: Way, key: &[u8], value: Copied<'_>) -> Way {
        let value = match value {
            Copied::Text(text) => return self.turn_text(values, way, key, text),
            Copied::Any(value) => value,
        };
        match value {
            Any::Str(text) => self.turn_text(values, way, key, text.as_bytes()),
            Any::I64(value) => self.turn_number(values, way, key, Kind::Int, value as u64),
            Any::Bool(value) => self.turn_number(values, way, key, Kind::Bool, value.into()),
            Any::F64(value) => self.turn_number(values, way, key, Kind::Double, value.to_bits()),
            Any::Empty => self.turn_number(values, way, key, Kind::Empty, 0),
            Any::Bytes(bytes) => self.turn_long(values, way, key, Long::Bytes(bytes)),
            Any::Array(items) => self.turn_long(values, way, key, Long::Array(items)),
            Any::Map(entries) => self.turn_long(values, way, key, Long::Map(entries)),
        }
    }

    #[inline(never)]
    fn turn_text(&mut self, values: &mut Values, way: Way, key: &[u8], text: &[u8]) -> Way {
        let key = self.key(values, way, key);
        let number = values.strings.index(text).into();
        self.turn_to(way, key, Kind::String, number)
    }

    #[inline(never)]
    fn turn_number(
        &mut self,
        values: &mut Values,
        way: Way,
        key: &[u8],
        kind: Kind,
        number: u64,
    ) -> Way {
        let key = self.key(values, way, key);
        self.turn_to(way, key, kind, number)
    }

    #[inline(never)]
    fn turn_long(&mut self, values: &mut Values, way: Way, key: &[u8], value: Long<'_>) -> Way {
        let key = self.key(values, way, key);
        self.values.push(values.value(match value {
            Long::Bytes(bytes) => Any::Bytes(bytes),
            Long::Array(items) => Any::Array(items),
            Long::Map(entries) => Any::Map(entries),
        }));
        self.turn_to(way, key, Kind::Value, self.values.len() as u64 - 1)
    }

    /// The number of a key, which may be the one that is expected.
    fn key(&mut self, values: &mut Values, way: Way, key: &[u8]) -> u32 {
        values.strings.index_near(self.shapes.expected(way).key.index, key)
    }

    fn turn_to(&mut self, mut way: Way, key: u32, kind: Kind, number: u64) -> Way {
        let step = self.shapes.expected(way);
        if (step.key.index, step.kind) == (key, kind as u16) {
            way.go_on();
        } else {
            self.shapes.turn(&mut way, key, kind as u16);
        }
        self.numbers.push(number);
        way
    }

    /// About what they take besides cells and texts, in bytes.
    pub(super) fn len(&self) -> usize {
        let shapes = 16 * self.shapes.count() + 32 * self.shapes.attributes_in_all();
        shapes + self.events.len() + self.links.len() + 16 * self.values.len()
    }

    /// Whether they still are in the order in which they came.
    pub(super) fn is_in_order(&self) -> bool {
        !self.is_unordered
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
        self.event_name = 0;
        self.is_unordered = false;
    }
}
