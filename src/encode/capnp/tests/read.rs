//! Messages read with the generated readers, into OpenTelemetry's own messages.

use capnp::message::ReaderOptions;
use capnp::{primitive_list, serialize, struct_list};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status,
    span::{Event, Link},
};

use super::read_metrics;
use crate::schema::common_capnp::{key_value, scope, string_table, value};
use crate::schema::ingest_capnp::rows;
use crate::schema::logs_capnp::log_record;
use crate::schema::resource_capnp::resource;
use crate::schema::trace_capnp::span;

/// What a message holds.
#[derive(Debug)]
pub(in crate::encode::capnp) enum Read {
    Unset,
    Traces(ExportTraceServiceRequest),
    Logs(ExportLogsServiceRequest),
    Metrics(ExportMetricsServiceRequest),
}

/// The texts of a batch.
pub(in crate::encode::capnp) struct Texts(pub(super) Vec<String>);

impl Texts {
    fn new(from: string_table::Reader<'_>) -> Self {
        let blob = from.get_blob().unwrap();
        let ends: Vec<usize> = from.get_ends().unwrap().iter().map(|end| end as usize).collect();
        assert_eq!(ends.first(), Some(&0), "text 0 is the empty one");
        assert!(ends.is_sorted());
        assert_eq!(ends.last(), Some(&blob.len()));
        let texts = ends.iter().scan(0, |start, end| {
            let text = std::str::from_utf8(&blob[*start..*end]).expect("the edges of characters");
            *start = *end;
            Some(text.to_owned())
        });
        let texts: Vec<String> = texts.collect();
        let mut distinct: Vec<&String> = texts.iter().collect();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), texts.len(), "each text stands there once");
        Self(texts)
    }

    pub(super) fn get(&self, index: u32) -> String {
        self.0[index as usize].clone()
    }
}

/// Reads a whole message, which is of one segment, as the standard framing has it.
pub(in crate::encode::capnp) fn read(message: &[u8]) -> (Read, Texts) {
    assert_eq!(message[..4], [0; 4], "one segment");
    let mut rest = message;
    // The stock limit of 64 would be reached by 26 arrays within each other.
    let options = ReaderOptions { traversal_limit_in_words: None, nesting_limit: 96 };
    let reader = serialize::read_message_from_flat_slice(&mut rest, options).unwrap();
    assert!(rest.is_empty(), "nothing behind it");
    let rows: rows::Reader<'_> = reader.get_root().unwrap();
    let texts = Texts::new(rows.get_strings().unwrap());
    let read = match rows.which().unwrap() {
        rows::Unset(()) => Read::Unset,
        rows::Traces(data) => {
            let groups = data.unwrap().get_resource_spans().unwrap();
            let resource_spans = groups.iter().map(|group| ResourceSpans {
                resource: Some(read_resource(&texts, group.get_resource().unwrap())),
                scope_spans: group
                    .get_scope_spans()
                    .unwrap()
                    .iter()
                    .map(|group| ScopeSpans {
                        scope: Some(read_scope(&texts, group.get_scope().unwrap())),
                        spans: group.get_spans().unwrap().iter().map(|s| span(&texts, s)).collect(),
                        schema_url: texts.get(group.get_schema_url()),
                    })
                    .collect(),
                schema_url: texts.get(group.get_schema_url()),
            });
            Read::Traces(ExportTraceServiceRequest { resource_spans: resource_spans.collect() })
        }
        rows::Logs(data) => {
            let groups = data.unwrap().get_resource_logs().unwrap();
            let resource_logs = groups.iter().map(|group| ResourceLogs {
                resource: Some(read_resource(&texts, group.get_resource().unwrap())),
                scope_logs: group
                    .get_scope_logs()
                    .unwrap()
                    .iter()
                    .map(|group| {
                        let logs = group.get_log_records().unwrap();
                        ScopeLogs {
                            scope: Some(read_scope(&texts, group.get_scope().unwrap())),
                            log_records: logs.iter().map(|log| log_of(&texts, log)).collect(),
                            schema_url: texts.get(group.get_schema_url()),
                        }
                    })
                    .collect(),
                schema_url: texts.get(group.get_schema_url()),
            });
            Read::Logs(ExportLogsServiceRequest { resource_logs: resource_logs.collect() })
        }
        rows::Metrics(data) => {
            let groups = data.unwrap().get_resource_metrics().unwrap();
            let resource_metrics = groups.iter().map(|group| ResourceMetrics {
                resource: Some(read_resource(&texts, group.get_resource().unwrap())),
                scope_metrics: group
                    .get_scope_metrics()
                    .unwrap()
                    .iter()
                    .map(|group| {
                        let metrics = group.get_metrics().unwrap().iter();
                        let metrics: Vec<Metric> =
                            metrics.map(|metric| read_metrics::metric(&texts, metric)).collect();
                        ScopeMetrics {
                            scope: Some(read_scope(&texts, group.get_scope().unwrap())),
                            metrics,
                            schema_url: texts.get(group.get_schema_url()),
                        }
                    })
                    .collect(),
                schema_url: texts.get(group.get_schema_url()),
            });
            Read::Metrics(ExportMetricsServiceRequest {
                resource_metrics: resource_metrics.collect(),
            })
        }
    };
    (read, texts)
}

