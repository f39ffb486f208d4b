//! Spans, with their events and links.

use super::Attributes;
use crate::telemetry::Kind;

/// Bits of `flags` above the byte of `traceparent`: whether remoteness is known, and what it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

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
    /// OTLP's `SpanFlags`.
    fn flags(&self) -> u32 {
        flags(self.trace_flags(), self.parent_is_remote())
    }
    /// The `tracestate` header, or empty.
    fn trace_state(&self) -> &str;
    /// As for a log record: empty for the crate's own scope; see `scope_parts`.
    fn scope(&self) -> &str;
    /// The same for who only compares it.
    fn copied_scope(&self) -> &[u8] {
        self.scope().as_bytes()
    }
    fn name(&self) -> &str;
    /// The same for who only copies it.
    fn copied_name(&self) -> &[u8] {
        self.name().as_bytes()
    }
    fn kind(&self) -> Kind;
    /// The kind as OTLP carries it: a number that we do not know survives.
    fn kind_number(&self) -> i32 {
        match self.kind() {
            Kind::Internal => 1,
            Kind::Server => 2,
            Kind::Client => 3,
            Kind::Producer => 4,
            Kind::Consumer => 5,
        }
    }
    fn start(&self) -> u64;
    fn end(&self) -> u64;
    fn status(&self) -> SpanStatus<'_>;
    /// The status as OTLP carries it: a number that we do not know survives.
    fn status_code(&self) -> i32 {
        match self.status() {
            SpanStatus::Unset => 0,
            SpanStatus::Ok => 1,
            SpanStatus::Error(_) => 2,
        }
    }
    fn status_message(&self) -> &str {
        match self.status() {
            SpanStatus::Unset | SpanStatus::Ok => "",
            SpanStatus::Error(message) => message,
        }
    }
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
    /// OTLP's `SpanFlags`.
    fn flags(&self) -> u32 {
        flags(self.trace_flags(), self.is_remote())
    }
}

fn flags(trace_flags: u8, is_remote: bool) -> u32 {
    let remote = if is_remote { IS_REMOTE } else { 0 };
    u32::from(trace_flags) | HAS_IS_REMOTE | remote
}
