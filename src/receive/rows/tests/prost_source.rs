//! prost's structs as a source of our views.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1::{Span, span};

use crate::encode::otlp::tests::metrics_view::{any as any_of, pairs, view_of};
use crate::encode::view::{
    Any, Attributes, BatchSink, EntityRef, EventView, LinkView, LogView, Resource, Scope,
    SpanStatus, SpanView,
};
use crate::telemetry::Kind;

/// A request that can be walked through.
pub(crate) trait Source {
    fn lend(&self, sink: &mut impl BatchSink);
    /// Spans, points or log records.
    fn items(&self) -> u32;
}

impl Source for ExportTraceServiceRequest {
    fn lend(&self, sink: &mut impl BatchSink) {
        for group in &self.resource_spans {
            sink.begin_resource(&resource_of(group.resource.as_ref(), &group.schema_url));
            for group in &group.scope_spans {
                sink.begin_scope(&scope_of(group.scope.as_ref(), &group.schema_url));
                group.spans.iter().for_each(|span| sink.span(span));
            }
        }
    }

    fn items(&self) -> u32 {
        let scopes = self.resource_spans.iter().flat_map(|group| &group.scope_spans);
        scopes.map(|group| group.spans.len() as u32).sum()
    }
}

impl Source for ExportLogsServiceRequest {
    fn lend(&self, sink: &mut impl BatchSink) {
        for group in &self.resource_logs {
            sink.begin_resource(&resource_of(group.resource.as_ref(), &group.schema_url));
            for group in &group.scope_logs {
                sink.begin_scope(&scope_of(group.scope.as_ref(), &group.schema_url));
                group.log_records.iter().for_each(|log| sink.log(log));
            }
        }
    }

    fn items(&self) -> u32 {
        let scopes = self.resource_logs.iter().flat_map(|group| &group.scope_logs);
        scopes.map(|group| group.log_records.len() as u32).sum()
    }
}

impl Source for ExportMetricsServiceRequest {
    fn lend(&self, sink: &mut impl BatchSink) {
        for group in &self.resource_metrics {
            sink.begin_resource(&resource_of(group.resource.as_ref(), &group.schema_url));
            for group in &group.scope_metrics {
                sink.begin_scope(&scope_of(group.scope.as_ref(), &group.schema_url));
                group.metrics.iter().for_each(|metric| sink.metric(&view_of(group, metric)));
            }
        }
    }

    fn items(&self) -> u32 {
        let scopes = self.resource_metrics.iter().flat_map(|group| &group.scope_metrics);
        let metrics = scopes.flat_map(|group| group.metrics.iter().map(move |one| (group, one)));
        metrics.map(|(group, metric)| view_of(group, metric).points() as u32).sum()
    }
}

fn resource_of<'a>(from: Option<&'a resource::Resource>, schema_url: &'a str) -> Resource<'a> {
    let Some(from) = from else { return Resource { schema_url, ..Resource::default() } };
    let texts = |keys: &'a [String]| keys.iter().map(String::as_str).collect();
    let entities = from.entity_refs.iter().map(|entity| EntityRef {
        schema_url: &entity.schema_url,
        kind: &entity.r#type,
        id_keys: texts(&entity.id_keys),
        description_keys: texts(&entity.description_keys),
    });
    Resource {
        attributes: pairs(&from.attributes),
        dropped_attributes: from.dropped_attributes_count,
        entity_refs: entities.collect(),
        schema_url,
    }
}

fn scope_of<'a>(from: Option<&'a InstrumentationScope>, schema_url: &'a str) -> Scope<'a> {
    let Some(from) = from else { return Scope { schema_url, ..Scope::default() } };
    Scope {
        name: &from.name,
        version: &from.version,
        schema_url,
        attributes: pairs(&from.attributes),
        dropped_attributes: from.dropped_attributes_count,
    }
}

fn trace(id: &[u8]) -> u128 {
    id.try_into().map_or(0, u128::from_be_bytes)
}

