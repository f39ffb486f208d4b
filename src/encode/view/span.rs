//! Spans, with their events and links.

use super::Attributes;
use crate::telemetry::Kind;

/// A span's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanStatus<'a> {
    Unset,
    Ok,
    Error(&'a str),
}

/// A finished span. Times are nanoseconds since the Unix epoch.
pub(crate) trait SpanView: Attributes {
    type Event: EventView;
    type Link: LinkView;

    fn trace(&self) -> u128;
    fn span(&self) -> u64;
    /// 0 for a root.
    fn parent(&self) -> u64;
    /// The parent is another process's span.
    fn parent_is_remote(&self) -> bool;
    /// The flags byte of `traceparent`.
    fn trace_flags(&self) -> u8;
    /// The `tracestate` header, or empty.
    fn trace_state(&self) -> &str;
    /// As for a log record: empty for the crate's own scope; see `scope_parts`.
    fn scope(&self) -> &str;
    fn name(&self) -> &str;
    fn kind(&self) -> Kind;
    fn start(&self) -> u64;
    fn end(&self) -> u64;
    fn status(&self) -> SpanStatus<'_>;
    fn events(&self, each: impl FnMut(&Self::Event));
    fn dropped_events(&self) -> u32;
    fn links(&self, each: impl FnMut(&Self::Link));
    fn dropped_links(&self) -> u32;
}

/// Something that happened during a span.
pub(crate) trait EventView: Attributes {
    fn name(&self) -> &str;
    /// Nanoseconds since the Unix epoch.
    fn time(&self) -> u64;
}

/// A span that another one points to.
pub(crate) trait LinkView: Attributes {
    fn trace(&self) -> u128;
    fn span(&self) -> u64;
    fn trace_flags(&self) -> u8;
    fn trace_state(&self) -> &str;
    fn is_remote(&self) -> bool;
}
