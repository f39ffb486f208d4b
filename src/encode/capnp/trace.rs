//! Spans.

use capnp::struct_list;

use super::value::Values;
use super::words::{Run, list};
use crate::encode::view::{Attributes as _, EventView, LinkView, SpanView};
use crate::schema::trace_capnp::{event, link, span};

/// The spans of a batch; `scope` is whose each of them is.
#[derive(Debug, Default)]
pub(super) struct Spans {
    spans: Vec<Span>,
    events: Vec<Event>,
    links: Vec<Link>,
    words: usize,
}

#[derive(Debug)]
struct Span {
    scope: u32,
    trace: u128,
    span: u64,
    parent: u64,
    start: u64,
    end: u64,
    flags: u32,
    name: u32,
    trace_state: u32,
    kind: i32,
    status_code: i32,
    status_message: u32,
    /// Attributes, events, links.
    dropped: [u32; 3],
    attributes: Run,
    events: Run,
    links: Run,
}

#[derive(Debug)]
struct Event {
    time: u64,
    name: u32,
    dropped: u32,
    attributes: Run,
}

#[derive(Debug)]
struct Link {
    trace: u128,
    span: u64,
    flags: u32,
    trace_state: u32,
    dropped: u32,
    attributes: Run,
}

impl Spans {
    pub(super) fn stage(&mut self, values: &mut Values, scope: u32, from: &impl SpanView) {
        let attributes = values.attributes(from);
        let first_event = self.events.len();
        from.events(|event| {
            let name = values.strings.index(event.name());
            let attributes = values.attributes(event);
            let (time, dropped) = (event.time(), event.dropped_attributes());
            self.events.push(Event { time, name, dropped, attributes });
        });
        let first_link = self.links.len();
        from.links(|link| {
            let trace_state = values.strings.index(link.trace_state());
            let attributes = values.attributes(link);
            self.links.push(Link {
                trace: link.trace(),
                span: link.span(),
                flags: link.flags(),
                trace_state,
                dropped: link.dropped_attributes(),
                attributes,
            });
        });
        let events = Run::since(first_event, self.events.len());
        let links = Run::since(first_link, self.links.len());
        self.words += list::<event::Builder<'_>>(events.len());
        self.words += list::<link::Builder<'_>>(links.len());
        self.spans.push(Span {
            scope,
            trace: from.trace(),
            span: from.span(),
            parent: from.parent(),
            start: from.start(),
            end: from.end(),
            flags: from.flags(),
            name: values.strings.index(from.name()),
            trace_state: values.strings.index(from.trace_state()),
            kind: from.kind_number(),
            status_code: from.status_code(),
            status_message: values.strings.index(from.status_message()),
            dropped: [from.dropped_attributes(), from.dropped_events(), from.dropped_links()],
            attributes,
            events,
            links,
        });
    }

    /// What the lists inside of spans take, but for attributes.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// Puts the spans of each scope in a row; they keep their order.
    pub(super) fn sort(&mut self) {
        self.spans.sort_by_key(|span| span.scope);
    }

    pub(super) fn clear(&mut self) {
        self.spans.clear();
        self.events.clear();
        self.links.clear();
        self.words = 0;
    }

    /// The spans of `run` into their list.
    pub(super) fn write(
        &self,
        values: &Values,
        run: Run,
        mut to: struct_list::Builder<'_, span::Owned>,
    ) {
        for (index, span) in (0..).zip(run.of(&self.spans)) {
            self.write_span(values, span, to.reborrow().get(index));
        }
    }

    fn write_span(&self, values: &Values, from: &Span, mut to: span::Builder<'_>) {
        to.set_trace_id_high((from.trace >> 64) as u64);
        to.set_trace_id_low(from.trace as u64);
        to.set_span_id(from.span);
        to.set_parent_span_id(from.parent);
        to.set_start_time_unix_nano(from.start);
        to.set_end_time_unix_nano(from.end);
        to.set_flags(from.flags);
        to.set_name(from.name);
        to.set_trace_state(from.trace_state);
        to.set_kind(from.kind);
        to.set_status_code(from.status_code);
        to.set_status_message(from.status_message);
        to.set_dropped_attributes_count(from.dropped[0]);
        to.set_dropped_events_count(from.dropped[1]);
        to.set_dropped_links_count(from.dropped[2]);
        values.write(from.attributes, |length| to.reborrow().init_attributes(length));
        if from.events.len() != 0 {
            let mut list = to.reborrow().init_events(from.events.len() as u32);
            for (index, event) in (0..).zip(from.events.of(&self.events)) {
                let mut to = list.reborrow().get(index);
                to.set_time_unix_nano(event.time);
                to.set_name(event.name);
                to.set_dropped_attributes_count(event.dropped);
                values.write(event.attributes, |length| to.init_attributes(length));
            }
        }
        if from.links.len() != 0 {
            let mut list = to.init_links(from.links.len() as u32);
            for (index, link) in (0..).zip(from.links.of(&self.links)) {
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