fn span(id: &[u8]) -> u64 {
    id.try_into().map_or(0, u64::from_be_bytes)
}

macro_rules! attributes {
    ($($name:ty),*) => {$(
        impl Attributes for $name {
            fn attributes(&self, mut each: impl FnMut(&str, Any<'_>)) {
                pairs(&self.attributes).into_iter().for_each(|(key, value)| each(key, value));
            }
            fn dropped_attributes(&self) -> u32 {
                self.dropped_attributes_count
            }
        }
    )*};
}
attributes!(Span, span::Event, span::Link, LogRecord);

impl SpanView for Span {
    type Event = span::Event;
    type Link = span::Link;

    fn trace(&self) -> u128 {
        trace(&self.trace_id)
    }
    fn span(&self) -> u64 {
        span(&self.span_id)
    }
    fn parent(&self) -> u64 {
        span(&self.parent_span_id)
    }
    fn parent_is_remote(&self) -> bool {
        unreachable!("the flags say it")
    }
    fn trace_flags(&self) -> u8 {
        unreachable!("the flags say it")
    }
    fn flags(&self) -> u32 {
        self.flags
    }
    fn trace_state(&self) -> &str {
        &self.trace_state
    }
    fn scope(&self) -> &str {
        ""
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn kind(&self) -> Kind {
        unreachable!("the number says it")
    }
    fn kind_number(&self) -> i32 {
        self.kind
    }
    fn start(&self) -> u64 {
        self.start_time_unix_nano
    }
    fn end(&self) -> u64 {
        self.end_time_unix_nano
    }
    fn status(&self) -> SpanStatus<'_> {
        unreachable!("the code and the message say it")
    }
    fn status_code(&self) -> i32 {
        self.status.as_ref().map_or(0, |status| status.code)
    }
    fn status_message(&self) -> &str {
        self.status.as_ref().map_or("", |status| &status.message)
    }
    fn events(&self, each: impl FnMut(&Self::Event)) {
        self.events.iter().for_each(each);
    }
    fn dropped_events(&self) -> u32 {
        self.dropped_events_count
    }
    fn links(&self, each: impl FnMut(&Self::Link)) {
        self.links.iter().for_each(each);
    }
    fn dropped_links(&self) -> u32 {
        self.dropped_links_count
    }
}

impl EventView for span::Event {
    fn name(&self) -> &str {
        &self.name
    }
    fn time(&self) -> u64 {
        self.time_unix_nano
    }
}

impl LinkView for span::Link {
    fn trace(&self) -> u128 {
        trace(&self.trace_id)
    }
    fn span(&self) -> u64 {
        span(&self.span_id)
    }
    fn trace_flags(&self) -> u8 {
        unreachable!("the flags say it")
    }
    fn flags(&self) -> u32 {
        self.flags
    }
    fn trace_state(&self) -> &str {
        &self.trace_state
    }
    fn is_remote(&self) -> bool {
        unreachable!("the flags say it")
    }
}

impl LogView for LogRecord {
    fn time(&self) -> u64 {
        self.time_unix_nano
    }
    fn observed(&self) -> u64 {
        self.observed_time_unix_nano
    }
    fn severity(&self) -> u8 {
        unreachable!("the number says it")
    }
    fn severity_number(&self) -> i32 {
        self.severity_number
    }
    fn severity_text(&self) -> &str {
        &self.severity_text
    }
    fn body(&self, take: impl FnOnce(Any<'_>)) {
        if let Some(body) = &self.body {
            take(any_of(body));
        }
    }
    fn trace(&self) -> u128 {
        trace(&self.trace_id)
    }
    fn span(&self) -> u64 {
        span(&self.span_id)
    }
    fn trace_flags(&self) -> u8 {
        unreachable!("the flags say it")
    }
    fn flags(&self) -> u32 {
        self.flags
    }
    fn scope(&self) -> &str {
        ""
    }
    fn event_name(&self) -> &str {
        &self.event_name
    }
}
