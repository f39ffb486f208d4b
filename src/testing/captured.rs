//! A finished span, owned, for assertions.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::encode::view::{
    Any, Attributes, EventView, LinkView, LogView, SpanStatus, SpanView, scope_parts,
};
use crate::telemetry::{Kind, SpanId, TraceId, Value};

/// An attribute's value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CapturedValue {
    /// True or false.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// Text.
    Str(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// Several values.
    Array(Vec<Self>),
}

/// A span's status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CapturedStatus {
    /// Nothing was said.
    #[default]
    Unset,
    /// The host said that all is well.
    Ok,
    /// Failed, with a description.
    Error(String),
}

/// A finished span.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CapturedSpan {
    /// The span's name.
    pub name: String,
    /// The span's kind.
    pub kind: Kind,
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// The span above it.
    pub parent: Option<SpanId>,
    /// The span above it is another process's.
    pub parent_is_remote: bool,
    /// The flags byte of `traceparent`.
    pub trace_flags: u8,
    /// The `tracestate` header, or empty.
    pub trace_state: String,
    /// The name of its instrumentation scope; empty for the crate's own.
    pub scope: String,
    /// The version of that scope, or empty.
    pub scope_version: String,
    /// When it began: at the first poll, for a future.
    pub start: SystemTime,
    /// How long it took; zero where the clock went backwards.
    pub duration: Duration,
    /// Its status.
    pub status: CapturedStatus,
    /// Its attributes, in the order they were set.
    pub attributes: Vec<(String, CapturedValue)>,
    /// Attributes that the limits cut.
    pub dropped_attributes: u32,
    /// What happened during it.
    pub events: Vec<CapturedEvent>,
    /// Events that the limits cut.
    pub dropped_events: u32,
    /// Spans it points to.
    pub links: Vec<CapturedLink>,
    /// Links that the limits cut.
    pub dropped_links: u32,
}

/// Something that happened during a span.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CapturedEvent {
    /// What.
    pub name: String,
    /// When.
    pub time: SystemTime,
    /// Its attributes.
    pub attributes: Vec<(String, CapturedValue)>,
    /// Attributes that the limits cut.
    pub dropped_attributes: u32,
}

/// A span that another one points to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CapturedLink {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// It is another process's span.
    pub is_remote: bool,
    /// Its attributes, in the order they were set.
    pub attributes: Vec<(String, CapturedValue)>,
}

/// A log record.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CapturedLog {
    /// When it happened.
    pub time: SystemTime,
    /// OTLP's severity number: 5 DEBUG, 9 INFO, 13 WARN, 17 ERROR, 21 FATAL.
    pub severity: u8,
    /// The severity's name.
    pub severity_text: String,
    /// The message, or another value as text.
    pub body: String,
    /// What makes it an event of that name, or empty.
    pub event_name: String,
    /// When it came to us.
    pub observed: SystemTime,
    /// The logger's name.
    pub scope: String,
    /// The trace of the moment.
    pub trace_id: Option<TraceId>,
    /// The span of the moment.
    pub span_id: Option<SpanId>,
    /// Its attributes, in the order they were set.
    pub attributes: Vec<(String, CapturedValue)>,
    /// Attributes that the limits cut.
    pub dropped_attributes: u32,
}

impl CapturedLog {
    pub(super) fn read(log: &impl LogView) -> Self {
        let mut body = String::new();
        log.body(|value| {
            body = match value {
                Any::Str(text) => text.to_owned(),
                value => format!("{value:?}"),
            };
        });
        Self {
            time: time(log.time()),
            severity: log.severity(),
            severity_text: log.severity_text().to_owned(),
            body,
            event_name: log.event_name().to_owned(),
            observed: time(log.observed()),
            scope: scope_parts(log.scope()).0.to_owned(),
            trace_id: (log.trace() != 0).then_some(TraceId(log.trace())),
            span_id: (log.span() != 0).then_some(SpanId(log.span())),
            attributes: owned(log),
            dropped_attributes: log.dropped_attributes(),
        }
    }
}

impl CapturedSpan {
    /// The value under a key.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&CapturedValue> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub(super) fn read(span: &impl SpanView) -> Self {
        let (mut events, mut links) = (Vec::new(), Vec::new());
        span.events(|event| {
            events.push(CapturedEvent {
                name: event.name().to_owned(),
                time: time(event.time()),
                attributes: owned(event),
                dropped_attributes: event.dropped_attributes(),
            });
        });
        span.links(|link| {
            links.push(CapturedLink {
                trace_id: TraceId(link.trace()),
                span_id: SpanId(link.span()),
                is_remote: link.is_remote(),
                attributes: owned(link),
            });
        });
        Self {
            name: span.name().to_owned(),
            kind: span.kind(),
            trace_id: TraceId(span.trace()),
            span_id: SpanId(span.span()),
            parent: (span.parent() != 0).then_some(SpanId(span.parent())),
            parent_is_remote: span.parent_is_remote(),
            trace_flags: span.trace_flags(),
            trace_state: span.trace_state().to_owned(),
            scope: scope_parts(span.scope()).0.to_owned(),
            scope_version: scope_parts(span.scope()).1.to_owned(),
            start: time(span.start()),
            duration: Duration::from_nanos(span.end().saturating_sub(span.start())),
            status: match span.status() {
                SpanStatus::Unset => CapturedStatus::Unset,
                SpanStatus::Ok => CapturedStatus::Ok,
                SpanStatus::Error(message) => CapturedStatus::Error(message.to_owned()),
            },
            attributes: owned(span),
            dropped_attributes: span.dropped_attributes(),
            dropped_events: span.dropped_events(),
            dropped_links: span.dropped_links(),
            events,
            links,
        }
    }
}

impl<'a, T: Into<Value<'a>>> From<T> for CapturedValue {
    fn from(value: T) -> Self {
        match value.into() {
            Value::Bool(v) => Self::Bool(v),
            Value::I64(v) => Self::I64(v),
            Value::F64(v) => Self::F64(v),
            Value::Str(v) => Self::Str(v.to_owned()),
            Value::Bytes(v) => Self::Bytes(v.to_owned()),
            Value::Format(v) => Self::Str(v.to_string()),
            Value::Array(v) => Self::Array(v.iter().map(|item| (*item).into()).collect()),
        }
    }
}

fn owned(from: &impl Attributes) -> Vec<(String, CapturedValue)> {
    let mut attributes = Vec::new();
    from.attributes(|key, value| attributes.push((key.to_owned(), captured(value))));
    attributes
}

fn captured(value: Any<'_>) -> CapturedValue {
    match value {
        // No record holds one.
        Any::Empty => CapturedValue::Str(String::new()),
        Any::Bool(v) => CapturedValue::Bool(v),
        Any::I64(v) => CapturedValue::I64(v),
        Any::F64(v) => CapturedValue::F64(v),
        Any::Str(v) => CapturedValue::Str(v.to_owned()),
        Any::Bytes(v) => CapturedValue::Bytes(v.to_owned()),
        Any::Array(v) => {
            let mut items = Vec::new();
            v.items(&mut |item| items.push(captured(item)));
            CapturedValue::Array(items)
        }
        // No record holds one; as pairs nothing of it would be lost.
        Any::Map(v) => {
            let mut pairs = Vec::new();
            v.entries(&mut |key, value| {
                pairs.push(CapturedValue::Array(vec![key.into(), captured(value)]));
            });
            CapturedValue::Array(pairs)
        }
    }
}

fn time(unix_nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(unix_nanos)
}
