//! Spans as an `ExportTraceServiceRequest` with one `ResourceSpans`, a `ScopeSpans` for each scope.

use bytes::Bytes;

use super::attribute::attributes;
use super::envelope::{self, ITEMS, RESOURCE_GROUPS, SCOPE_GROUPS};
use super::proto::{Writer, varint_len};
use crate::encode::last::{Last, MOST};
use crate::encode::view::{EventView, LinkView, Scope, SpanView, scope_parts};

/// Writes spans one after the other and hands them out as whole requests.
///
/// The lengths of the two outer messages are known last but stand first. So room is kept for them,
/// the resource and the scope at the front of the buffer, and the request begins inside that room.
/// Spans of other scopes than the crate's own are rarer; they wait beside it and are copied behind.
#[derive(Debug)]
pub(crate) struct TraceEncoder {
    /// `ResourceSpans.resource`, encoded.
    resource: Vec<u8>,
    /// `ScopeSpans.scope`, encoded.
    scope: Vec<u8>,
    /// The room at the front, then the spans; empty between batches.
    out: Writer,
    /// What goes into the room; kept for its capacity.
    head: Writer,
    /// The spans of each other scope.
    others: Vec<Group>,
    /// Those of the batch before, emptied: the scopes are likely the same again.
    before: Vec<Group>,
    spans: u32,
    last: Last,
}

/// The spans of one scope.
#[derive(Debug)]
struct Group {
    /// As the spans name it.
    name: String,
    /// `ScopeSpans.scope`, encoded.
    scope: Vec<u8>,
    items: Writer,
}

impl TraceEncoder {
    /// Resource and scope are encoded here, once.
    pub(crate) fn new(
        resource: &[(String, String)],
        scope_name: &str,
        scope_version: &str,
    ) -> Self {
        Self {
            resource: envelope::resource(&resource.into()),
            scope: envelope::scope(&Scope {
                name: scope_name,
                version: scope_version,
                ..Scope::default()
            }),
            out: Writer::default(),
            head: Writer::default(),
            others: Vec::new(),
            before: Vec::new(),
            spans: 0,
            last: Last::default(),
        }
    }

    /// Adds a span to the batch.
    pub(crate) fn span(&mut self, span: &impl SpanView) {
        if self.is_empty() {
            self.begin();
        }
        let out = match span.copied_scope() {
            [] => &mut self.out,
            name => match self.others.iter().rposition(|group| group.name.as_bytes() == name) {
                // From the back, since a library's spans come in a row.
                Some(index) => &mut self.others[index].items,
                None => self.add(span.scope()),
            },
        };
        // A span is rarely shorter than 128 bytes or longer than 16 KiB: two bytes of length.
        out.message(ITEMS, 2, |out| write_span(out, span));
        self.spans += 1;
    }

    /// The spans of a scope, as the views name it, that this batch has not had yet.
    #[cold]
    fn add(&mut self, name: &str) -> &mut Writer {
        let group = match self.before.iter().position(|group| group.name == name) {
            Some(index) => self.before.swap_remove(index),
            None => {
                let parts = scope_parts(name);
                let scope = Scope { name: parts.0, version: parts.1, ..Scope::default() };
                let scope = envelope::scope(&scope);
                Group { name: name.to_owned(), scope, items: Writer::default() }
            }
        };
        let index = self.others.len();
        self.others.push(group);
        &mut self.others[index].items
    }

    /// The length of the request as it stands.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let spans = self.out.len().saturating_sub(self.room());
        let (resource_spans, _) = self.outer_lengths(spans, 0);
        1 + varint_len(resource_spans) + resource_spans
    }

    /// How many spans are in the batch.
    #[cfg(test)]
    pub(crate) fn spans(&self) -> u32 {
        self.spans
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.spans == 0
    }

    /// The whole request; the encoder is ready for the next batch.
    ///
    /// Nothing is copied: the buffer itself is handed out, and comes back for a later batch if the
    /// request has been dropped by then.
    pub(crate) fn finish(&mut self) -> Bytes {
        if self.is_empty() {
            self.begin();
        }
        let room = self.room();
        let own = self.out.len() - room;
        self.before.clear();
        let mut kept = 0;
        for mut group in self.others.drain(..) {
            self.out.message_head(SCOPE_GROUPS, group.scope.len() + group.items.len());
            self.out.raw(&group.scope);
            self.out.raw(group.items.as_slice());
            kept += group.items.memory();
            if kept <= MOST {
                group.items.clear();
                self.before.push(group);
            }
        }
        let others = self.out.len() - room - own;
        let (resource_spans, scope_spans) = self.outer_lengths(own, others);
        self.head.clear();
        self.head.message_head(RESOURCE_GROUPS, resource_spans);
        self.head.raw(&self.resource);
        if scope_spans > 0 {
            self.head.message_head(SCOPE_GROUPS, scope_spans);
            self.head.raw(&self.scope);
        }
        let start = room - self.head.len();
        self.out.as_mut_slice()[start..room].copy_from_slice(self.head.as_slice());
        self.spans = 0;
        let request = start..self.out.len();
        self.last.keep(self.out.take_all(), request)
    }

    /// A buffer with the room at its front; a new one has the last request's size, and a little more.
    fn begin(&mut self) {
        let size = self.room() + self.last.len() + self.last.len() / 8;
        self.out = Writer::new(self.last.buffer(size));
        self.out.skip(self.room());
    }

    /// What the head takes at most: two tags, two lengths, resource and scope.
    fn room(&self) -> usize {
        2 * (1 + varint_len(usize::MAX)) + self.resource.len() + self.scope.len()
    }

    /// The lengths of `ResourceSpans` and of the own `ScopeSpans` around `own` bytes, with `others`
    /// bytes behind it; the latter is 0 where all spans are of other scopes.
    fn outer_lengths(&self, own: usize, others: usize) -> (usize, usize) {
        if own == 0 && others > 0 {
            return (self.resource.len() + others, 0);
        }
        let scope_spans = self.scope.len() + own;
        (self.resource.len() + 1 + varint_len(scope_spans) + scope_spans + others, scope_spans)
    }
}

pub(super) fn write_span(out: &mut Writer, span: &impl SpanView) {
    ids(out, span.trace(), span.span());
    out.string(3, span.trace_state());
    out.span_id(4, span.parent());
    out.text(5, span.copied_name());
    out.int32(6, span.kind_number());
    out.fixed64(7, span.start());
    out.fixed64(8, span.end());
    attributes(out, 9, 10, span);
    span.events(|event| out.message(11, 1, |out| write_event(out, event)));
    out.uint(12, span.dropped_events());
    span.links(|link| out.message(13, 1, |out| write_link(out, link)));
    out.uint(14, span.dropped_links());
    let (code, message) = (span.status_code(), span.status_message());
    if code != 0 || !message.is_empty() {
        out.message(15, 1, |out| {
            out.string(2, message);
            out.int32(3, code);
        });
    }
    out.fixed32(16, span.flags());
}

/// The first two fields of a span and of a link. Zero means that there is none, as it does everywhere.
#[inline]
fn ids(out: &mut Writer, trace: u128, span: u64) {
    out.trace_id(1, trace);
    out.span_id(2, span);
}

fn write_event(out: &mut Writer, event: &impl EventView) {
    out.fixed64(1, event.time());
    out.string(2, event.name());
    attributes(out, 3, 4, event);
}

fn write_link(out: &mut Writer, link: &impl LinkView) {
    ids(out, link.trace(), link.span());
    out.string(3, link.trace_state());
    attributes(out, 4, 5, link);
    out.fixed32(6, link.flags());
}
