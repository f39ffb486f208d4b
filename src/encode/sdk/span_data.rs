//! Our spans as `SpanData`, for exporters of the SDK.

use std::mem::size_of;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::batch::{Items, SdkBatch};
use crate::encode::view::{
    Any, Attributes, EventView, LinkView, SpanStatus, SpanView, scope_parts,
};
use crate::telemetry::Kind;

/// Collects the spans of one frame.
#[derive(Debug)]
pub(crate) struct SpanDataEncoder {
    scope: InstrumentationScope,
    spans: Vec<SpanData>,
    size: usize,
}

impl SpanDataEncoder {
    pub(crate) fn new(scope: InstrumentationScope) -> Self {
        Self { scope, spans: Vec::new(), size: 0 }
    }

    pub(crate) fn span(&mut self, span: &impl SpanView) {
        let size = &mut self.size;
        *size += size_of::<SpanData>() + span.name().len();
        let mut events = SpanEvents::default();
        span.events(|event| {
            let pairs = pairs(event, size);
            let (name, dropped) = (event.name().to_owned(), event.dropped_attributes());
            *size += size_of::<Event>() + name.len();
            events.events.push(Event::new(name, time(event.time()), pairs, dropped));
        });
        events.dropped_count = span.dropped_events();
        let mut links = SpanLinks::default();
        span.links(|link| {
            let context = context(
                (link.trace(), link.span()),
                link.trace_flags(),
                link.is_remote(),
                link.trace_state(),
            );
            *size += size_of::<Link>() + link.trace_state().len();
            links.links.push(Link::new(context, pairs(link, size), link.dropped_attributes()));
        });
        links.dropped_count = span.dropped_links();
        let ids = (span.trace(), span.span());
        self.spans.push(SpanData {
            span_context: context(ids, span.trace_flags(), false, span.trace_state()),
            parent_span_id: SpanId::from(span.parent()),
            parent_span_is_remote: span.parent_is_remote(),
            span_kind: match span.kind() {
                Kind::Internal => SpanKind::Internal,
                Kind::Server => SpanKind::Server,
                Kind::Client => SpanKind::Client,
                Kind::Producer => SpanKind::Producer,
                Kind::Consumer => SpanKind::Consumer,
            },
            name: span.name().to_owned().into(),
            start_time: time(span.start()),
            end_time: time(span.end()),
            attributes: pairs(span, size),
            dropped_attributes_count: span.dropped_attributes(),
            events,
            links,
            status: match span.status() {
                SpanStatus::Unset => Status::Unset,
                SpanStatus::Ok => Status::Ok,
                SpanStatus::Error(message) => Status::error(message.to_owned()),
            },
            instrumentation_scope: self.scope_of(span.scope()),
        });
    }

    /// The crate's own, or a library's that speaks through the API.
    fn scope_of(&self, scope: &str) -> InstrumentationScope {
        let (name, version) = scope_parts(scope);
        match (name, version) {
            ("", _) => self.scope.clone(),
            (name, "") => InstrumentationScope::builder(name.to_owned()).build(),
            (name, version) => InstrumentationScope::builder(name.to_owned())
                .with_version(version.to_owned())
                .build(),
        }
    }

    /// The frame's spans; the encoder is ready for the next frame.
    pub(crate) fn finish(&mut self) -> SdkBatch {
        let spans = std::mem::take(&mut self.spans);
        SdkBatch::new(Items::Spans(spans), std::mem::take(&mut self.size))
    }
}

pub(super) fn time(unix_nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(unix_nanos)
}

fn context((trace, span): (u128, u64), flags: u8, is_remote: bool, state: &str) -> SpanContext {
    // What is no list of members was not made by us, and is left out.
    let state = state.parse().unwrap_or(TraceState::NONE);
    SpanContext::new(
        TraceId::from(trace),
        SpanId::from(span),
        TraceFlags::new(flags),
        is_remote,
        state,
    )
}

fn pairs(of: &impl Attributes, size: &mut usize) -> Vec<KeyValue> {
    let mut pairs = Vec::new();
    of.attributes(|key, any| {
        let value = value(any);
        *size += size_of::<KeyValue>() + key.len() + value_size(&value);
        pairs.push(KeyValue::new(key.to_owned(), value));
    });
    pairs
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_str().len(),
        Value::Array(Array::Bool(values)) => values.len(),
        Value::Array(Array::I64(values)) => 8 * values.len(),
        Value::Array(Array::F64(values)) => 8 * values.len(),
        Value::Array(Array::String(texts)) => {
            texts.iter().map(|text| size_of::<StringValue>() + text.as_str().len()).sum()
        }
        _ => 0,
    }
}

/// The SDK's values know neither none nor bytes nor maps nor mixed arrays: those become text.
fn value(from: Any<'_>) -> Value {
    match from {
        Any::Empty => "".into(),
        Any::Bool(value) => value.into(),
        Any::I64(value) => value.into(),
        Any::F64(value) => value.into(),
        Any::Str(text) => text.to_owned().into(),
        Any::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned().into(),
        Any::Array(items) => {
            let mut values = Vec::new();
            items.items(&mut |item| values.push(value(item)));
            Value::Array(array(&values))
        }
        Any::Map(_) => format!("{from:?}").into(),
    }
}

fn array(values: &[Value]) -> Array {
    fn all<T>(values: &[Value], of: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
        values.iter().map(of).collect()
    }
    let bool_of = |value: &Value| if let Value::Bool(value) = value { Some(*value) } else { None };
    let i64_of = |value: &Value| if let Value::I64(value) = value { Some(*value) } else { None };
    let f64_of = |value: &Value| if let Value::F64(value) = value { Some(*value) } else { None };
    if values.is_empty() {
        return Array::String(Vec::new());
    }
    let typed = all(values, bool_of).map(Array::Bool);
    let typed = typed.or_else(|| all(values, i64_of).map(Array::I64));
    let typed = typed.or_else(|| all(values, f64_of).map(Array::F64));
    typed.unwrap_or_else(|| {
        let text = |value: &Value| StringValue::from(value.as_str().into_owned());
        Array::String(values.iter().map(text).collect())
    })
}
