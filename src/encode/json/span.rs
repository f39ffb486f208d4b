//! `Span`.

use super::value::attributes;
use super::writer::Writer;
use crate::encode::view::{EventView, LinkView, SpanView};

pub(super) fn span(out: &mut Writer, from: &impl SpanView) {
    out.object(|out| {
        out.trace_id("traceId", from.trace());
        out.span_id("spanId", from.span());
        out.text("traceState", from.trace_state());
        out.span_id("parentSpanId", from.parent());
        out.small("flags", from.flags());
        out.text("name", from.name());
        out.small("kind", from.kind_number());
        out.large("startTimeUnixNano", from.start());
        out.large("endTimeUnixNano", from.end());
        attributes(out, from);
        let mut list = List::new("events");
        from.events(|one| list.item(out, |out| event(out, one)));
        list.end(out);
        out.small("droppedEventsCount", from.dropped_events());
        let mut list = List::new("links");
        from.links(|one| list.item(out, |out| link(out, one)));
        list.end(out);
        out.small("droppedLinksCount", from.dropped_links());
        if from.status_code() != 0 || !from.status_message().is_empty() {
            out.key("status");
            out.object(|out| {
                out.text("message", from.status_message());
                out.small("code", from.status_code());
            });
        }
    });
}

fn event(out: &mut Writer, from: &impl EventView) {
    out.object(|out| {
        out.large("timeUnixNano", from.time());
        out.text("name", from.name());
        attributes(out, from);
    });
}

fn link(out: &mut Writer, from: &impl LinkView) {
    out.object(|out| {
        out.trace_id("traceId", from.trace());
        out.span_id("spanId", from.span());
        out.text("traceState", from.trace_state());
        attributes(out, from);
        out.small("flags", from.flags());
    });
}

/// A list whose items come one by one; it begins with the first.
struct List {
    name: &'static str,
    has_begun: bool,
}

impl List {
    fn new(name: &'static str) -> Self {
        Self { name, has_begun: false }
    }

    fn item(&mut self, out: &mut Writer, write: impl FnOnce(&mut Writer)) {
        if !std::mem::replace(&mut self.has_begun, true) {
            out.key(self.name);
            out.open(b'[');
        }
        write(out);
    }

    fn end(self, out: &mut Writer) {
        if self.has_begun {
            out.close(b']');
        }
    }
}
