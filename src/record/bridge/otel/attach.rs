//! Our current span as OpenTelemetry's `Context`, for code that looks there: the stock layer first of all.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use opentelemetry::baggage::{BaggageExt as _, KeyValueMetadata};
use opentelemetry::trace::{self, SpanContext, Status, TraceContextExt as _};
use opentelemetry::{ContextGuard, KeyValue};

use crate::health::counters;
use crate::record::open::{Open, Role};
use crate::record::{current, gate, local};
use crate::telemetry::OtelContext;

use super::context::{handed, parent_from, with_current};
use super::propagator::baggage;
use super::span::{all, span_context};
use super::value::with_value;

/// The stock layer was made, once at least.
pub(crate) static STOCK_LAYER: AtomicBool = AtomicBool::new(false);

/// What `init` was told; held while the gate follows.
static WHEN: Mutex<OtelContext> = Mutex::new(OtelContext::Auto);

thread_local! {
    /// What is attached, by the tickets of the entries: an open span moves between threads, these do not.
    static GUARDS: RefCell<Vec<(u64, ContextGuard)>> = const { RefCell::new(Vec::new()) };
}

/// Follows the configuration.
pub(crate) fn choose(when: OtelContext) {
    *WHEN.lock().unwrap_or_else(PoisonError::into_inner) = when;
    settle();
}

/// Sets the gate's bit as all that was said demands. Before `init` it stays 0: that is how off is told.
pub(crate) fn settle() {
    let when = WHEN.lock().unwrap_or_else(PoisonError::into_inner);
    let attaches = match *when {
        OtelContext::Auto => STOCK_LAYER.load(Ordering::Relaxed),
        OtelContext::On => true,
        OtelContext::Off => false,
    };
    let is_used = gate::read() & (gate::PROPAGATES | gate::CAPTURES) != 0;
    let bit = if attaches && is_used { gate::ATTACHES } else { 0 };
    if gate::read() & gate::ATTACHES != bit {
        gate::change(gate::ATTACHES, bit);
    }
}

/// Attaches an entry that is about to be the top of the stack.
#[cold]
pub(crate) fn attach(open: &mut Open) {
    let parent = open.as_parent();
    let of_span = span_context(&parent);
    let is_own = open.role == Role::Recording;
    let made = with_current(|context| {
        let context = match is_own {
            true => context.with_span(Current(of_span)),
            // Also where there is no span: the one outside is not to be seen.
            false => context.with_remote_span_context(of_span),
        };
        match baggage(&parent) {
            // Ours over what the `Context` has.
            Some(ours) => {
                let theirs = context.baggage().iter().map(|(key, (value, metadata))| {
                    KeyValueMetadata::new(key.clone(), value.clone(), metadata.clone())
                });
                context.with_baggage(theirs.chain(ours.into_iter().map(Into::into)))
            }
            None => context,
        }
    });
    let Some(context) = made else {
        return;
    };
    let guard = context.attach();
    let kept = GUARDS.try_with(|guards| guards.borrow_mut().push((open.ticket, guard)));
    if kept.is_ok() {
        open.is_attached = true;
        open.seen = open.span;
    }
}

/// Takes it back, in any order.
#[cold]
pub(crate) fn detach(open: &mut Open) {
    open.is_attached = false;
    let guard = GUARDS.try_with(|guards| {
        let mut guards = guards.borrow_mut();
        let at = guards.iter().rposition(|(ticket, _)| *ticket == open.ticket)?;
        Some(guards.remove(at).1)
    });
    // Not while the list is borrowed: a `Context` may own a span that ends with it.
    drop(guard);
}

/// Stands in a `Context` for a span that is on a stack of ours; its wrapper ends it.
///
/// Elsewhere than on that thread it is known, and not recorded.
#[derive(Debug)]
struct Current(SpanContext);

impl Current {
    fn find<R>(&self, run: impl FnOnce(&mut Open) -> R) -> Option<R> {
        let span = u64::from_be_bytes(self.0.span_id().to_bytes());
        let is_it = |open: &Open| open.span == span && open.role != Role::Carried;
        current::with_entry_where(is_it, run)
    }

    fn write(&self, write: impl FnOnce(&mut Open)) {
        if self.find(write).is_none() {
            counters::LATE_WRITES.add(1);
        }
    }
}

impl trace::Span for Current {
    fn add_event<T: Into<Cow<'static, str>>>(&mut self, name: T, attributes: Vec<KeyValue>) {
        let name = name.into();
        self.write(|open| open.event_at(None, &name, 0, all(&attributes)));
    }

    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        let name = name.into();
        self.write(|open| open.event_at(Some(timestamp), &name, 0, all(&attributes)));
    }

    fn span_context(&self) -> &SpanContext {
        &self.0
    }

    fn is_recording(&self) -> bool {
        self.find(|open| open.is_recording()).unwrap_or(false)
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.write(|open| {
            with_value(&attribute.value, |value| open.set(attribute.key.as_str(), value));
        });
    }

    fn set_status(&mut self, status: Status) {
        self.write(|open| match status {
            Status::Ok => open.ok(),
            Status::Error { description } => open.fail(&description),
            Status::Unset => {
                if let Some(beside) = handed() {
                    open.absorb(&beside);
                    local::recycle(beside);
                }
            }
        });
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, new_name: T) {
        let name = new_name.into();
        self.write(|open| open.set_name(name));
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        let to = parent_from(&span_context, None);
        self.write(|open| open.link_with(&to, 0, all(&attributes)));
    }

    /// Nothing: the future or the guard ends the span.
    fn end_with_timestamp(&mut self, _: SystemTime) {}
}
