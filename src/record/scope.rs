//! Spans that end with a guard, and the current span.

use std::marker::PhantomData;

use crate::context::Parent;
use crate::telemetry::{Kind, SpanId, TraceId, Value};

use super::bridge::otel;
use super::current as stack;
use super::local;
use super::open::Open;
use super::span::Span;

/// Opens a span that ends with the guard.
///
/// Its parent is the current span of this thread. Do not hold the guard across an `.await`: use
/// [`instrument`](crate::telemetry::instrument) there.
///
/// ```
/// use trackside::telemetry;
///
/// let guard = telemetry::span("parse").with(|span| { span.set("bytes", 120_usize); });
/// // ... the work ...
/// drop(guard);
/// ```
pub fn span(name: &'static str) -> SpanGuard {
    SpanGuard::open(name, None, |_| {})
}

/// An open span on this thread: a ticket, never held across `.await`.
///
/// A guard that is leaked, or kept beyond the poll that made it, is ended when that poll returns, and
/// counted in `forgotten_spans`; on a thread without such a poll it stays current until the thread
/// ends. Dropped by a panic, the span has status Error and `error.type` = `panic`.
#[derive(Debug)]
#[must_use = "the span ends when the guard is dropped"]
pub struct SpanGuard {
    name: &'static str,
    ticket: u64,
    /// Opened by a destructor while a panic was under way, which is then not this span's.
    in_panic: bool,
    not_send: PhantomData<*const ()>,
}

impl SpanGuard {
    pub(crate) fn open(
        name: &'static str,
        parent: Option<Parent>,
        prepare: impl FnOnce(&mut Open),
    ) -> Self {
        let mut slot = match parent {
            Some(parent) => local::start_below(name, parent),
            None => local::start(name),
        };
        let mut ticket = 0;
        if let Some(open) = slot.as_deref_mut() {
            prepare(open);
            ticket = stack::enter(&mut slot);
            slot.into_iter().for_each(local::recycle);
        }
        Self { name, ticket, in_panic: std::thread::panicking(), not_send: PhantomData }
    }

    /// Another parent; decides sampling anew, so call it first; what was written before is kept.
    pub fn with_parent(mut self, parent: Parent) -> Self {
        let old = stack::remove(std::mem::take(&mut self.ticket));
        let moved = Self::open(self.name, Some(parent), |open| {
            if let Some(old) = &old {
                open.inherit(old);
            }
        });
        old.into_iter().for_each(local::recycle);
        moved
    }

    /// The kind.
    pub fn with_kind(self, kind: Kind) -> Self {
        stack::with_entry(self.ticket, |open| open.kind = kind);
        self
    }

    /// Writes attributes, at once, if recording.
    pub fn with(self, write: impl FnOnce(&mut Span)) -> Self {
        stack::write_beside(self.ticket, write);
        self
    }

    /// The span's ticket, for the crate's own wrappers.
    pub(crate) const fn ticket(&self) -> u64 {
        self.ticket
    }
}

impl Drop for SpanGuard {
    fn drop(&mut self) {
        if self.ticket != 0 {
            if let Some(mut open) = stack::remove(self.ticket) {
                if std::thread::panicking() && !self.in_panic {
                    open.error("panic", &"panicked");
                }
                local::end(open);
            }
        }
    }
}

/// The current span of this thread, or nothing.
#[derive(Clone, Copy, Debug)]
pub struct CurrentSpan(PhantomData<*const ()>);

/// The current span of this thread; where there is none, it takes everything and does nothing.
///
/// ```
/// use trackside::telemetry;
///
/// telemetry::current().set("object", 7_u32);
/// ```
#[must_use]
pub fn current() -> CurrentSpan {
    CurrentSpan(PhantomData)
}

impl CurrentSpan {
    /// False where what is set would be thrown away: no span, not sampled, or a carried context.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        if stack::is_in_context() {
            return otel::is_recording();
        }
        stack::with_top(|open| open.is_recording()).unwrap_or(false)
    }

    /// Its trace, for a log line or a reply header; also of a span that is not sampled, and of a carried context.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        let (trace, _) = stack::ids();
        (trace != 0).then_some(TraceId(trace))
    }

    /// Its id; as for the trace.
    #[must_use]
    pub fn span_id(&self) -> Option<SpanId> {
        let (_, span) = stack::ids();
        (span != 0).then_some(SpanId(span))
    }

    /// Runs the closure if recording.
    pub fn with(&self, write: impl FnOnce(&mut Span)) {
        if stack::is_in_context() {
            return stack::write_in_context(write);
        }
        let ticket = stack::with_top(|open| {
            stack::count_late_write(open);
            open.ticket
        });
        if let Some(ticket) = ticket {
            stack::write_beside(ticket, write);
        }
    }

    /// `with(|span| span.set(key, value))` for a value that costs nothing to make.
    pub fn set<'v>(&self, key: &'static str, value: impl Into<Value<'v>>) {
        if stack::is_in_context() {
            let value = value.into();
            return stack::write_in_context(|span| {
                span.set(key, value);
            });
        }
        if !self.is_recording() {
            stack::with_top(|open| stack::count_late_write(open));
            return;
        }
        match value.into() {
            // A host's `Display` may ask for the current span, so it runs before the span is lent.
            Value::Format(text) => {
                let text = text.to_string();
                stack::with_top(|open| open.set(key, Value::Str(&text)));
            }
            // It may hold such a text.
            value @ Value::Array(_) => self.with(|span| {
                span.set(key, value);
            }),
            value => {
                stack::with_top(|open| open.set(key, value));
            }
        }
    }
}
