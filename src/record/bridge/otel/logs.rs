//! Loggers of the API's logs bridge, for libraries that carry log records from elsewhere.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::logs::{self, AnyValue, Severity};
use opentelemetry::{InstrumentationScope, Key, SpanId, TraceFlags, TraceId};

use crate::pipeline::clock;
use crate::record::log::{Body, Entry, Scratch};
use crate::record::{gate, local, log_filter};
use crate::telemetry::Value;

use super::value::with_any;
use super::{context, scope_text};

/// Makes loggers whose records go into the current pipeline.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct LoggerProvider;

impl logs::LoggerProvider for LoggerProvider {
    type Logger = Logger;

    fn logger_with_scope(&self, scope: InstrumentationScope) -> Logger {
        Logger { scope: scope_text(&scope) }
    }
}

/// Emits records of one instrumentation scope.
#[derive(Clone, Debug)]
pub struct Logger {
    scope: Option<Arc<str>>,
}

impl logs::Logger for Logger {
    type LogRecord = LogRecord;

    fn create_log_record(&self) -> LogRecord {
        LogRecord::default()
    }

    /// A record without a trace context belongs to the current span; one without a time, to now.
    fn emit(&self, record: LogRecord) {
        let gate = gate::read();
        let severity = record.severity.map_or(0, |severity| severity as u8);
        if is_on(gate) && log_filter::admits(self.scope_of(&record), severity) {
            local::with(|local| self.write(local, gate, &record));
        }
    }

    fn event_enabled(&self, level: Severity, target: &str, _name: Option<&str>) -> bool {
        is_on(gate::read()) && log_filter::admits(target, level as u8)
    }
}

fn is_on(gate: u32) -> bool {
    gate & (gate::LOGS | gate::CAPTURES) != 0 && !context::is_suppressed()
}

impl Logger {
    /// The target is where the record comes from: the exporters' name for the scope.
    fn scope_of<'a>(&'a self, record: &'a LogRecord) -> &'a str {
        record.target.as_deref().or(self.scope.as_deref()).unwrap_or_default()
    }

    fn write(&self, local: &local::Local, gate: u32, record: &LogRecord) {
        let write = |body: Option<Value<'_>>| {
            local.log(gate, |limits, Scratch { attributes, .. }| {
                for (key, value) in &record.attributes {
                    with_any(value, |value| {
                        attributes.set(key.as_str(), value, limits.attributes, limits.value_length);
                    });
                }
                Some(Entry {
                    at: record.timestamp.map(clock::wall),
                    observed: record.observed.map(clock::wall),
                    severity: record.severity.map_or(0, |severity| severity as u8),
                    severity_text: record.severity_text,
                    body: body.map_or(Body::None, Body::Value),
                    event_name: record.event_name,
                    scope: self.scope_of(record).into(),
                    context: record.context,
                })
            });
        };
        match &record.body {
            Some(body) => with_any(body, |body| write(Some(body))),
            None => write(None),
        }
    }
}

/// A log record while it is being filled.
#[derive(Clone, Debug, Default)]
pub struct LogRecord {
    event_name: &'static str,
    target: Option<Cow<'static, str>>,
    timestamp: Option<SystemTime>,
    observed: Option<SystemTime>,
    severity_text: &'static str,
    severity: Option<Severity>,
    body: Option<AnyValue>,
    attributes: Vec<(Key, AnyValue)>,
    context: Option<(u128, u64, u8)>,
}

impl logs::LogRecord for LogRecord {
    fn set_event_name(&mut self, name: &'static str) {
        self.event_name = name;
    }

    fn set_target<T: Into<Cow<'static, str>>>(&mut self, target: T) {
        self.target = Some(target.into()).filter(|target| !target.is_empty());
    }

    fn set_timestamp(&mut self, timestamp: SystemTime) {
        self.timestamp = Some(timestamp);
    }

    fn set_observed_timestamp(&mut self, timestamp: SystemTime) {
        self.observed = Some(timestamp);
    }

    fn set_severity_text(&mut self, text: &'static str) {
        self.severity_text = text;
    }

    fn set_severity_number(&mut self, number: Severity) {
        self.severity = Some(number);
    }

    fn set_body(&mut self, body: AnyValue) {
        self.body = Some(body);
    }

    fn add_attributes<I, K, V>(&mut self, attributes: I)
    where
        I: IntoIterator<Item = (K, V)>,
        K: Into<Key>,
        V: Into<AnyValue>,
    {
        let pairs = attributes.into_iter().map(|(key, value)| (key.into(), value.into()));
        self.attributes.extend(pairs);
    }

    fn add_attribute<K: Into<Key>, V: Into<AnyValue>>(&mut self, key: K, value: V) {
        self.attributes.push((key.into(), value.into()));
    }

    fn set_trace_context(
        &mut self,
        trace_id: TraceId,
        span_id: SpanId,
        trace_flags: Option<TraceFlags>,
    ) {
        self.context = Some((
            u128::from_be_bytes(trace_id.to_bytes()),
            u64::from_be_bytes(span_id.to_bytes()),
            trace_flags.map_or(0, TraceFlags::to_u8),
        ));
    }
}
