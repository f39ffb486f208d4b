//! What we write, read back with the generated readers.

mod golden;
mod json;
pub(super) mod read;
mod read_metrics;
mod tool;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, EntityRef as ProstEntityRef, InstrumentationScope, KeyValue, any_value,
};
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource as ProstResource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use proptest::collection::vec;
use proptest::prelude::*;

use self::read::{Read, read};
use super::columns::{ScopedColumns, to_rows};
use super::{
    LogsEncoder, MetricsEncoder, ScopedEncoder, ScopedSpans, StreamEncoder, TraceEncoder, texts,
};
use crate::encode::otlp::tests::logs::expected_request;
use crate::encode::otlp::tests::metrics::{points, scope_metrics};
use crate::encode::otlp::tests::metrics_view::{pairs, view_of};
use crate::encode::otlp::tests::{expected_attributes, expected_span, resource};
use crate::encode::sample::arbitrary::{sample_attributes, sample_log, sample_span};
use crate::encode::sample::{SampleAttributes, SampleLog, SampleSpan, SampleValue};
use crate::encode::view::{Any, EntityRef, Resource, Scope};

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_field_of_a_span(batches in vec(vec(sample_span(), 0..8), 1..4)) {
        let mut encoder = TraceEncoder::new(&resource(), "trackside", "1.2.3");
        for batch in &batches {
            batch.iter().for_each(|span| encoder.span(span));
            let (Read::Traces(read), _) = read(&encoder.finish()) else { panic!("traces") };
            let spans = batch.iter().map(expected_span).collect::<Vec<_>>();
            let own = InstrumentationScope {
                name: "trackside".into(),
                version: "1.2.3".into(),
                ..InstrumentationScope::default()
            };
            let scope_spans = ScopeSpans { scope: Some(own), spans, schema_url: String::new() };
            let expected = ExportTraceServiceRequest {
                resource_spans: match batch.is_empty() {
                    true => Vec::new(),
                    false => vec![ResourceSpans {
                        resource: Some(expected_resource()),
                        scope_spans: vec![scope_spans],
                        schema_url: String::new(),
                    }],
                },
            };
            // By their text, since NaN differs from itself.
            prop_assert_eq!(format!("{read:?}"), format!("{expected:?}"));
        }
    }

    #[test]
    fn every_field_of_a_record(batches in vec(vec(sample_log(), 1..8), 1..4)) {
        let mut encoder = LogsEncoder::new(&resource(), "trackside", "1.2.3");
        for batch in &batches {
            batch.iter().for_each(|log| encoder.log(log));
            let (Read::Logs(read), _) = read(&encoder.finish()) else { panic!("logs") };
            let expected = expected_request(batch);
            prop_assert_eq!(format!("{read:?}"), format!("{expected:?}"));
        }
    }

    #[test]
    fn every_field_of_a_metric(batches in vec(vec(scope_metrics(), 1..4), 1..4)) {
        let mut encoder = MetricsEncoder::new(&resource());
        for batch in batches {
            for group in &batch {
                group.metrics.iter().for_each(|metric| encoder.metric(&view_of(group, metric)));
            }
            let (Read::Metrics(read), _) = read(&encoder.finish()) else { panic!("metrics") };
            let expected = ResourceMetrics {
                resource: Some(expected_resource()),
                scope_metrics: batch,
                schema_url: String::new(),
            };
            prop_assert_eq!(format!("{:?}", read.resource_metrics), format!("{:?}", [expected]));
        }
    }

    /// Many resources and scopes, in their order, equal ones apart, empty ones there.
    #[test]
    fn a_stream_stays_as_it_came(
        resources in vec((sample_attributes(), vec(scope_metrics(), 0..3)), 0..4),
        empty in any::<bool>(),
    ) {
        let mut encoder = StreamEncoder::metrics();
        let mut expected = Vec::new();
        let mut items = 0;
        for (attributes, mut groups) in resources {
            if empty {
                groups.extend(groups.first().cloned());
                groups.push(ScopeMetrics {
                    scope: Some(InstrumentationScope::default()),
                    ..ScopeMetrics::default()
                });
            }
            let own = expected_attributes(&attributes);
            let keys = attributes.pairs.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>();
            encoder.begin_resource(&Resource {
                attributes: pairs(&own),
                dropped_attributes: attributes.dropped,
                entity_refs: vec![EntityRef {
                    schema_url: "entity",
                    kind: "host",
                    id_keys: keys.clone(),
                    description_keys: Vec::new(),
                }],
                schema_url: "resource",
            });
            for group in &groups {
                let scope = group.scope.as_ref().unwrap();
                encoder.begin_scope(&Scope {
                    name: &scope.name,
                    version: &scope.version,
                    schema_url: &group.schema_url,
                    attributes: pairs(&scope.attributes),
                    dropped_attributes: scope.dropped_attributes_count,
                });
                for metric in &group.metrics {
                    encoder.metric(&view_of(group, metric));
                    items += points(metric);
                }
            }
            expected.push(ResourceMetrics {
                resource: Some(ProstResource {
                    attributes: own.clone(),
                    dropped_attributes_count: attributes.dropped,
                    entity_refs: vec![ProstEntityRef {
                        schema_url: "entity".into(),
                        r#type: "host".into(),
                        id_keys: keys.iter().map(ToString::to_string).collect(),
                        description_keys: Vec::new(),
                    }],
                }),
                scope_metrics: groups,
                schema_url: "resource".into(),
            });
        }
        prop_assert_eq!(encoder.items(), items);
        let (Read::Metrics(read), _) = read(&encoder.finish()) else { panic!("metrics") };
        prop_assert_eq!(format!("{:?}", read.resource_metrics), format!("{expected:?}"));
    }
}

