//! The one borrowed view of items that every source offers and every sink reads (law 7: N + M, not N x M).
//!
//! Iteration is internal, so a source may build what it lends on the spot, and an encoder is
//! compiled once for each source without a virtual call.

mod log;
mod metric;
mod resource;
#[allow(dead_code, reason = "a receiver's")]
mod sink;
mod span;

use std::fmt;

pub(crate) use log::LogView;
pub(crate) use metric::{
    Buckets, Exemplar, ExponentialHistogram, Histogram, MetricData, MetricView, Number, Pairs,
    Point, Scope, Summary, Temporality,
};
pub(crate) use resource::{EntityRef, Resource, whole_number};
#[allow(unused_imports, reason = "a receiver's")]
pub(crate) use sink::BatchSink;
pub(crate) use span::{EventView, LinkView, SpanStatus, SpanView};

/// One attribute value, as OTLP's `AnyValue` knows it.
#[derive(Clone, Copy)]
pub(crate) enum Any<'a> {
    /// An `AnyValue` without a value.
    Empty,
    Bool(bool),
    I64(i64),
    F64(f64),
    Str(&'a str),
    Bytes(&'a [u8]),
    Array(&'a dyn Items),
    Map(&'a dyn Entries),
}

/// A value for who only copies text and does not read it.
#[derive(Clone, Copy)]
pub(crate) enum Copied<'a> {
    /// It was text when it was recorded.
    Text(&'a [u8]),
    Any(Any<'a>),
}

impl<'a> From<Any<'a>> for Copied<'a> {
    #[inline(always)]
    fn from(value: Any<'a>) -> Self {
        match value {
            Any::Str(text) => Self::Text(text.as_bytes()),
            value => Self::Any(value),
        }
    }
}

/// The values of an array.
pub(crate) trait Items {
    /// Lends each value in order.
    fn items(&self, each: &mut dyn FnMut(Any<'_>));
}

/// The entries of a map.
pub(crate) trait Entries {
    /// Lends each entry, in an order that is always the same.
    fn entries(&self, each: &mut dyn FnMut(&str, Any<'_>));
}

impl fmt::Debug for Any<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("null"),
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
            Self::Map(v) => {
                let mut map = f.debug_map();
                v.entries(&mut |key, value| {
                    map.entry(&key, &value);
                });
                map.finish()
            }
        }
    }
}

/// Between the name and the version of a scope.
pub(crate) const SCOPE_VERSION: char = '\0';

/// Name and version of a scope, which the views give as one text: a key that needs no allocation.
pub(crate) fn scope_parts(scope: &str) -> (&str, &str) {
    scope.split_once(SCOPE_VERSION).unwrap_or((scope, ""))
}

/// Something with attributes: a span, an event, a link, a log record.
pub(crate) trait Attributes {
    /// Lends each attribute in order.
    fn attributes(&self, each: impl FnMut(&str, Any<'_>));
    /// The same for who only copies: what is text by its source is not checked once more.
    #[inline(always)]
    fn copied_attributes(&self, mut each: impl FnMut(&[u8], Copied<'_>)) {
        self.attributes(|key, value| each(key.as_bytes(), value.into()));
    }
    /// How many were dropped by the limits.
    fn dropped_attributes(&self) -> u32;
}
