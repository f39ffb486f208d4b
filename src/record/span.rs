//! The span that a host's closure writes to.

use std::backtrace::Backtrace;
use std::error::Error;
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
    #[inline]
    pub(crate) fn new(open: Box<Open>) -> Self {
        Self { open, not_send: PhantomData }
    }

    /// Sets an attribute; the last value under a key wins.
    ///
    /// An empty key, and a new key beyond the attribute limit, are dropped and counted on the span.
    #[inline]
    pub fn set<'v>(&mut self, key: &'static str, value: impl Into<Value<'v>>) -> &mut Self {
        self.open.set_here(key, value.into());
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

    /// `event` with a name known only at run time; it is copied.
    pub fn event_dynamic(&mut self, name: &str, attributes: &[(&str, Value<'_>)]) -> &mut Self {
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
    /// `error.type` becomes `_OTHER` where it was not set. `exception.type` is there for errors of the
    /// standard library: others do not tell what they are called. The chain ends after 32 causes.
    pub fn record_error(&mut self, error: &(dyn Error + 'static)) -> &mut Self {
        self.open.record_error(error, None);
        self
    }

    /// `record_error` with the backtrace below the chain, if one was captured.
    ///
    /// An error has no way to hand out its own backtrace in stable Rust, so it is given here.
    ///
    /// ```
    /// use std::backtrace::Backtrace;
    /// use trackside::telemetry;
    ///
    /// let error = std::io::Error::other("disk gone");
    /// // Captures where `RUST_BACKTRACE` asks for it.
    /// let backtrace = Backtrace::capture();
    /// telemetry::current().with(|span| {
    ///     span.record_error_with(&error, &backtrace);
    /// });
    /// ```
    pub fn record_error_with(
        &mut self,
        error: &(dyn Error + 'static),
        backtrace: &Backtrace,
    ) -> &mut Self {
        self.open.record_error(error, Some(backtrace));
        self
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Span").finish_non_exhaustive()
    }
}
