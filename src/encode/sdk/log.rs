//! `SdkLogRecord` in our view.

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::logs::SdkLogRecord;

use super::value::{any_of_log, scope, unix_nanos};
use crate::encode::view::{Any, Attributes, LogView, Scope};

/// A log record of the SDK.
pub(crate) struct SdkLog<'a> {
    record: &'a SdkLogRecord,
    from: &'a InstrumentationScope,
}

impl<'a> SdkLog<'a> {
    pub(crate) fn new((record, from): (&'a SdkLogRecord, &'a InstrumentationScope)) -> Self {
        Self { record, from }
    }

    /// The scope that it is exported under: a target is a logger of its own, as the stock exporters
    /// have it.
    pub(crate) fn full_scope(&self) -> Scope<'a> {
        let scope = scope(self.from);
        match self.record.target() {
            Some(target) => {
                Scope { name: target, schema_url: scope.schema_url, ..Scope::default() }
            }
            None => scope,
        }
    }
}

impl Attributes for SdkLog<'_> {
    fn attributes(&self, mut each: impl FnMut(&str, Any<'_>)) {
        let pairs = self.record.attributes_iter();
        pairs.for_each(|(key, value)| each(key.as_str(), any_of_log(value)));
    }

    /// The SDK counts none.
    fn dropped_attributes(&self) -> u32 {
        0
    }
}

impl LogView for SdkLog<'_> {
    fn time(&self) -> u64 {
        self.record.timestamp().map_or(0, unix_nanos)
    }

    fn observed(&self) -> u64 {
        self.record.observed_timestamp().map_or(0, unix_nanos)
    }

    fn severity(&self) -> u8 {
        // The SDK's numbers are OTLP's.
        self.record.severity_number().map_or(0, |severity| severity as u8)
    }

    fn severity_text(&self) -> &str {
        self.record.severity_text().unwrap_or_default()
    }

    fn body(&self, take: impl FnOnce(Any<'_>)) {
        if let Some(body) = self.record.body() {
            take(any_of_log(body));
        }
    }

    fn trace(&self) -> u128 {
        let context = self.record.trace_context();
        context.map_or(0, |context| u128::from_be_bytes(context.trace_id.to_bytes()))
    }

    fn span(&self) -> u64 {
        let context = self.record.trace_context();
        context.map_or(0, |context| u64::from_be_bytes(context.span_id.to_bytes()))
    }

    fn trace_flags(&self) -> u8 {
        let flags = self.record.trace_context().and_then(|context| context.trace_flags);
        flags.map_or(0, |flags| flags.to_u8())
    }

    fn scope(&self) -> &str {
        match self.record.target() {
            Some(target) => target,
            None => self.from.name(),
        }
    }

    fn event_name(&self) -> &str {
        self.record.event_name().unwrap_or_default()
    }
}
