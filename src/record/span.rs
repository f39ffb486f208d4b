//! The span that a host's closure writes to.

use std::fmt;
use std::marker::PhantomData;

use crate::context::Parent;
use crate::telemetry::Value;

use super::open::Open;

/// A span being written; only ever lent to a closure, and only if the span is recorded.
///
/// ```
/// use trackside::telemetry;
///
/// let guard = telemetry::span("load").with(|span| {
///     span.set("rows", 3_u32).set("table", "orders");
/// });
/// ```
pub struct Span {
    pub(crate) open: Box<Open>,
    not_send: PhantomData<*const ()>,
}

impl Span {
    pub(crate) fn new(open: Box<Open>) -> Self {
        Self { open, not_send: PhantomData }
    }

    /// Sets an attribute; the last value under a key wins.
    ///
    /// An empty key, and a new key beyond the attribute limit, are dropped and counted on the span.
    pub fn set<'v>(&mut self, key: &'static str, value: impl Into<Value<'v>>) -> &mut Self {
        self.open.set(key, value.into());
        self
    }

    /// `set` for a key known only at run time; the key is copied.
    pub fn set_dynamic<'v>(&mut self, key: &str, value: impl Into<Value<'v>>) -> &mut Self {
        self.open.set(key, value.into());
        self
    }

    /// Adds an event, now; one beyond the event limit is dropped and counted on the span.
    pub fn event(&mut self, name: &'static str, attributes: &[(&str, Value<'_>)]) -> &mut Self {
        self.open.event(name, attributes);
        self
    }

    /// Adds a link; a root links to nothing, and one beyond the link limit is dropped and counted.
    pub fn link(&mut self, to: &Parent) -> &mut Self {
        self.open.link(to);
        self
    }

    /// Status Ok; a later error does not replace it.
    pub fn ok(&mut self) -> &mut Self {
        self.open.ok();
        self
    }

    /// Status Error with the description, and `kind` as the attribute `error.type`: one word of a few.
    pub fn error(&mut self, kind: &'static str, description: &dyn fmt::Display) -> &mut Self {
        self.open.error(kind, description);
        self
    }

    /// The event `exception` with the message and the chain of causes, and status Error.
    ///
    /// `error.type` becomes `_OTHER` where it was not set.
    pub fn record_error(&mut self, error: &(dyn std::error::Error + 'static)) -> &mut Self {
        self.open.record_error(error);
        self
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Span").finish_non_exhaustive()
    }
}
