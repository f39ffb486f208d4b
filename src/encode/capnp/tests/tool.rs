//! The golden frames as the `capnp` tool reads them, with the schema files: no code of ours has a part
//! in that, and every value must be the one that was sent.

use std::fs::File;
use std::io::Write as _;
use std::process::{Command, Stdio};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar, exponential_histogram_data_point::Buckets, metric::Data,
    number_data_point, summary_data_point::ValueAtQuantile,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status,
    span::{Event, Link},
};

use super::golden::{self, path, shown};
use super::json::Json;
use super::read::{Read, Texts, span_id, trace_id};

#[test]
fn the_tool_reads_the_values_that_were_sent() {
    if Command::new("capnp").arg("--version").stdout(Stdio::null()).status().is_err() {
        // `scripts/wire` does not pass without the tool.
        // Straight to the terminal, where the harness does not hide it.
        let missing = b"MISSING capnp: apt-get install capnproto; the frames were not read\n";
        std::io::stderr().write_all(missing).unwrap();
        return;
    }
    for (name, _, expected) in [golden::traces(), golden::logs(), golden::metrics()] {
        let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/ingest.capnp");
        let output = Command::new("capnp")
            .args(["convert", "binary:json", schema, "Rows"])
            .stdin(File::open(path(name)).unwrap())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{name}: {errors}");
        let rows = Json::parse(std::str::from_utf8(&output.stdout).unwrap());
        let texts = texts(&rows.group("strings"));
        let read = if let Some(data) = rows.get("traces") {
            let resource_spans = data.list("resourceSpans", |group| ResourceSpans {
                resource: Some(resource(&texts, &group.group("resource"))),
                scope_spans: group.list("scopeSpans", |group| ScopeSpans {
                    scope: Some(scope(&texts, &group.group("scope"))),
                    spans: group.list("spans", |from| span(&texts, from)),
                    schema_url: text(&texts, group, "schemaUrl"),
                }),
                schema_url: text(&texts, group, "schemaUrl"),
            });
            Read::Traces(ExportTraceServiceRequest { resource_spans })
        } else if let Some(data) = rows.get("logs") {
            let resource_logs = data.list("resourceLogs", |group| ResourceLogs {
                resource: Some(resource(&texts, &group.group("resource"))),
                scope_logs: group.list("scopeLogs", |group| ScopeLogs {
                    scope: Some(scope(&texts, &group.group("scope"))),
                    log_records: group.list("logRecords", |from| log(&texts, from)),
                    schema_url: text(&texts, group, "schemaUrl"),
                }),
                schema_url: text(&texts, group, "schemaUrl"),
            });
            Read::Logs(ExportLogsServiceRequest { resource_logs })
        } else {
            let data = rows.get("metrics").expect("a signal");
            let resource_metrics = data.list("resourceMetrics", |group| ResourceMetrics {
                resource: Some(resource(&texts, &group.group("resource"))),
                scope_metrics: group.list("scopeMetrics", |group| ScopeMetrics {
                    scope: Some(scope(&texts, &group.group("scope"))),
                    metrics: group.list("metrics", |from| metric(&texts, from)),
                    schema_url: text(&texts, group, "schemaUrl"),
                }),
                schema_url: text(&texts, group, "schemaUrl"),
            });
            Read::Metrics(ExportMetricsServiceRequest { resource_metrics })
        };
        assert_eq!(shown(&read), expected, "{name}");
    }
}

fn texts(from: &Json) -> Texts {
    let blob: Vec<u8> = from.list("blob", Json::as_number);
    let mut start = 0;
    Texts(from.list("ends", |end| {
        let end = end.as_number();
        let text = String::from_utf8(blob[start..end].to_vec()).unwrap();
        start = end;
        text
    }))
}

fn text(texts: &Texts, from: &Json, name: &str) -> String {
    texts.get(from.number(name))
}

fn resource(texts: &Texts, from: &Json) -> Resource {
    Resource {
        attributes: pairs(texts, from, "attributes"),
        dropped_attributes_count: from.number("droppedAttributesCount"),
        entity_refs: from.list("entityRefs", |entity| EntityRef {
            schema_url: text(texts, entity, "schemaUrl"),
            r#type: text(texts, entity, "type"),
            id_keys: entity.list("idKeys", |key| texts.get(key.as_number())),
            description_keys: entity.list("descriptionKeys", |key| texts.get(key.as_number())),
        }),
    }
}

fn scope(texts: &Texts, from: &Json) -> InstrumentationScope {
    InstrumentationScope {
        name: text(texts, from, "name"),
        version: text(texts, from, "version"),
        attributes: pairs(texts, from, "attributes"),
        dropped_attributes_count: from.number("droppedAttributesCount"),
    }
}

