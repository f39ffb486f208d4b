//! An open span behind the API's trait.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::trace::{
    self, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{KeyValue, trace::Span as _};

use crate::context::Parent;
use crate::record::local;
use crate::record::open::{Open, Set};
use crate::telemetry::{Kind, Value};

use super::context::{handed, parent_from};
use super::value::with_value;

/// A span of the OpenTelemetry API; it ends when it is told to, or when it is dropped, on any thread.
///
/// It is on no stack of ours: only attached to a `Context` does it become the current span.
#[derive(Debug)]
pub struct Span {
    context: SpanContext,
    /// `None` for a span that is not recorded, or has ended.
    open: Option<Box<Open>>,
}

impl Span {
    /// Where nothing is recorded: passes its parent on.
    pub(super) fn inert(parent: &Parent) -> Self {
        Self { context: span_context(parent), open: None }
    }

    pub(super) fn start(builder: SpanBuilder, parent: Parent, scope: Option<&Arc<str>>) -> Self {
        let Some(mut open) = local::start_below("", parent.clone()) else {
            return Self::inert(&parent);
        };
        let context = span_context(&open.as_parent());
        if !open.is_recording() {
            local::recycle(open);
            return Self { context, open: None };
        }
        if let Some(capture) = open.extra.as_ref().and_then(|extra| extra.capture.as_ref()) {
            capture.follow(open.trace);
        }
        open.set_scope(scope);
        open.set_name(builder.name);
        open.kind = kind(builder.span_kind);
        match builder.start_time {
            Some(time) => open.start_at(time),
            None => open.start_clock(),
        }
        for attribute in builder.attributes.iter().flatten() {
            with_value(&attribute.value, |value| open.set(attribute.key.as_str(), value));
        }
        for event in builder.events.iter().flatten() {
            let (time, dropped) = (event.timestamp, event.dropped_attributes_count);
            open.event_at(Some(time), &event.name, dropped, all(&event.attributes));
        }
        for link in builder.links.iter().flatten() {
            let to = parent_from(&link.span_context, None);
            open.link_with(&to, link.dropped_attributes_count, all(&link.attributes));
        }
        Self { context, open: Some(open) }
    }

    fn finish(&mut self, time: Option<SystemTime>) {
        if let Some(mut open) = self.open.take() {
            if let Some(time) = time {
                open.end_at(time);
            }
            local::end(open);
        }
    }
}

impl trace::Span for Span {
    fn add_event<T: Into<Cow<'static, str>>>(&mut self, name: T, attributes: Vec<KeyValue>) {
        if let Some(open) = &mut self.open {
            open.event_at(None, &name.into(), 0, all(&attributes));
        }
    }

    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        if let Some(open) = &mut self.open {
            open.event_at(Some(timestamp), &name.into(), 0, all(&attributes));
        }
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.open.is_some()
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        if let Some(open) = &mut self.open {
            with_value(&attribute.value, |value| open.set(attribute.key.as_str(), value));
        }
    }

    /// Ok is final, and Unset says nothing, as the specification has it.
    fn set_status(&mut self, status: Status) {
        match (&mut self.open, status) {
            (Some(open), Status::Ok) => open.ok(),
            (Some(open), Status::Error { description }) => open.fail(&description),
            (Some(open), Status::Unset) => {
                if let Some(beside) = handed() {
                    open.absorb(&beside);
                    local::recycle(beside);
                }
            }
            (None, _) => {}
        }
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, new_name: T) {
        if let Some(open) = &mut self.open {
            open.set_name(new_name.into());
        }
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        if let Some(open) = &mut self.open {
            open.link_with(&parent_from(&span_context, None), 0, all(&attributes));
        }
    }

    fn end(&mut self) {
        self.finish(None);
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        self.finish(Some(timestamp));
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.end();
    }
}

pub(super) fn all(attributes: &[KeyValue]) -> impl FnOnce(Set<'_>) + '_ {
    move |set| {
        for attribute in attributes {
            with_value(&attribute.value, |value: Value<'_>| set(attribute.key.as_str(), value));
        }
    }
}

/// As the API names our span.
pub(super) fn span_context(span: &Parent) -> SpanContext {
    if !span.has_span() {
        return SpanContext::NONE;
    }
    SpanContext::new(
        TraceId::from(span.trace),
        SpanId::from(span.span),
        TraceFlags::new(span.flags),
        span.remote,
        trace_state(span.trace_state()),
    )
}

/// Our rules for a `tracestate` are W3C's; what the API's reading of them refuses is left out.
fn trace_state(header: &str) -> TraceState {
    match header {
        "" => TraceState::NONE,
        header => header.parse().unwrap_or_default(),
    }
}

fn kind(kind: Option<SpanKind>) -> Kind {
    match kind {
        None | Some(SpanKind::Internal) => Kind::Internal,
        Some(SpanKind::Client) => Kind::Client,
        Some(SpanKind::Server) => Kind::Server,
        Some(SpanKind::Producer) => Kind::Producer,
        Some(SpanKind::Consumer) => Kind::Consumer,
    }
}
