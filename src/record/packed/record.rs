//! A finished span before it is one run of bytes: its head as words, and what follows.

use crate::telemetry::Kind;

/// Words of a head, and of one that says only what every span has.
pub(super) const HEAD: usize = 12;
pub(super) const SHORT: usize = 8;
/// In the status: the head is not the short one.
pub(super) const LONG: u8 = 1 << 7;

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
    head: [u64; HEAD],
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

    #[inline(always)]
    pub(crate) fn head(&self) -> &[u64] {
        if self.rest.is_some() { &self.head } else { &self.head[..SHORT] }
    }

    /// What follows the head.
    pub(crate) fn pieces(&self) -> [&'a [u8]; 7] {
        let [events, links, message, trace_state, scope] = self.rest.unwrap_or_default();
        [self.name, self.attributes, events, links, message, trace_state, scope]
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let head = self.head().iter().flat_map(|word| word.to_ne_bytes());
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
) -> [u64; HEAD] {
    let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    let length = |index: usize| rest.map_or(0, |rest| rest[index].len() as u32);
    let bits = u32::from_le_bytes([
        head.kind as u8,
        if rest.is_some() { head.status | LONG } else { head.status },
        head.trace_flags,
        head.parent_is_remote.into(),
    ]);
    let words: [u64; HEAD] = [
        pair(bits, head.dropped[0]),
        head.trace as u64,
        (head.trace >> 64) as u64,
        head.span,
        head.parent,
        head.start,
        head.end,
        pair(name.len() as u32, attributes.len() as u32),
        pair(head.dropped[1], head.dropped[2]),
        pair(length(0), length(1)),
        pair(length(2), length(3)),
        length(4).into(),
    ];
    if cfg!(target_endian = "big") { words.map(u64::to_le) } else { words }
}