fn read_resource(texts: &Texts, from: resource::Reader<'_>) -> Resource {
    let keys = |keys: primitive_list::Reader<'_, u32>| -> Vec<String> {
        keys.iter().map(|key| texts.get(key)).collect()
    };
    let entity_refs = from.get_entity_refs().unwrap().iter().map(|entity| EntityRef {
        schema_url: texts.get(entity.get_schema_url()),
        r#type: texts.get(entity.get_type()),
        id_keys: keys(entity.get_id_keys().unwrap()),
        description_keys: keys(entity.get_description_keys().unwrap()),
    });
    Resource {
        attributes: pairs(texts, from.get_attributes().unwrap()),
        dropped_attributes_count: from.get_dropped_attributes_count(),
        entity_refs: entity_refs.collect(),
    }
}

fn read_scope(texts: &Texts, from: scope::Reader<'_>) -> InstrumentationScope {
    InstrumentationScope {
        name: texts.get(from.get_name()),
        version: texts.get(from.get_version()),
        attributes: pairs(texts, from.get_attributes().unwrap()),
        dropped_attributes_count: from.get_dropped_attributes_count(),
    }
}

fn span(texts: &Texts, from: span::Reader<'_>) -> Span {
    let status =
        Status { message: texts.get(from.get_status_message()), code: from.get_status_code() };
    let events = from.get_events().unwrap().iter().map(|event| Event {
        time_unix_nano: event.get_time_unix_nano(),
        name: texts.get(event.get_name()),
        attributes: pairs(texts, event.get_attributes().unwrap()),
        dropped_attributes_count: event.get_dropped_attributes_count(),
    });
    let links = from.get_links().unwrap().iter().map(|link| Link {
        trace_id: trace_id(link.get_trace_id_high(), link.get_trace_id_low()),
        span_id: span_id(link.get_span_id()),
        trace_state: texts.get(link.get_trace_state()),
        attributes: pairs(texts, link.get_attributes().unwrap()),
        dropped_attributes_count: link.get_dropped_attributes_count(),
        flags: link.get_flags(),
    });
    Span {
        trace_id: trace_id(from.get_trace_id_high(), from.get_trace_id_low()),
        span_id: span_id(from.get_span_id()),
        trace_state: texts.get(from.get_trace_state()),
        parent_span_id: span_id(from.get_parent_span_id()),
        flags: from.get_flags(),
        name: texts.get(from.get_name()),
        kind: from.get_kind(),
        start_time_unix_nano: from.get_start_time_unix_nano(),
        end_time_unix_nano: from.get_end_time_unix_nano(),
        attributes: pairs(texts, from.get_attributes().unwrap()),
        dropped_attributes_count: from.get_dropped_attributes_count(),
        events: events.collect(),
        dropped_events_count: from.get_dropped_events_count(),
        links: links.collect(),
        dropped_links_count: from.get_dropped_links_count(),
        status: (status != Status::default()).then_some(status),
    }
}

