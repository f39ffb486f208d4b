//! The golden frames in `tests/wire/`: one of each signal, with every field in it. They are what every
//! later build must be able to read. `TRACKSIDE_UPDATE_WIRE=1` writes them anew.

mod groups;

use std::path::PathBuf;
use std::{env, fs};

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, EntityRef as ProstEntityRef, InstrumentationScope, KeyValue, any_value,
};
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar, exponential_histogram_data_point::Buckets, metric::Data,
    number_data_point, summary_data_point::ValueAtQuantile,
};
use opentelemetry_proto::tonic::resource::v1::Resource as ProstResource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};

use self::groups::Groups;
use super::read::{Read, read};
use crate::encode::capnp::StreamEncoder;
use crate::encode::capnp::columns::{ColumnsStream, to_rows};
use crate::encode::otlp::tests::logs::expected_log;
use crate::encode::otlp::tests::metrics_view::{pairs, view_of};
use crate::encode::otlp::tests::{expected_attributes, expected_span};
use crate::encode::sample::{
    SampleAttributes, SampleEvent, SampleLink, SampleLog, SampleSpan, SampleStatus, SampleValue,
};
use crate::encode::view::{EntityRef, Resource, Scope};
use crate::telemetry::Kind;

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;

#[test]
fn the_encoder_writes_the_golden_frames() {
    for (name, frame, expected) in [traces(), columns(), logs(), metrics()] {
        let path = path(name);
        if env::var_os("TRACKSIDE_UPDATE_WIRE").is_some() {
            fs::write(&path, &frame).unwrap();
        }
        let golden = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let rows = match name.ends_with(".columns") {
            true => to_rows(&golden).unwrap(),
            false => golden.clone(),
        };
        assert_eq!(shown(&read(&rows).0), expected, "{name} is read as something else");
        assert!(
            golden == frame,
            "{name} is written differently; TRACKSIDE_UPDATE_WIRE=1 if it may"
        );
    }
}

pub(super) fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/wire", name].iter().collect()
}

/// By its text, since NaN differs from itself.
pub(super) fn shown(read: &Read) -> String {
    format!("{read:#?}")
}