#[test]
fn an_empty_batch_is_an_empty_message() {
    let traces = TraceEncoder::new(&resource(), "a", "1").finish();
    let (Read::Traces(read_traces), _) = read(&traces) else { panic!("traces") };
    assert!(read_traces.resource_spans.is_empty());
    let logs = LogsEncoder::new(&resource(), "a", "1").finish();
    assert!(matches!(read(&logs).0, Read::Logs(read) if read.resource_logs.is_empty()));
    let metrics = MetricsEncoder::new(&[]).finish();
    assert!(matches!(read(&metrics).0, Read::Metrics(read) if read.resource_metrics.is_empty()));
    let stream = StreamEncoder::logs().finish();
    assert!(matches!(read(&stream).0, Read::Logs(read) if read.resource_logs.is_empty()));
    let scoped = ScopedEncoder::new(&Resource::default()).finish();
    assert!(matches!(read(&scoped).0, Read::Unset));
}

#[test]
fn all_scopes_arrive_each_with_its_spans() {
    let span = |scope: &str, name: &str| SampleSpan {
        scope: scope.into(),
        name: name.into(),
        ..SampleSpan::default()
    };
    let mut encoder = TraceEncoder::new(&resource(), "trackside", "1.2.3");
    let spans = [("a\0v1", "1"), ("", "2"), ("b", "3"), ("a\0v1", "4"), ("", "5"), ("a", "6")];
    for _ in 0..2 {
        spans.iter().for_each(|(scope, name)| encoder.span(&span(scope, name)));
        let expected = ["a v1: 1 4", "trackside 1.2.3: 2 5", "b : 3", "a : 6"];
        assert_eq!(groups(&encoder.finish()), expected);
    }
    encoder.span(&span("b", "1"));
    assert_eq!(groups(&encoder.finish()), ["b : 1"]);
}

fn add(encoder: &mut impl ScopedSpans, scope: &Scope<'_>, span: &SampleSpan) {
    let number = encoder.scope(scope);
    encoder.span(number, span);
}

#[test]
fn scopes_of_an_sdk_that_are_equal_are_one() {
    let span = |name: &str| SampleSpan { name: name.into(), ..SampleSpan::default() };
    let list = vec![SampleValue::I64(1), SampleValue::Str("x".into())];
    let other = vec![SampleValue::I64(1), SampleValue::Str("y".into())];
    let longer = vec![SampleValue::I64(1), SampleValue::Str("x".into()), SampleValue::Empty];
    let scope = |list| Scope { attributes: vec![("list", Any::Array(list))], ..Scope::default() };
    let fill = |encoder: &mut dyn FnMut(Scope<'_>, SampleSpan)| {
        for (name, list) in [("1", &list), ("2", &other), ("3", &list), ("4", &longer)] {
            encoder(scope(list), span(name));
        }
        encoder(Scope { dropped_attributes: 1, ..scope(&list) }, span("5"));
        encoder(Scope { schema_url: "s", ..scope(&list) }, span("6"));
        encoder(scope(&other), span("7"));
    };
    let mut rows = ScopedEncoder::new(&Resource::default());
    let mut columns = ScopedColumns::new(&Resource::default());
    for _ in 0..2 {
        fill(&mut |scope, span| add(&mut rows, &scope, &span));
        fill(&mut |scope, span| add(&mut columns, &scope, &span));
        let columns = to_rows(&columns.finish()).expect("our own columns");
        for message in [&rows.finish()[..], &columns] {
            assert_eq!(groups(message), [" : 1 3", " : 2 7", " : 4", " : 5", " : 6"]);
        }
    }
}