fn pairs(texts: &Texts, from: &Json, name: &str) -> Vec<KeyValue> {
    from.list(name, |pair| KeyValue {
        key: text(texts, pair, "key"),
        value: Some(any_value(texts, pair)),
        ..KeyValue::default()
    })
}

/// The member of the union that is there, in a `Value` or a `KeyValue`.
fn any_value(texts: &Texts, from: &Json) -> AnyValue {
    let has = |name: &str| from.get(name).is_some();
    let value = if has("string") {
        any_value::Value::StringValue(text(texts, from, "string"))
    } else if has("bool") {
        any_value::Value::BoolValue(from.is_true("bool"))
    } else if has("int") {
        any_value::Value::IntValue(from.number("int"))
    } else if has("double") {
        any_value::Value::DoubleValue(double(from, "double"))
    } else if has("bytes") {
        any_value::Value::BytesValue(from.list("bytes", Json::as_number))
    } else if has("array") {
        let values = from.list("array", |item| any_value(texts, item));
        any_value::Value::ArrayValue(ArrayValue { values })
    } else if has("kvlist") {
        let values = pairs(texts, from, "kvlist");
        any_value::Value::KvlistValue(KeyValueList { values })
    } else {
        assert!(has("empty"), "a value of an unknown kind: {from:?}");
        return AnyValue { value: None };
    };
    AnyValue { value: Some(value) }
}

fn double(from: &Json, name: &str) -> f64 {
    // Rust knows the names of what is no number too.
    from.number(name)
}

fn ids(from: &Json) -> (Vec<u8>, Vec<u8>) {
    let trace = trace_id(from.number("traceIdHigh"), from.number("traceIdLow"));
    (trace, span_id(from.number("spanId")))
}

fn span(texts: &Texts, from: &Json) -> Span {
    let status =
        Status { message: text(texts, from, "statusMessage"), code: from.number("statusCode") };
    let (trace_id, own_id) = ids(from);
    Span {
        trace_id,
        span_id: own_id,
        trace_state: text(texts, from, "traceState"),
        parent_span_id: span_id(from.number("parentSpanId")),
        flags: from.number("flags"),
        name: text(texts, from, "name"),
        kind: from.number("kind"),
        start_time_unix_nano: from.number("startTimeUnixNano"),
        end_time_unix_nano: from.number("endTimeUnixNano"),
        attributes: pairs(texts, from, "attributes"),
        dropped_attributes_count: from.number("droppedAttributesCount"),
        events: from.list("events", |event| Event {
            time_unix_nano: event.number("timeUnixNano"),
            name: text(texts, event, "name"),
            attributes: pairs(texts, event, "attributes"),
            dropped_attributes_count: event.number("droppedAttributesCount"),
        }),
        dropped_events_count: from.number("droppedEventsCount"),
        links: from.list("links", |link| {
            let (trace_id, span_id) = ids(link);
            Link {
                trace_id,
                span_id,
                trace_state: text(texts, link, "traceState"),
                attributes: pairs(texts, link, "attributes"),
                dropped_attributes_count: link.number("droppedAttributesCount"),
                flags: link.number("flags"),
            }
        }),
        dropped_links_count: from.number("droppedLinksCount"),
        status: (status != Status::default()).then_some(status),
    }
}

fn log(texts: &Texts, from: &Json) -> LogRecord {
    let (trace_id, span_id) = ids(from);
    LogRecord {
        time_unix_nano: from.number("timeUnixNano"),
        observed_time_unix_nano: from.number("observedTimeUnixNano"),
        severity_number: from.number("severityNumber"),
        severity_text: text(texts, from, "severityText"),
        body: from.get("body").map(|body| any_value(texts, body)),
        attributes: pairs(texts, from, "attributes"),
        dropped_attributes_count: from.number("droppedAttributesCount"),
        flags: from.number("flags"),
        trace_id,
        span_id,
        event_name: text(texts, from, "eventName"),
    }
}

fn metric(texts: &Texts, from: &Json) -> Metric {
    Metric {
        name: text(texts, from, "name"),
        description: text(texts, from, "description"),
        unit: text(texts, from, "unit"),
        metadata: pairs(texts, from, "metadata"),
        data: data(texts, &from.group("data")),
    }
}

