//! Spans, context and logs that leave no trace.

use std::backtrace::Backtrace;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::time::SystemTime;

use super::super::hooks::Hooks;
use super::super::{Extract, Inject, Kind, OnError, OnOutput, SpanId, TraceId, Value};
use super::{Ends, NotSend, bare_future, rpc};

/// A span being written; only ever lent to a closure, which off never calls.
#[derive(Debug)]
pub struct Span(NotSend);

impl Span {
    /// Sets an attribute; the last value under a key wins.
    pub fn set<'v>(&mut self, _key: &'static str, _value: impl Into<Value<'v>>) -> &mut Self {
        self
    }

    /// `set` for a key known only at run time; the key is copied.
    pub fn set_dynamic<'v>(&mut self, _key: &str, _value: impl Into<Value<'v>>) -> &mut Self {
        self
    }

    /// Adds an event, now.
    pub fn event(&mut self, _name: &'static str, _attributes: &[(&str, Value<'_>)]) -> &mut Self {
        self
    }

    /// `event` with a name known only at run time.
    pub fn event_dynamic(&mut self, _name: &str, _attributes: &[(&str, Value<'_>)]) -> &mut Self {
        self
    }

    /// Adds a link.
    pub fn link(&mut self, _to: &Parent) -> &mut Self {
        self
    }

    /// Status Ok; a later error does not replace it.
    pub fn ok(&mut self) -> &mut Self {
        self
    }

    /// Status Error with the description, and `error.type`.
    pub fn error(&mut self, _kind: &'static str, _description: &dyn fmt::Display) -> &mut Self {
        self
    }

    /// `exception.*` with the chain of causes, and status Error.
    pub fn record_error(&mut self, _error: &(dyn Error + 'static)) -> &mut Self {
        self
    }

    /// `record_error` with the backtrace below the chain, if one was captured.
    pub fn record_error_with(
        &mut self,
        _error: &(dyn Error + 'static),
        _backtrace: &Backtrace,
    ) -> &mut Self {
        self
    }
}

/// Where a span hangs: ids, flags, `tracestate` and baggage; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Parent(());

impl Parent {
    /// No parent: the span becomes a root.
    #[must_use]
    pub const fn root() -> Self {
        Self(())
    }

    /// The context of this thread, now.
    #[must_use]
    pub fn current() -> Self {
        Self(())
    }

    /// The trace id, unless this is a root.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        None
    }

    /// The span id, unless this is a root.
    #[must_use]
    pub fn span_id(&self) -> Option<SpanId> {
        None
    }

    /// One baggage entry.
    #[must_use]
    pub fn baggage(&self, _key: &str) -> Option<&str> {
        None
    }

    /// The same with one baggage entry set.
    #[must_use]
    pub fn with_baggage(self, _key: &str, _value: &str) -> Self {
        self
    }
}

/// The current span of this thread, or nothing.
#[derive(Clone, Copy, Debug)]
pub struct CurrentSpan(NotSend);

/// The current span.
#[must_use]
pub fn current() -> CurrentSpan {
    CurrentSpan(PhantomData)
}

impl CurrentSpan {
    /// False where what is set would be thrown away.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        false
    }

    /// Its trace, for a log line or a reply header.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        None
    }

    /// Its id.
    #[must_use]
    pub fn span_id(&self) -> Option<SpanId> {
        None
    }

    /// Runs the closure if recording.
    pub fn with(&self, _write: impl FnOnce(&mut Span)) {}

    /// `with(|span| span.set(key, value))` for a value that costs nothing.
    pub fn set<'v>(&self, _key: &'static str, _value: impl Into<Value<'v>>) {}
}

/// Opens a span that ends with the guard.
pub fn span(_name: &'static str) -> SpanGuard {
    SpanGuard(PhantomData)
}

/// An open span on this thread: a ticket, never held across `.await`.
#[derive(Debug)]
#[must_use = "the span ends when the guard is dropped"]
pub struct SpanGuard(NotSend);

impl SpanGuard {
    /// Another parent; decides sampling anew, so call it first.
    pub fn with_parent(self, _parent: Parent) -> Self {
        self
    }

    /// The kind.
    pub fn with_kind(self, _kind: Kind) -> Self {
        self
    }

    /// Writes attributes, at once, if recording.
    pub fn with(self, _write: impl FnOnce(&mut Span)) -> Self {
        self
    }
}

impl Drop for SpanGuard {
    fn drop(&mut self) {}
}

