//! A finished span as one run of bytes, and the view that the encoders read.
//!
//! Fixed-size numbers first, then name, attributes, events, links, status text, `tracestate`
//! and scope, whose lengths stand in the head; of most spans, name and attributes only, with a shorter
//! head. An event is `[time: u64 | name: u32 | attributes: u32 |
//! dropped: u32]` and its bytes; a link is `[trace: u128 | span: u64 | tracestate: u32 |
//! attributes: u32 | dropped: u32 | flags: u8 | remote: u8]` and its bytes.

mod record;

use crate::encode::view::{Any, Attributes, Copied, EventView, LinkView, SpanStatus, SpanView};
use crate::pipeline::clock::Anchor;
use crate::telemetry::Kind;

use super::attributes::{each_attribute, each_copied};
use super::bytes::{Reader, first};
use super::values::text;
use record::{HEAD, LONG, SHORT};
pub(crate) use record::{Head, Record};

const SHORT_BYTES: usize = SHORT * size_of::<u64>();
const EVENT_HEAD: usize = 20;
const LINK_HEAD: usize = 38;

/// Appends one event.
pub(crate) fn pack_event(
    into: &mut Vec<u8>,
    ticks: u64,
    name: &str,
    attributes: &[u8],
    dropped: u32,
) {
    into.extend_from_slice(&ticks.to_le_bytes());
    for length in [name.len() as u32, attributes.len() as u32, dropped] {
        into.extend_from_slice(&length.to_le_bytes());
    }
    into.extend_from_slice(name.as_bytes());
    into.extend_from_slice(attributes);
}

/// Appends one link.
pub(crate) fn pack_link(
    into: &mut Vec<u8>,
    to: &crate::context::Parent,
    attributes: &[u8],
    dropped: u32,
) {
    into.extend_from_slice(&to.trace.to_le_bytes());
    into.extend_from_slice(&to.span.to_le_bytes());
    for length in [to.trace_state().len() as u32, attributes.len() as u32, dropped] {
        into.extend_from_slice(&length.to_le_bytes());
    }
    into.extend_from_slice(&[to.flags, to.remote.into()]);
    into.extend_from_slice(to.trace_state().as_bytes());
    into.extend_from_slice(attributes);
}

/// Appends the first `most` of another buffer's events; says how many that were.
pub(crate) fn copy_events(into: &mut Vec<u8>, from: &[u8], most: u32) -> u32 {
    copy_entries(into, from, most, EVENT_HEAD, &[8, 12])
}

/// As `copy_events`, for links.
pub(crate) fn copy_links(into: &mut Vec<u8>, from: &[u8], most: u32) -> u32 {
    copy_entries(into, from, most, LINK_HEAD, &[24, 28])
}

/// `lengths` says where in an entry's head the lengths of what follows it stand.
fn copy_entries(
    into: &mut Vec<u8>,
    mut from: &[u8],
    most: u32,
    head: usize,
    lengths: &[usize],
) -> u32 {
    let mut copied = 0;
    while copied < most && from.len() >= head {
        let length = |at: &usize| Reader(&from[*at..]).u32() as usize;
        let size = head + lengths.iter().map(length).sum::<usize>();
        let (entry, rest) = from.split_at(size.min(from.len()));
        into.extend_from_slice(entry);
        from = rest;
        copied += 1;
    }
    copied
}

/// A packed span, read.
pub(crate) struct PackedSpan<'a> {
    head: Head,
    start: u64,
    end: u64,
    anchor: &'a Anchor,
    name: &'a [u8],
    attributes: &'a [u8],
    events: &'a [u8],
    links: &'a [u8],
    message: &'a [u8],
    trace_state: &'a [u8],
    scope: &'a [u8],
}

impl<'a> PackedSpan<'a> {
    /// Reads a record; its ticks become time by the anchor.
    #[inline]
    pub(crate) fn read(bytes: &'a [u8], anchor: &'a Anchor) -> Self {
        let (front, behind) = first::<SHORT_BYTES>(bytes);
        let mut from = Reader(&front);
        let (kind, status, trace_flags, remote) = (from.u8(), from.u8(), from.u8(), from.u8());
        let dropped_attributes = from.u32();
        let mut head = Head {
            trace: from.u128(),
            span: from.u64(),
            parent: from.u64(),
            start: from.u64(),
            end: from.u64(),
            kind: match kind {
                1 => Kind::Server,
                2 => Kind::Client,
                3 => Kind::Producer,
                4 => Kind::Consumer,
                _ => Kind::Internal,
            },
            status: status & !LONG,
            trace_flags,
            parent_is_remote: remote != 0,
            dropped: [dropped_attributes, 0, 0],
        };
        let lengths = [from.u32(), from.u32()];
        let mut from = Reader(behind);
        let mut lengths_of_rest = [0; 5];
        if status & LONG != 0 {
            let (front, behind) = first::<{ (HEAD - SHORT) * size_of::<u64>() }>(from.0);
            let mut rest = Reader(&front);
            head.dropped[1..].fill_with(|| rest.u32());
            lengths_of_rest.fill_with(|| rest.u32());
            from = Reader(behind);
        }
        let [name, attributes] = lengths.map(|length| from.piece(length as usize));
        let rest = match status & LONG {
            0 => [&[][..]; 5],
            _ => lengths_of_rest.map(|length| from.piece(length as usize)),
        };
        let [events, links, message, trace_state, scope] = rest;
        Self {
            head,
            start: anchor.unix_nanos(head.start),
            end: anchor.unix_nanos(head.end),
            anchor,
            name,
            attributes,
            events,
            links,
            message,
            trace_state,
            scope,
        }
    }
}

