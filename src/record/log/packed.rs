//! The view that the encoders read.

use crate::encode::view::{Any, Attributes, Copied, LogView};
use crate::pipeline::clock::Anchor;

use super::super::attributes::{each_attribute, each_copied};
use super::super::bytes::{Reader, first};
use super::super::values::{copied, text, value};
use super::{BANDS, HEAD};

/// A packed log record, read.
pub(crate) struct PackedLog<'a> {
    severity: u8,
    body_tag: u8,
    trace_flags: u8,
    trace: u128,
    span: u64,
    time: u64,
    observed: u64,
    dropped: u32,
    body: &'a [u8],
    scope: &'a [u8],
    event_name: &'a [u8],
    severity_text: &'a [u8],
    attributes: &'a [u8],
}

impl<'a> PackedLog<'a> {
    /// Reads a record; its ticks become time by the anchor.
    #[inline]
    pub(crate) fn read(bytes: &'a [u8], anchor: &Anchor) -> Self {
        let (front, behind) = first::<HEAD>(bytes);
        let mut from = Reader(&front);
        let (severity, body_tag, trace_flags) = (from.u8(), from.u8(), from.u8());
        from.piece(1);
        let dropped = from.u32();
        let (trace, span) = (from.u128(), from.u64());
        let time = anchor.unix_nanos(from.u64());
        let observed = anchor.unix_nanos(from.u64());
        let lengths: [u32; 5] = std::array::from_fn(|_| from.u32());
        let mut from = Reader(behind);
        let [body, scope, event_name, severity_text, attributes] =
            lengths.map(|length| from.piece(length as usize));
        Self {
            severity,
            body_tag,
            trace_flags,
            trace,
            span,
            time,
            observed,
            dropped,
            body,
            scope,
            event_name,
            severity_text,
            attributes,
        }
    }
}

impl Attributes for PackedLog<'_> {
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

impl LogView for PackedLog<'_> {
    fn time(&self) -> u64 {
        self.time
    }

    fn observed(&self) -> u64 {
        self.observed
    }

    fn severity(&self) -> u8 {
        self.severity
    }

    fn severity_text(&self) -> &str {
        match text(self.severity_text) {
            "" => BANDS.iter().find(|band| band.1 == self.severity).map_or("", |band| band.2),
            given => given,
        }
    }

    fn body(&self, take: impl FnOnce(Any<'_>)) {
        if self.body_tag != 0 {
            value(self.body_tag, self.body, take);
        }
    }

    fn copied_body(&self, take: impl FnOnce(Copied<'_>)) {
        if self.body_tag != 0 {
            copied(self.body_tag, self.body, take);
        }
    }

    fn trace(&self) -> u128 {
        self.trace
    }

    fn span(&self) -> u64 {
        self.span
    }

    fn trace_flags(&self) -> u8 {
        self.trace_flags
    }

    fn scope(&self) -> &str {
        text(self.scope)
    }

    fn copied_scope(&self) -> &[u8] {
        self.scope
    }

    fn event_name(&self) -> &str {
        text(self.event_name)
    }
}
