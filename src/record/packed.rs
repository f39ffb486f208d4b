//! A finished span as one run of bytes, and the view that the encoders read.
//!
//! Fixed-size numbers first, then name, attributes, events, links, status text, `tracestate`
//! and scope, whose lengths stand in the head. An event is `[time: u64 | name: u32 | attributes: u32 |
//! dropped: u32]` and its bytes; a link is `[trace: u128 | span: u64 | tracestate: u32 |
//! attributes: u32 | dropped: u32 | flags: u8 | remote: u8]` and its bytes.

use crate::encode::view::{Any, Attributes, EventView, LinkView, SpanStatus, SpanView};
use crate::pipeline::clock::Anchor;
use crate::telemetry::Kind;

use super::attributes::each_attribute;
use super::bytes::Reader;
use super::values::text;

const HEAD: usize = 96;
const EVENT_HEAD: usize = 20;
const LINK_HEAD: usize = 38;

/// What a span's head holds besides the lengths.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Head {
    pub(crate) trace: u128,
    pub(crate) span: u64,
    pub(crate) parent: u64,
    /// In ticks of the clock.
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) kind: Kind,
    /// 0 unset, 1 ok, 2 error, as in OTLP.
    pub(crate) status: u8,
    pub(crate) trace_flags: u8,
    pub(crate) parent_is_remote: bool,
    pub(crate) dropped: [u32; 3],
}

/// A finished span, before it is one run of bytes.
pub(crate) struct Record<'a> {
    pub(crate) head: [u64; HEAD / 8],
    pub(crate) name: &'a [u8],
    pub(crate) attributes: &'a [u8],
    /// Events, links, status text, `tracestate` and scope; most spans have none of them.
    pub(crate) rest: Option<[&'a [u8]; 5]>,
}

impl<'a> Record<'a> {
    #[inline(always)]
    pub(crate) fn new(
        head: &Head,
        name: &'a [u8],
        attributes: &'a [u8],
        rest: Option<[&'a [u8]; 5]>,
    ) -> Self {
        Self { head: pack_head(head, name, attributes, rest.as_ref()), name, attributes, rest }
    }

    /// What follows the head.
    pub(crate) fn pieces(&self) -> [&'a [u8]; 7] {
        let [events, links, message, trace_state, scope] = self.rest.unwrap_or_default();
        [self.name, self.attributes, events, links, message, trace_state, scope]
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let head = self.head.iter().flat_map(|word| word.to_ne_bytes());
        head.chain(self.pieces().concat()).collect()
    }
}

/// The head, word by word, as little-endian bytes.
#[inline(always)]
fn pack_head(
    head: &Head,
    name: &[u8],
    attributes: &[u8],
    rest: Option<&[&[u8]; 5]>,
) -> [u64; HEAD / 8] {
    let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    let length = |index: usize| rest.map_or(0, |rest| rest[index].len() as u32);
    let bits = u32::from_le_bytes([
        head.kind as u8,
        head.status,
        head.trace_flags,
        head.parent_is_remote.into(),
    ]);
    let words: [u64; HEAD / 8] = [
        pair(bits, head.dropped[0]),
        head.trace as u64,
        (head.trace >> 64) as u64,
        head.span,
        head.parent,
        head.start,
        head.end,
        pair(head.dropped[1], head.dropped[2]),
        pair(name.len() as u32, attributes.len() as u32),
        pair(length(0), length(1)),
        pair(length(2), length(3)),
        length(4).into(),
    ];
    if cfg!(target_endian = "big") { words.map(u64::to_le) } else { words }
}

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
    pub(crate) fn read(bytes: &'a [u8], anchor: &'a Anchor) -> Self {
        let mut from = Reader(bytes);
        let (kind, status, trace_flags, remote) = (from.u8(), from.u8(), from.u8(), from.u8());
        let dropped_attributes = from.u32();
        let head = Head {
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
            status,
            trace_flags,
            parent_is_remote: remote != 0,
            dropped: [dropped_attributes, from.u32(), from.u32()],
        };
        let lengths: [u32; 8] = std::array::from_fn(|_| from.u32());
        let [name, attributes, events, links, message, trace_state, scope, _] =
            lengths.map(|length| from.piece(length as usize));
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

    fn name(&self) -> &str {
        text(self.name)
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