impl Attributes for PackedSpan<'_> {
    fn attributes(&self, each: impl FnMut(&str, Any<'_>)) {
        each_attribute(self.attributes, each);
    }

    #[inline(always)]
    fn copied_attributes(&self, each: impl FnMut(&[u8], Copied<'_>)) {
        each_copied(self.attributes, each);
    }

    fn dropped_attributes(&self) -> u32 {
        self.head.dropped[0]
    }
}

impl<'a> SpanView for PackedSpan<'a> {
    type Event = PackedEvent<'a>;
    type Link = PackedLink<'a>;

    fn trace(&self) -> u128 {
        self.head.trace
    }

    fn span(&self) -> u64 {
        self.head.span
    }

    fn parent(&self) -> u64 {
        self.head.parent
    }

    fn parent_is_remote(&self) -> bool {
        self.head.parent_is_remote
    }

    fn trace_flags(&self) -> u8 {
        self.head.trace_flags
    }

    fn trace_state(&self) -> &str {
        text(self.trace_state)
    }

    fn scope(&self) -> &str {
        text(self.scope)
    }

    fn copied_scope(&self) -> &[u8] {
        self.scope
    }

    fn name(&self) -> &str {
        text(self.name)
    }

    fn copied_name(&self) -> &[u8] {
        self.name
    }

    fn kind(&self) -> Kind {
        self.head.kind
    }

    fn start(&self) -> u64 {
        self.start
    }

    fn end(&self) -> u64 {
        self.end
    }

    fn status(&self) -> SpanStatus<'_> {
        match self.head.status {
            0 => SpanStatus::Unset,
            1 => SpanStatus::Ok,
            _ => SpanStatus::Error(text(self.message)),
        }
    }

    fn events(&self, mut each: impl FnMut(&Self::Event)) {
        let mut from = Reader(self.events);
        while from.0.len() >= EVENT_HEAD {
            let time = self.anchor.unix_nanos(from.u64());
            let (name, attributes, dropped) = (from.u32(), from.u32(), from.u32());
            let (name, attributes) = (from.piece(name as usize), from.piece(attributes as usize));
            each(&PackedEvent { time, name, attributes, dropped });
        }
    }

    fn dropped_events(&self) -> u32 {
        self.head.dropped[1]
    }

    fn links(&self, mut each: impl FnMut(&Self::Link)) {
        let mut from = Reader(self.links);
        while from.0.len() >= LINK_HEAD {
            let (trace, span) = (from.u128(), from.u64());
            let (state, attributes, dropped) = (from.u32(), from.u32(), from.u32());
            let (flags, remote) = (from.u8(), from.u8() != 0);
            let trace_state = from.piece(state as usize);
            let attributes = from.piece(attributes as usize);
            each(&PackedLink { trace, span, flags, remote, trace_state, attributes, dropped });
        }
    }

    fn dropped_links(&self) -> u32 {
        self.head.dropped[2]
    }
}

/// An event of a packed span.
pub(crate) struct PackedEvent<'a> {
    time: u64,
    name: &'a [u8],
    attributes: &'a [u8],
    dropped: u32,
}

impl Attributes for PackedEvent<'_> {
    fn attributes(&self, each: impl FnMut(&str, Any<'_>)) {
        each_attribute(self.attributes, each);
    }

    #[inline(always)]
    fn copied_attributes(&self, each: impl FnMut(&[u8], Copied<'_>)) {
        each_copied(self.attributes, each);
    }

    fn dropped_attributes(&self) -> u32 {
        self.dropped
    }
}

impl EventView for PackedEvent<'_> {
    fn name(&self) -> &str {
        text(self.name)
    }

    fn time(&self) -> u64 {
        self.time
    }
}

/// A link of a packed span.
pub(crate) struct PackedLink<'a> {
    trace: u128,
    span: u64,
    flags: u8,
    remote: bool,
    trace_state: &'a [u8],
    attributes: &'a [u8],
    dropped: u32,
}

impl Attributes for PackedLink<'_> {
    fn attributes(&self, each: impl FnMut(&str, Any<'_>)) {
        each_attribute(self.attributes, each);
    }

    #[inline(always)]
    fn copied_attributes(&self, each: impl FnMut(&[u8], Copied<'_>)) {
        each_copied(self.attributes, each);
    }

    fn dropped_attributes(&self) -> u32 {
        self.dropped
    }
}

impl LinkView for PackedLink<'_> {
    fn trace(&self) -> u128 {
        self.trace
    }

    fn span(&self) -> u64 {
        self.span
    }

    fn trace_flags(&self) -> u8 {
        self.flags
    }

    fn trace_state(&self) -> &str {
        text(self.trace_state)
    }

    fn is_remote(&self) -> bool {
        self.remote
    }
}
