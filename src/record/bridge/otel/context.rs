//! Who is the parent: our current span, or the span of OpenTelemetry's `Context`?
//!
//! The one that was entered last. Each entry of our stack remembers the `Context`'s span at its
//! entry; a `Context` with another span is newer.

use std::cell::Cell;
use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{SpanContext, Status, TraceContextExt as _};

use crate::context::{Extra, Parent};
use crate::record::local::Local;
use crate::record::open::Open;
use crate::record::{current, gate, local};

thread_local! {
    static HANDED: Cell<Option<Box<Open>>> = const { Cell::new(None) };
}

/// Lends this thread's `Context`; `None` before `init`, when nothing of ours may touch anything, and
/// while the thread is being torn down.
#[inline]
pub(super) fn with_current<R>(run: impl FnOnce(&Context) -> R) -> Option<R> {
    if gate::read() == 0 {
        return None;
    }
    // Our share lives no longer than the API's.
    local::with(|_| Context::map_current(run))
}

/// Makes the API's own thread-local, which panics when it is asked too late: a thread destroys first
/// what was made last.
pub(crate) fn outlive() {
    Context::map_current(|_| ());
}

/// Whether this thread's `Context` has a span, be it one without ids. Not before `init`.
#[inline(always)]
pub(crate) fn has_span(_alive: &Local) -> bool {
    Context::map_current(|context| context.has_active_span())
}

/// Trace and span of this thread's `Context`; zeros where it has none. Not before `init`.
#[inline]
pub(crate) fn ids(_alive: &Local) -> (u128, u64) {
    Context::map_current(|context| match context.has_active_span() {
        true => active_ids(context),
        false => (0, 0),
    })
}

#[cold]
fn active_ids(context: &Context) -> (u128, u64) {
    span_ids(context.span().span_context())
}

/// This thread's `Context` as a parent, if its span was entered after `top`.
#[inline]
pub(crate) fn newer(local: &Local, top: Option<&Open>) -> Option<Parent> {
    let (trace, span) = ids(local);
    if span == 0 || top.is_some_and(|top| !top.is_older(span)) {
        return None;
    }
    let shared = top.filter(|top| top.trace == trace).and_then(|top| top.extra.clone());
    with_current(|context| parent_in(context, shared))
}

/// Whether the span of this thread's `Context` is recorded.
pub(crate) fn is_recording() -> bool {
    with_current(|context| context.span().is_recording()).unwrap_or(false)
}

/// Gives the span of this thread's `Context` what was written beside it; returns it where that span
/// is another library's, or has ended.
///
/// The API lends that span by its trait only. Status Unset changes nothing by the specification, so
/// it is how a span of ours is told to look here.
pub(crate) fn hand_over(beside: Box<Open>) -> Option<Box<Open>> {
    // Where the thread is being torn down, what was written goes.
    let _ = HANDED.try_with(|handed| handed.set(Some(beside)));
    with_current(|context| context.span().set_status(Status::Unset));
    handed()
}

/// What was handed over, if anything was.
pub(super) fn handed() -> Option<Box<Open>> {
    HANDED.try_with(Cell::take).ok().flatten()
}

/// Whether telemetry is suppressed in this thread's `Context`.
pub(super) fn is_suppressed() -> bool {
    with_current(Context::is_telemetry_suppressed).unwrap_or(true)
}

/// The parent that a `Context` names: this thread's own is an implicit start, so that whoever was
/// entered last counts; any other means what it holds, and nothing is a root.
pub(super) fn parent_of(context: &Context) -> Parent {
    if is_this_threads(context) {
        return with_baggage(current::context(), context);
    }
    explicit(context).unwrap_or_else(|| with_baggage(Parent::root(), context))
}

/// The same for headers, where a `Context` without a span leaves our current one.
pub(super) fn carried_by(context: &Context) -> Parent {
    let given = if is_this_threads(context) { None } else { explicit(context) };
    given.unwrap_or_else(|| with_baggage(current::context(), context))
}

fn is_this_threads(context: &Context) -> bool {
    with_current(|current| std::ptr::eq(current, context)).unwrap_or(false)
}

fn explicit(context: &Context) -> Option<Parent> {
    let (trace, span) = span_ids(context.span().span_context());
    if trace == 0 || span == 0 {
        return None;
    }
    // Our baggage and a test's capture are the trace's, and the API has no place for them.
    let of_trace = |top: &mut Open| (top.trace == trace).then(|| top.extra.clone());
    let shared = current::with_top(of_trace).flatten().flatten();
    Some(parent_in(context, shared))
}

/// The span and the baggage of a `Context`, with what the trace shares.
fn parent_in(context: &Context, shared: Option<Arc<Extra>>) -> Parent {
    let span = context.span();
    let parent = parent_from(span.span_context(), shared);
    with_baggage(parent, context)
}

/// A span that the API names.
pub(super) fn parent_from(span: &SpanContext, shared: Option<Arc<Extra>>) -> Parent {
    let (trace, id) = span_ids(span);
    let flags = span.trace_flags().to_u8();
    let mut parent = Parent { trace, span: id, flags, remote: span.is_remote(), extra: shared };
    let trace_state = span.trace_state().header();
    if parent.trace_state() != trace_state {
        Arc::make_mut(parent.extra.get_or_insert_default()).trace_state = trace_state;
    }
    parent
}

/// The same parent with the `Context`'s baggage over its own.
fn with_baggage(mut parent: Parent, context: &Context) -> Parent {
    for (key, (value, _)) in context.baggage() {
        if parent.baggage(key.as_str()) != Some(value.as_str()) {
            parent = parent.with_baggage(key.as_str(), value.as_str());
        }
    }
    parent
}

/// Zeros for a span context that is not valid.
fn span_ids(span: &SpanContext) -> (u128, u64) {
    match span.is_valid() {
        true => (
            u128::from_be_bytes(span.trace_id().to_bytes()),
            u64::from_be_bytes(span.span_id().to_bytes()),
        ),
        false => (0, 0),
    }
}
