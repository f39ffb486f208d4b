//! Spans.

use super::items::Items;
use super::message::{Message, Target};
use super::value::Values;
use crate::encode::view::{Attributes as _, EventView, LinkView, SpanView};
use crate::schema::trace_capnp::{event, link};

/// The spans of a batch.
#[derive(Debug, Default)]
pub(super) struct Spans {
    pub(super) items: Items<11, 3>,
    /// Of the events or links of one span: they all stand before what is behind their pointers.
    elements: Vec<Element>,
    behind: Message,
}

/// An event or a link.
#[derive(Debug)]
struct Element {
    data: [u64; 5],
    attributes: Target,
}

/// Words of an event that are no pointers, and of a link.
const EVENT: usize = 2;
const LINK: usize = 5;

impl Spans {
    #[inline]
    pub(super) fn stage(&mut self, values: &mut Values, scope: u32, from: &impl SpanView) {
        let inside = &mut self.items.inside;
        let start = inside.len();
        let attributes = values.attributes(inside, from);
        from.events(|event| {
            let name = values.strings.index(event.name());
            let attributes = values.attributes(&mut self.behind, event);
            let data = [event.time(), two(name, event.dropped_attributes()), 0, 0, 0];
            self.elements.push(Element { data, attributes });
        });
        let events = self.close_events();
        from.links(|link| {
            let trace_state = values.strings.index(link.trace_state());
            let attributes = values.attributes(&mut self.behind, link);
            let [high, low] = halves(link.trace());
            let flags = two(link.flags(), trace_state);
            let dropped = link.dropped_attributes().into();
            let data = [high, low, link.span(), flags, dropped];
            self.elements.push(Element { data, attributes });
        });
        let links = self.close_links();
        let [high, low] = halves(from.trace());
        let (flags, name) = (from.flags(), values.strings.index(from.copied_name()));
        let trace_state = values.strings.index(from.trace_state());
        let (kind, code) = (from.kind_number() as u32, from.status_code() as u32);
        let message = values.strings.index(from.status_message());
        let data = [
            high,
            low,
            from.span(),
            from.parent(),
            from.start(),
            from.end(),
            two(flags, name),
            two(trace_state, kind),
            two(code, message),
            two(from.dropped_attributes(), from.dropped_events()),
            from.dropped_links().into(),
        ];
        self.items.push(scope, start, data, [attributes, events, links]);
    }

    fn close_events(&mut self) -> Target {
        if self.elements.is_empty() {
            return Target::NONE;
        }
        let inside = &mut self.items.inside;
        let start = inside.begin_list();
        let behind = inside.len() + self.elements.len() * 8 * (EVENT + 1);
        for Element { data: [time, name, ..], attributes } in self.elements.drain(..) {
            let at = inside.len() + 8 * EVENT;
            inside.words([time, name, attributes.word(0, behind, at)]);
        }
        let list = inside.close_list::<event::Builder<'_>>(start);
        self.append_behind();
        list
    }

    fn close_links(&mut self) -> Target {
        if self.elements.is_empty() {
            return Target::NONE;
        }
        let inside = &mut self.items.inside;
        let start = inside.begin_list();
        let behind = inside.len() + self.elements.len() * 8 * (LINK + 1);
        for Element { data, attributes } in self.elements.drain(..) {
            let at = inside.len() + 8 * LINK;
            inside.words(data);
            inside.words([attributes.word(0, behind, at)]);
        }
        let list = inside.close_list::<link::Builder<'_>>(start);
        self.append_behind();
        list
    }

    fn append_behind(&mut self) {
        self.items.inside.copy(&self.behind, 0, self.behind.len());
        self.behind.clear();
    }
}

/// A word of two numbers, the first one first.
#[inline]
pub(super) fn two(first: u32, second: u32) -> u64 {
    u64::from(first) | u64::from(second) << 32
}

/// A trace's id in two words, the high one first.
#[inline]
pub(super) fn halves(trace: u128) -> [u64; 2] {
    [(trace >> 64) as u64, trace as u64]
}