/// A future whose polls run inside a span.
#[repr(transparent)]
#[must_use = "futures do nothing unless polled"]
pub struct Instrumented<F: Future, H = ()>(F, Ends<F>, PhantomData<H>);
bare_future!(Instrumented<F, H> where F: Future, H: Hooks<F::Output>);

// As its twin, which pins no hook.
impl<F: Future + Unpin, H> Unpin for Instrumented<F, H> {}

/// Wraps a future with a span: parent and sampling are decided here, the clock starts at the first poll.
pub fn instrument<F: Future>(future: F, _name: &'static str) -> Instrumented<F> {
    Instrumented(future, Ends(PhantomData), PhantomData)
}

impl<F: Future, H> Instrumented<F, H> {
    /// Another parent than the current span; decides sampling anew, so call it first.
    pub fn with_parent(self, _parent: Parent) -> Self {
        self
    }

    /// The kind.
    pub fn with_kind(self, _kind: Kind) -> Self {
        self
    }

    /// A name made only if recording.
    pub fn named(self, _name: impl FnOnce() -> String) -> Self {
        self
    }

    /// Writes attributes, at once, if recording.
    pub fn with(self, _write: impl FnOnce(&mut Span)) -> Self {
        self
    }

    /// Reads the output into the span, if recording.
    pub fn on_output<R>(self, _read: R) -> Instrumented<F, OnOutput<R, H>>
    where
        R: FnOnce(&F::Output, &mut Span),
    {
        Instrumented(self.0, self.1, PhantomData)
    }

    /// An `Err` output sets status Error with its text.
    pub fn errors(self) -> Instrumented<F, OnError<H>>
    where
        F::Output: rpc::Outcome,
    {
        Instrumented(self.0, self.1, PhantomData)
    }
}

/// A future whose polls see the context captured when it was made; for whatever the host spawns.
#[repr(transparent)]
#[must_use = "futures do nothing unless polled"]
pub struct InContext<F: Future>(F, Ends<F>);
bare_future!(InContext<F> where F: Future);

/// Carries this thread's context into a future.
pub fn in_context<F: Future>(future: F) -> InContext<F> {
    InContext(future, Ends(PhantomData))
}

impl<F: Future> InContext<F> {
    /// Another context than the current one.
    pub fn with_parent(self, _parent: Parent) -> Self {
        self
    }
}

/// Carries this thread's context into a closure, for `thread::spawn` and `spawn_blocking`.
pub fn in_context_fn<R, C: FnOnce() -> R>(closure: C) -> impl FnOnce() -> R + use<R, C> {
    move || closure()
}

/// Hands each header of the current context to the closure.
pub fn inject(_set: impl FnMut(&str, &str)) {}

/// Writes the current context into a carrier.
pub fn inject_into(_carrier: &mut (impl Inject + ?Sized)) {}

/// Reads a context; malformed or absent is `Parent::root()`.
pub fn extract<'a>(_get: impl Fn(&str) -> Option<&'a str>) -> Parent {
    Parent(())
}

/// Reads a context from a carrier.
pub fn extract_from(_carrier: &(impl Extract + ?Sized)) -> Parent {
    Parent(())
}

/// One log record, now, with the current trace and span.
///
/// `level` counts as Python's `logging` does: 10 DEBUG, 20 INFO, 30 WARNING, 40 ERROR, 50 CRITICAL,
/// and what lies between belongs to the band below. They become OTLP's DEBUG 5, INFO 9, WARN 13,
/// ERROR 17 and FATAL 21; less than 10 is TRACE 1. `module` is the logger's name, and becomes the
/// instrumentation scope; `line` (from 1; 0 is unknown) `code.line.number`; `thread` `thread.name`.
pub fn forward_log(
    _level: i32,
    _message: &str,
    _module: &str,
    _line: u32,
    _thread: &str,
    _extras: &[(&str, Value<'_>)],
) {
}

/// `forward_log` with the record's own time.
pub fn forward_log_at(
    _at: SystemTime,
    _level: i32,
    _message: &str,
    _module: &str,
    _line: u32,
    _thread: &str,
    _extras: &[(&str, Value<'_>)],
) {
}

/// One log record about an error, with the current trace and span: `exception.*`.
pub fn log_error(
    _level: i32,
    _message: &str,
    _module: &str,
    _line: u32,
    _thread: &str,
    _error: &(dyn Error + 'static),
) {
}

/// `log_error` with the backtrace that belongs to the error.
pub fn log_error_with(
    _level: i32,
    _message: &str,
    _module: &str,
    _line: u32,
    _thread: &str,
    _error: &(dyn Error + 'static),
    _backtrace: &Backtrace,
) {
}
