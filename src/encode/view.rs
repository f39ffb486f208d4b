//! The one borrowed view of items that every source offers and every sink reads (law 7: N + M, not N x M).
//!
//! Iteration is internal, so a source may build what it lends on the spot, and an encoder is
//! compiled once for each source without a virtual call.

use std::fmt;

use crate::telemetry::Kind;

/// One attribute value, as OTLP's `AnyValue` knows it.
#[derive(Clone, Copy)]
pub(crate) enum Any<'a> {
    Bool(bool),
    I64(i64),
    F64(f64),
    Str(&'a str),
    Bytes(&'a [u8]),
    Array(&'a dyn Items),
}

/// The values of an array.
pub(crate) trait Items {
    /// Lends each value in order.
    fn items(&self, each: &mut dyn FnMut(Any<'_>));
}

impl fmt::Debug for Any<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(v) => v.fmt(f),
            Self::I64(v) => v.fmt(f),
            Self::F64(v) => v.fmt(f),
            Self::Str(v) => v.fmt(f),
            Self::Bytes(v) => v.fmt(f),
            Self::Array(v) => {
                let mut list = f.debug_list();
                v.items(&mut |item| {
                    list.entry(&item);
                });
                list.finish()
            }
        }
    }
}

/// Something with attributes: a span, an event, a link, a resource.
pub(crate) trait Attributes {
    /// Lends each attribute in order.
    fn attributes(&self, each: impl FnMut(&str, Any<'_>));
    /// How many were dropped by the limits.
    fn dropped_attributes(&self) -> u32;
}

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