#[test]
fn items_before_a_scope_have_an_empty_one() {
    let mut encoder = StreamEncoder::traces();
    encoder.span(&SampleSpan { name: "1".into(), ..SampleSpan::default() });
    encoder.begin_resource(&Resource::default());
    encoder.span(&SampleSpan { name: "2".into(), ..SampleSpan::default() });
    assert_eq!(groups(&encoder.finish()), [" : 1", " : 2"]);
}

#[test]
fn values_are_cut_where_readers_would_stop() {
    let arrays =
        |depth| (0..depth).fold(SampleValue::I64(1), |inner, _| SampleValue::Array(vec![inner]));
    let maps = |depth| {
        let wrap = |inner, _| SampleValue::Map(vec![("k".into(), inner)]);
        (0..depth).fold(SampleValue::I64(1), wrap)
    };
    let body_of = |value: SampleValue| {
        let mut encoder = LogsEncoder::new(&[], "", "");
        let pairs = vec![("deep".into(), value.clone())];
        let attributes = SampleAttributes { pairs, dropped: 0 };
        encoder.log(&SampleLog { body: Some(value), attributes, ..SampleLog::default() });
        let (Read::Logs(read), _) = read(&encoder.finish()) else { panic!("logs") };
        let log = read.resource_logs[0].scope_logs[0].log_records[0].clone();
        assert_eq!(log.attributes[0].value, log.body);
        log.body.unwrap()
    };
    let inner = |value: &AnyValue| match &value.value {
        Some(any_value::Value::ArrayValue(array)) => array.values.first().cloned(),
        Some(any_value::Value::KvlistValue(map)) => {
            map.values.first().and_then(|pair: &KeyValue| pair.value.clone())
        }
        _ => None,
    };
    let innermost = |value: SampleValue| {
        let mut value = body_of(value);
        let mut depth = 0;
        while let Some(next) = inner(&value) {
            (value, depth) = (next, depth + 1);
        }
        (depth, value.value)
    };
    let whole = (32, Some(any_value::Value::IntValue(1)));
    assert_eq!(innermost(arrays(32)), whole);
    assert_eq!(innermost(maps(32)), whole);
    assert_eq!(innermost(arrays(100)), (32, None));
    assert_eq!(innermost(maps(33)), (32, None));
}

#[test]
fn a_text_stands_there_once_and_is_forgotten_after_its_batch() {
    let mut encoder = TraceEncoder::new(&resource(), "trackside", "1.2.3");
    let texts_of = |encoder: &mut TraceEncoder, names: std::ops::Range<u32>| {
        for name in names.clone().chain(names) {
            encoder.span(&SampleSpan { name: format!("n{name}"), ..SampleSpan::default() });
        }
        read(&encoder.finish()).1.0
    };
    let first = texts_of(&mut encoder, 0..1000);
    let own: Vec<&str> = first[..7].iter().map(String::as_str).collect();
    let long = "r".repeat(200);
    assert_eq!(own, ["", "service.name", "checkout", "empty", "long", &long, "trackside"]);
    assert_eq!(first.len(), 7 + 1 + 1000);
    let second = texts_of(&mut encoder, 2000..2001);
    assert_eq!((second.len(), second.last().unwrap().as_str()), (9, "n2000"));
}

#[test]
fn a_message_knows_where_its_texts_are() {
    for (name, frame, _) in [golden::traces(), golden::logs(), golden::metrics()] {
        let (_, table) = read(&frame);
        let all: String = table.0.concat();
        let place = texts(&frame).unwrap();
        assert_eq!(place.len(), all.len().next_multiple_of(8), "{name}");
        assert_eq!(&frame[place][..all.len()], all.as_bytes(), "{name}");
    }
    let empty = StreamEncoder::traces().finish();
    assert!(texts(&empty).unwrap_or_default().is_empty(), "without texts there is none");
    for length in 0..empty.len() {
        assert!(texts(&empty[..length]).unwrap_or_default().is_empty(), "{length} bytes of it");
    }
}

fn expected_resource() -> ProstResource {
    let pairs = resource().into_iter().map(|(key, value)| (key, value.into())).collect();
    let attributes = expected_attributes(&SampleAttributes { pairs, dropped: 0 });
    ProstResource { attributes, ..ProstResource::default() }
}

/// Each scope with the names of its spans.
fn groups(message: &[u8]) -> Vec<String> {
    let (Read::Traces(read), _) = read(message) else { panic!("traces") };
    let groups = read.resource_spans.into_iter().flat_map(|one| one.scope_spans);
    let shown = groups.map(|group| {
        let scope = group.scope.unwrap_or_default();
        let names: Vec<_> = group.spans.iter().map(|span| span.name.as_str()).collect();
        format!("{} {}: {}", scope.name, scope.version, names.join(" "))
    });
    shown.collect()
}