/// The file's name, what must be in it, and what that means.
type Golden = (&'static str, Bytes, String);

pub(super) fn traces() -> Golden {
    let mut encoder = StreamEncoder::traces();
    let spans = [whole_span(), SampleSpan::default(), unknown_span()];
    with_groups(&mut encoder, |encoder| spans.iter().for_each(|span| encoder.span(span)));
    let whole = ScopeSpans {
        scope: Some(prost_scope()),
        spans: spans.iter().map(expected_span).collect(),
        schema_url: "https://example.com/scope".into(),
    };
    let empty =
        ScopeSpans { scope: Some(InstrumentationScope::default()), ..ScopeSpans::default() };
    let resource_spans = vec![
        ResourceSpans {
            resource: Some(prost_resource()),
            scope_spans: vec![whole, empty],
            schema_url: "https://example.com/resource".into(),
        },
        ResourceSpans { resource: Some(ProstResource::default()), ..ResourceSpans::default() },
    ];
    let expected = Read::Traces(ExportTraceServiceRequest { resource_spans });
    ("traces.rows", encoder.finish(), shown(&expected))
}

/// The same as columns.
pub(super) fn columns() -> Golden {
    let mut encoder = ColumnsStream::new();
    let spans = [whole_span(), SampleSpan::default(), unknown_span()];
    with_groups(&mut encoder, |encoder| spans.iter().for_each(|span| encoder.span(span)));
    ("traces.columns", encoder.finish(), traces().2)
}

pub(super) fn logs() -> Golden {
    let mut encoder = StreamEncoder::logs();
    let logs = [whole_log(), SampleLog::default(), unknown_log()];
    with_groups(&mut encoder, |encoder| logs.iter().for_each(|log| encoder.log(log)));
    let whole = ScopeLogs {
        scope: Some(prost_scope()),
        log_records: logs.iter().map(expected_log).collect(),
        schema_url: "https://example.com/scope".into(),
    };
    let empty = ScopeLogs { scope: Some(InstrumentationScope::default()), ..ScopeLogs::default() };
    let resource_logs = vec![
        ResourceLogs {
            resource: Some(prost_resource()),
            scope_logs: vec![whole, empty],
            schema_url: "https://example.com/resource".into(),
        },
        ResourceLogs { resource: Some(ProstResource::default()), ..ResourceLogs::default() },
    ];
    let expected = Read::Logs(ExportLogsServiceRequest { resource_logs });
    ("logs.rows", encoder.finish(), shown(&expected))
}

pub(super) fn metrics() -> Golden {
    let mut encoder = StreamEncoder::metrics();
    let whole = ScopeMetrics {
        scope: Some(prost_scope()),
        metrics: prost_metrics(),
        schema_url: "https://example.com/scope".into(),
    };
    with_groups(&mut encoder, |encoder| {
        whole.metrics.iter().for_each(|metric| encoder.metric(&view_of(&whole, metric)));
    });
    let empty =
        ScopeMetrics { scope: Some(InstrumentationScope::default()), ..ScopeMetrics::default() };
    let resource_metrics = vec![
        ResourceMetrics {
            resource: Some(prost_resource()),
            scope_metrics: vec![whole, empty],
            schema_url: "https://example.com/resource".into(),
        },
        ResourceMetrics { resource: Some(ProstResource::default()), ..ResourceMetrics::default() },
    ];
    let expected = Read::Metrics(ExportMetricsServiceRequest { resource_metrics });
    ("metrics.rows", encoder.finish(), shown(&expected))
}

/// A resource with two scopes, the items in the first of them, then one with none.
fn with_groups<E: Groups>(encoder: &mut E, items: impl FnOnce(&mut E)) {
    let resource = prost_resource();
    encoder.begin_resource(&Resource {
        attributes: pairs(&resource.attributes),
        dropped_attributes: 11,
        entity_refs: vec![EntityRef {
            schema_url: "https://example.com/entity",
            kind: "service",
            id_keys: vec!["service.name", ""],
            description_keys: vec!["service.version"],
        }],
        schema_url: "https://example.com/resource",
    });
    let scope = prost_scope();
    encoder.begin_scope(&Scope {
        name: "library",
        version: "1.2.3",
        schema_url: "https://example.com/scope",
        attributes: pairs(&scope.attributes),
        dropped_attributes: 12,
    });
    items(encoder);
    encoder.begin_scope(&Scope::default());
    encoder.begin_resource(&Resource::default());
}

fn prost_resource() -> ProstResource {
    ProstResource {
        attributes: vec![text("service.name", "checkout"), text("service.version", "7")],
        dropped_attributes_count: 11,
        entity_refs: vec![ProstEntityRef {
            schema_url: "https://example.com/entity".into(),
            r#type: "service".into(),
            id_keys: vec!["service.name".into(), String::new()],
            description_keys: vec!["service.version".into()],
        }],
    }
}

fn prost_scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "library".into(),
        version: "1.2.3".into(),
        attributes: expected_attributes(&every_value()),
        dropped_attributes_count: 12,
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(any_value::Value::StringValue(value.into()));
    KeyValue { key: key.into(), value: Some(AnyValue { value }), ..KeyValue::default() }
}

/// A value of each kind, nested ones, and a key that comes twice.
fn every_value() -> SampleAttributes {
    let list = SampleValue::Array(vec![
        SampleValue::Empty,
        SampleValue::Str("in a list".into()),
        SampleValue::Bytes(vec![1]),
        SampleValue::Array(vec![SampleValue::Bool(true), SampleValue::F64(-0.5)]),
        SampleValue::Map(vec![("deep".into(), SampleValue::I64(-1))]),
    ]);
    let pairs = [
        ("empty", SampleValue::Empty),
        ("text", SampleValue::Str("naïve \"quoted\"\n\u{1f980}".into())),
        ("", SampleValue::Str(String::new())),
        ("true", SampleValue::Bool(true)),
        ("false", SampleValue::Bool(false)),
        ("least", SampleValue::I64(i64::MIN)),
        ("most", SampleValue::I64(i64::MAX)),
        ("quarter", SampleValue::F64(0.25)),
        ("infinite", SampleValue::F64(f64::NEG_INFINITY)),
        ("bytes", SampleValue::Bytes(vec![0, 127, 128, 255])),
        ("no bytes", SampleValue::Bytes(Vec::new())),
        ("list", list.clone()),
        ("empty list", SampleValue::Array(Vec::new())),
        ("map", SampleValue::Map(vec![("list".into(), list), ("k".into(), SampleValue::Empty)])),
        ("empty map", SampleValue::Map(Vec::new())),
        ("true", SampleValue::Bool(false)),
    ];
    let pairs = pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    SampleAttributes { pairs, dropped: 21 }
}

