//! Our log records as the SDK's, for exporters of the SDK.

use std::mem::size_of;

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::{InstrumentationScope, Key, SpanId, TraceFlags, TraceId};
use opentelemetry_sdk::logs::{SdkLogRecord, SdkLogger, SdkLoggerProvider};

use super::batch::{Items, SdkBatch};
use super::span_data::time;
use crate::encode::view::{Any, LogView};

/// Collects the records of one frame.
#[derive(Debug)]
pub(crate) struct LogRecordEncoder {
    /// Nothing else can make a record. Its provider has no processor, and it emits none.
    mint: SdkLogger,
    scope: InstrumentationScope,
    records: Vec<(SdkLogRecord, InstrumentationScope)>,
    size: usize,
}

impl LogRecordEncoder {
    /// The scope is the one of records without a logger's name.
    pub(crate) fn new(scope: InstrumentationScope) -> Self {
        let mint = SdkLoggerProvider::builder().build().logger_with_scope(scope.clone());
        Self { mint, scope, records: Vec::new(), size: 0 }
    }

    pub(crate) fn log(&mut self, log: &impl LogView) {
        let mut record = self.mint.create_log_record();
        let mut size = size_of::<(SdkLogRecord, InstrumentationScope)>() + log.scope().len();
        if log.time() != 0 {
            record.set_timestamp(time(log.time()));
        }
        record.set_observed_timestamp(time(log.observed()));
        if let Some(severity) = severity(log.severity()) {
            record.set_severity_number(severity);
            record.set_severity_text(severity.name());
        }
        log.body(|body| record.set_body(value(body, &mut size)));
        log.attributes(|key, any| {
            size += size_of::<(Key, AnyValue)>() + key.len();
            record.add_attribute(key.to_owned(), value(any, &mut size));
        });
        if log.trace() != 0 {
            let flags = TraceFlags::new(log.trace_flags());
            let (trace, span) = (TraceId::from(log.trace()), SpanId::from(log.span()));
            record.set_trace_context(trace, span, Some(flags));
        }
        let scope = match log.scope() {
            "" => self.scope.clone(),
            name => InstrumentationScope::builder(name.to_owned()).build(),
        };
        self.size += size;
        self.records.push((record, scope));
    }

    /// The frame's records; the encoder is ready for the next frame.
    pub(crate) fn finish(&mut self) -> SdkBatch {
        let records = std::mem::take(&mut self.records);
        SdkBatch::new(Items::Logs(records), std::mem::take(&mut self.size))
    }
}

fn value(from: Any<'_>, size: &mut usize) -> AnyValue {
    match from {
        // The SDK's values know no such thing.
        Any::Empty => "".into(),
        Any::Bool(value) => value.into(),
        Any::I64(value) => value.into(),
        Any::F64(value) => value.into(),
        Any::Str(text) => {
            *size += text.len();
            text.to_owned().into()
        }
        Any::Bytes(bytes) => {
            *size += bytes.len();
            AnyValue::Bytes(Box::new(bytes.to_vec()))
        }
        Any::Array(items) => {
            let mut values = Vec::new();
            items.items(&mut |item| values.push(value(item, size)));
            *size += values.len() * size_of::<AnyValue>();
            AnyValue::ListAny(Box::new(values))
        }
        Any::Map(entries) => {
            let mut map = std::collections::HashMap::new();
            entries.entries(&mut |key, item| {
                *size += size_of::<(Key, AnyValue)>() + key.len();
                map.insert(Key::from(key.to_owned()), value(item, size));
            });
            AnyValue::Map(Box::new(map))
        }
    }
}

/// OTLP's number as the SDK's constant.
fn severity(number: u8) -> Option<Severity> {
    use Severity::*;
    const ALL: [Severity; 24] = [
        Trace, Trace2, Trace3, Trace4, Debug, Debug2, Debug3, Debug4, Info, Info2, Info3, Info4,
        Warn, Warn2, Warn3, Warn4, Error, Error2, Error3, Error4, Fatal, Fatal2, Fatal3, Fatal4,
    ];
    ALL.get(usize::from(number).checked_sub(1)?).copied()
}
