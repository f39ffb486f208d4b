//! Requests as nobody would send them, each field of them used.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, EntityRef, InstrumentationScope};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Histogram, Metric, ResourceMetrics, ScopeMetrics, metric::Data,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::encode::otlp::tests::metrics;
use crate::encode::otlp::tests::metrics::attributes;
use crate::encode::sample::arbitrary::{text, time};

pub(crate) fn traces() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scopes = || {
        vec((scope(), text(), vec(span(), 0..4)), 0..3).prop_map(|groups| {
            let group = |(scope, schema_url, spans)| ScopeSpans { scope, spans, schema_url };
            groups.into_iter().map(group).collect()
        })
    };
    vec((resource(), text(), scopes()), 0..3).prop_map(|groups| {
        let group = |(resource, schema_url, scope_spans)| ResourceSpans {
            resource,
            scope_spans,
            schema_url,
        };
        ExportTraceServiceRequest { resource_spans: groups.into_iter().map(group).collect() }
    })
}

pub(crate) fn logs() -> impl Strategy<Value = ExportLogsServiceRequest> {
    let scopes = || {
        vec((scope(), text(), vec(log(), 0..4)), 0..3).prop_map(|groups| {
            let group =
                |(scope, schema_url, log_records)| ScopeLogs { scope, log_records, schema_url };
            groups.into_iter().map(group).collect()
        })
    };
    vec((resource(), text(), scopes()), 0..3).prop_map(|groups| {
        let group =
            |(resource, schema_url, scope_logs)| ResourceLogs { resource, scope_logs, schema_url };
        ExportLogsServiceRequest { resource_logs: groups.into_iter().map(group).collect() }
    })
}

pub(crate) fn metrics() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    let scopes = || {
        vec((scope(), text(), vec(metric(), 0..4)), 0..3).prop_map(|groups| {
            let group = |(scope, schema_url, metrics)| ScopeMetrics { scope, metrics, schema_url };
            groups.into_iter().map(group).collect()
        })
    };
    vec((resource(), text(), scopes()), 0..3).prop_map(|groups| {
        let group = |(resource, schema_url, scope_metrics)| ResourceMetrics {
            resource,
            scope_metrics,
            schema_url,
        };
        ExportMetricsServiceRequest { resource_metrics: groups.into_iter().map(group).collect() }
    })
}

/// Those of the encoder's tests, and such as have no points or no data.
fn metric() -> impl Strategy<Value = Metric> {
    let without = |data: Option<Data>| {
        metrics::metric().prop_map(move |metric| Metric { data: data.clone(), ..metric })
    };
    prop_oneof![
        8 => metrics::metric(),
        1 => without(None),
        1 => without(Some(Data::Gauge(Gauge::default()))),
        1 => without(Some(Data::Histogram(Histogram::default()))),
    ]
}

/// Always there: the rows know no difference between none and an empty one.
fn resource() -> impl Strategy<Value = Option<Resource>> {
    let entity = (text(), text(), vec(text(), 0..3), vec(text(), 0..3)).prop_map(
        |(schema_url, r#type, id_keys, description_keys)| EntityRef {
            schema_url,
            r#type,
            id_keys,
            description_keys,
        },
    );
    (attributes(), any::<u32>(), vec(entity, 0..3)).prop_map(
        |(attributes, dropped_attributes_count, entity_refs)| {
            Some(Resource { attributes, dropped_attributes_count, entity_refs })
        },
    )
}

/// Always there, as a resource.
fn scope() -> impl Strategy<Value = Option<InstrumentationScope>> {
    (text(), text(), attributes(), any::<u32>()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| {
            Some(InstrumentationScope { name, version, attributes, dropped_attributes_count })
        },
    )
}

/// 16 bytes or none.
fn trace_id() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(Vec::new()), (1..=u128::MAX).prop_map(|id| id.to_be_bytes().to_vec())]
}

/// 8 bytes or none.
fn span_id() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(Vec::new()), (1..=u64::MAX).prop_map(|id| id.to_be_bytes().to_vec())]
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (trace_id(), span_id(), span_id(), any::<u32>());
    let head = (text(), text(), any::<i32>(), time(), time());
    let event = (time(), text(), attributes(), any::<u32>()).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| span::Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    );
    let link = (trace_id(), span_id(), text(), attributes(), any::<[u32; 2]>()).prop_map(
        |(trace_id, span_id, trace_state, attributes, [dropped_attributes_count, flags])| {
            span::Link {
                trace_id,
                span_id,
                trace_state,
                attributes,
                dropped_attributes_count,
                flags,
            }
        },
    );
    let lists = (attributes(), vec(event, 0..3), vec(link, 0..3), any::<[u32; 3]>());
    // One that says nothing is left out: the rows know no difference.
    let status = (text(), any::<i32>()).prop_map(|(message, code)| Status { message, code });
    let status = option::of(status.prop_filter("not empty", |some| *some != Status::default()));
    (ids, head, lists, status).prop_map(
        |(ids, head, (attributes, events, links, dropped), status)| Span {
            trace_id: ids.0,
            span_id: ids.1,
            trace_state: head.0,
            parent_span_id: ids.2,
            flags: ids.3,
            name: head.1,
            kind: head.2,
            start_time_unix_nano: head.3,
            end_time_unix_nano: head.4,
            attributes,
            dropped_attributes_count: dropped[0],
            events,
            dropped_events_count: dropped[1],
            links,
            dropped_links_count: dropped[2],
            status,
        },
    )
}

fn body() -> impl Strategy<Value = AnyValue> {
    attributes().prop_map(|mut attributes| {
        attributes.pop().and_then(|attribute| attribute.value).unwrap_or_default()
    })
}

fn log() -> impl Strategy<Value = LogRecord> {
    let head = (time(), time(), any::<i32>(), text(), option::of(body()));
    let rest = (attributes(), any::<[u32; 2]>(), trace_id(), span_id(), text());
    (head, rest).prop_map(
        |(head, (attributes, [dropped, flags], trace_id, span_id, event_name))| LogRecord {
            time_unix_nano: head.0,
            observed_time_unix_nano: head.1,
            severity_number: head.2,
            severity_text: head.3,
            body: head.4,
            attributes,
            dropped_attributes_count: dropped,
            flags,
            trace_id,
            span_id,
            event_name,
        },
    )
}