fn log_of(texts: &Texts, from: log_record::Reader<'_>) -> LogRecord {
    LogRecord {
        time_unix_nano: from.get_time_unix_nano(),
        observed_time_unix_nano: from.get_observed_time_unix_nano(),
        severity_number: from.get_severity_number(),
        severity_text: texts.get(from.get_severity_text()),
        body: from.has_body().then(|| any_value(texts, from.get_body().unwrap())),
        attributes: pairs(texts, from.get_attributes().unwrap()),
        dropped_attributes_count: from.get_dropped_attributes_count(),
        flags: from.get_flags(),
        trace_id: trace_id(from.get_trace_id_high(), from.get_trace_id_low()),
        span_id: span_id(from.get_span_id()),
        event_name: texts.get(from.get_event_name()),
    }
}

pub(super) fn trace_id(high: u64, low: u64) -> Vec<u8> {
    match (high, low) {
        (0, 0) => Vec::new(),
        _ => [high.to_be_bytes(), low.to_be_bytes()].concat(),
    }
}

pub(super) fn span_id(id: u64) -> Vec<u8> {
    if id == 0 { Vec::new() } else { id.to_be_bytes().to_vec() }
}

pub(super) fn pairs(
    texts: &Texts,
    from: struct_list::Reader<'_, key_value::Owned>,
) -> Vec<KeyValue> {
    let pair = |from: key_value::Reader<'_>| KeyValue {
        key: texts.get(from.get_key()),
        value: Some(AnyValue {
            value: match from.which().unwrap() {
                key_value::Empty(()) => None,
                key_value::String(text) => Some(any_value::Value::StringValue(texts.get(text))),
                key_value::Bool(value) => Some(any_value::Value::BoolValue(value)),
                key_value::Int(value) => Some(any_value::Value::IntValue(value)),
                key_value::Double(value) => Some(any_value::Value::DoubleValue(value)),
                key_value::Bytes(bytes) => {
                    Some(any_value::Value::BytesValue(bytes.unwrap().to_vec()))
                }
                key_value::Array(items) => Some(array(texts, items.unwrap())),
                key_value::Kvlist(entries) => Some(any_value::Value::KvlistValue(KeyValueList {
                    values: pairs(texts, entries.unwrap()),
                })),
            },
        }),
        ..KeyValue::default()
    };
    from.iter().map(pair).collect()
}

fn array(texts: &Texts, from: struct_list::Reader<'_, value::Owned>) -> any_value::Value {
    let values = from.iter().map(|item| any_value(texts, item)).collect();
    any_value::Value::ArrayValue(ArrayValue { values })
}

fn any_value(texts: &Texts, from: value::Reader<'_>) -> AnyValue {
    let value = match from.which().unwrap() {
        value::Empty(()) => return AnyValue { value: None },
        value::String(text) => any_value::Value::StringValue(texts.get(text)),
        value::Bool(value) => any_value::Value::BoolValue(value),
        value::Int(value) => any_value::Value::IntValue(value),
        value::Double(value) => any_value::Value::DoubleValue(value),
        value::Bytes(bytes) => any_value::Value::BytesValue(bytes.unwrap().to_vec()),
        value::Array(items) => array(texts, items.unwrap()),
        value::Kvlist(entries) => {
            any_value::Value::KvlistValue(KeyValueList { values: pairs(texts, entries.unwrap()) })
        }
    };
    AnyValue { value: Some(value) }
}