fn data(texts: &Texts, from: &Json) -> Option<Data> {
    let numbers = |group: &Json| group.list("points", |point| number_point(texts, point));
    Some(if let Some(group) = from.get("gauge") {
        Data::Gauge(Gauge { data_points: numbers(group) })
    } else if let Some(group) = from.get("sum") {
        Data::Sum(Sum {
            data_points: numbers(group),
            aggregation_temporality: group.number("temporality"),
            is_monotonic: group.is_true("isMonotonic"),
        })
    } else if let Some(group) = from.get("histogram") {
        Data::Histogram(Histogram {
            data_points: group.list("points", |point| histogram(texts, point)),
            aggregation_temporality: group.number("temporality"),
        })
    } else if let Some(group) = from.get("exponentialHistogram") {
        Data::ExponentialHistogram(ExponentialHistogram {
            data_points: group.list("points", |point| exponential(texts, point)),
            aggregation_temporality: group.number("temporality"),
        })
    } else if let Some(group) = from.get("summary") {
        Data::Summary(Summary { data_points: group.list("points", |point| summary(texts, point)) })
    } else {
        assert!(from.get("none").is_some(), "a metric of an unknown kind: {from:?}");
        return None;
    })
}

fn number_point(texts: &Texts, from: &Json) -> NumberDataPoint {
    let value = from.group("value");
    NumberDataPoint {
        attributes: pairs(texts, from, "attributes"),
        start_time_unix_nano: from.number("startTimeUnixNano"),
        time_unix_nano: from.number("timeUnixNano"),
        exemplars: exemplars(texts, from),
        flags: from.number("flags"),
        value: match (value.get("int"), value.get("double")) {
            (Some(int), _) => Some(number_data_point::Value::AsInt(int.as_number())),
            (_, Some(_)) => Some(number_data_point::Value::AsDouble(double(&value, "double"))),
            _ => None,
        },
    }
}

fn exemplars(texts: &Texts, from: &Json) -> Vec<Exemplar> {
    from.list("exemplars", |from| {
        let value = from.group("value");
        let (trace_id, span_id) = ids(from);
        Exemplar {
            filtered_attributes: pairs(texts, from, "filteredAttributes"),
            time_unix_nano: from.number("timeUnixNano"),
            span_id,
            trace_id,
            value: match (value.get("int"), value.get("double")) {
                (Some(int), _) => Some(exemplar::Value::AsInt(int.as_number())),
                (_, Some(_)) => Some(exemplar::Value::AsDouble(double(&value, "double"))),
                _ => None,
            },
        }
    })
}

fn optional(from: &Json, name: &str) -> Option<f64> {
    let group = from.group(name);
    group.get("value").map(|_| double(&group, "value"))
}

fn histogram(texts: &Texts, from: &Json) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: pairs(texts, from, "attributes"),
        start_time_unix_nano: from.number("startTimeUnixNano"),
        time_unix_nano: from.number("timeUnixNano"),
        count: from.number("count"),
        sum: optional(from, "sum"),
        bucket_counts: from.list("bucketCounts", Json::as_number),
        explicit_bounds: from.list("explicitBounds", Json::as_number),
        exemplars: exemplars(texts, from),
        flags: from.number("flags"),
        min: optional(from, "min"),
        max: optional(from, "max"),
    }
}

fn exponential(texts: &Texts, from: &Json) -> ExponentialHistogramDataPoint {
    let side = |name: &str| {
        let group = from.group(name);
        let bucket_counts = group.list("counts", Json::as_number);
        let buckets = Buckets { offset: group.number("offset"), bucket_counts };
        (buckets != Buckets::default()).then_some(buckets)
    };
    ExponentialHistogramDataPoint {
        attributes: pairs(texts, from, "attributes"),
        start_time_unix_nano: from.number("startTimeUnixNano"),
        time_unix_nano: from.number("timeUnixNano"),
        count: from.number("count"),
        sum: optional(from, "sum"),
        scale: from.number("scale"),
        zero_count: from.number("zeroCount"),
        positive: side("positive"),
        negative: side("negative"),
        flags: from.number("flags"),
        exemplars: exemplars(texts, from),
        min: optional(from, "min"),
        max: optional(from, "max"),
        zero_threshold: double(from, "zeroThreshold"),
    }
}

fn summary(texts: &Texts, from: &Json) -> SummaryDataPoint {
    SummaryDataPoint {
        attributes: pairs(texts, from, "attributes"),
        start_time_unix_nano: from.number("startTimeUnixNano"),
        time_unix_nano: from.number("timeUnixNano"),
        count: from.number("count"),
        sum: double(from, "sum"),
        quantile_values: from.list("quantiles", |at| ValueAtQuantile {
            quantile: double(at, "quantile"),
            value: double(at, "value"),
        }),
        flags: from.number("flags"),
    }
}