fn whole_span() -> SampleSpan {
    SampleSpan {
        trace: TRACE,
        span: 0x00f0_67aa_0ba9_02b7,
        parent: 0xff00_0000_0000_0001,
        parent_is_remote: true,
        trace_flags: 3,
        trace_state: "vendor=1".into(),
        scope: String::new(),
        name: "GET /orders/{id}".into(),
        kind: Kind::Server,
        start: 1_700_000_000_000_000_001,
        end: u64::MAX,
        status: SampleStatus::Error("out of stock".into()),
        attributes: every_value(),
        events: vec![
            SampleEvent {
                time: 1_700_000_000_000_000_002,
                name: "exception".into(),
                attributes: every_value(),
            },
            SampleEvent::default(),
        ],
        dropped_events: 22,
        links: vec![
            SampleLink {
                trace: 1,
                span: 2,
                trace_flags: 1,
                trace_state: "other=2".into(),
                is_remote: true,
                attributes: every_value(),
            },
            SampleLink::default(),
        ],
        dropped_links: 23,
        numbers: None,
    }
}

fn unknown_span() -> SampleSpan {
    SampleSpan { span: 3, numbers: Some((-7, u32::MAX, 99)), ..SampleSpan::default() }
}

fn whole_log() -> SampleLog {
    SampleLog {
        time: 1_700_000_000_000_000_003,
        observed: 1_700_000_000_000_000_004,
        severity: 17,
        severity_text: "ERROR".into(),
        body: Some(SampleValue::Map(every_value().pairs)),
        trace: TRACE,
        span: 0x00f0_67aa_0ba9_02b7,
        trace_flags: 1,
        scope: String::new(),
        event_name: "order.refused".into(),
        attributes: every_value(),
        numbers: None,
    }
}

fn unknown_log() -> SampleLog {
    let body = Some(SampleValue::Empty);
    SampleLog { body, numbers: Some((-8, u32::MAX)), ..SampleLog::default() }
}

fn prost_metrics() -> Vec<Metric> {
    let attributes = || expected_attributes(&every_value());
    let exemplars = || {
        let whole = Exemplar {
            filtered_attributes: attributes(),
            time_unix_nano: 31,
            span_id: 0x0102_u64.to_be_bytes().to_vec(),
            trace_id: TRACE.to_be_bytes().to_vec(),
            value: Some(exemplar::Value::AsInt(-32)),
        };
        let value = Some(exemplar::Value::AsDouble(0.125));
        vec![whole, Exemplar { value, ..Exemplar::default() }, Exemplar::default()]
    };
    let number = |value| NumberDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 41,
        time_unix_nano: 42,
        exemplars: exemplars(),
        flags: 43,
        value,
    };
    let histogram = HistogramDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 51,
        time_unix_nano: 52,
        count: 53,
        sum: Some(-5.5),
        bucket_counts: vec![1, u64::MAX, 0],
        explicit_bounds: vec![0.5, 1.5],
        exemplars: exemplars(),
        flags: 54,
        min: Some(0.0),
        max: Some(f64::INFINITY),
    };
    let exponential = ExponentialHistogramDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 61,
        time_unix_nano: 62,
        count: 63,
        sum: Some(6.5),
        scale: -4,
        zero_count: 64,
        positive: Some(Buckets { offset: -2, bucket_counts: vec![65, 0] }),
        negative: Some(Buckets { offset: 3, bucket_counts: vec![66] }),
        flags: 67,
        exemplars: exemplars(),
        min: Some(-1.0),
        max: Some(1.0),
        zero_threshold: 0.0625,
    };
    let summary = SummaryDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 71,
        time_unix_nano: 72,
        count: 73,
        sum: 7.5,
        quantile_values: vec![
            ValueAtQuantile { quantile: 0.5, value: 74.0 },
            ValueAtQuantile::default(),
        ],
        flags: 75,
    };
    let numbers = || {
        vec![
            number(Some(number_data_point::Value::AsInt(-44))),
            number(Some(number_data_point::Value::AsDouble(4.5))),
            NumberDataPoint::default(),
        ]
    };
    let data = [
        None,
        Some(Data::Gauge(Gauge { data_points: numbers() })),
        Some(Data::Gauge(Gauge::default())),
        Some(Data::Sum(Sum {
            data_points: numbers(),
            aggregation_temporality: 2,
            is_monotonic: true,
        })),
        Some(Data::Histogram(Histogram {
            data_points: vec![histogram, HistogramDataPoint::default()],
            aggregation_temporality: 1,
        })),
        Some(Data::ExponentialHistogram(ExponentialHistogram {
            data_points: vec![exponential, ExponentialHistogramDataPoint::default()],
            aggregation_temporality: -9,
        })),
        Some(Data::Summary(Summary { data_points: vec![summary, SummaryDataPoint::default()] })),
    ];
    let metric = |(number, data)| Metric {
        name: format!("metric.{number}"),
        description: "counts".into(),
        unit: "{thing}".into(),
        metadata: vec![text("prometheus.type", "unknown")],
        data,
    };
    (0..).zip(data).map(metric).collect()
}
