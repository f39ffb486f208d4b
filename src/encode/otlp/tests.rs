//! What we write, read back by prost with OpenTelemetry's own schema.

pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod metrics_view;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status, span, status::StatusCode,
};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

use super::TraceEncoder;
use crate::encode::sample::arbitrary::{plain_span, sample_span};
use crate::encode::sample::{SampleAttributes, SampleSpan, SampleStatus, SampleValue};
use crate::telemetry::Kind;

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Every field arrives, and the bytes are prost's own: minimal lengths, fields in order.
    #[test]
    fn prost_reads_what_was_written(batches in vec(vec(sample_span(), 0..8), 1..4)) {
        let mut encoder = TraceEncoder::new(&resource(), "trackside", "1.2.3");
        for batch in &batches {
            assert_request(&mut encoder, batch)?;
        }
    }

    #[test]
    fn batches_of_many_spans(spans in vec(plain_span(), 0..50)) {
        assert_request(&mut TraceEncoder::new(&[], "", ""), &spans)?;
    }
}

#[test]
fn lengths_at_the_edges_of_varints() {
    let mut encoder = TraceEncoder::new(&resource(), "trackside", "1.2.3");
    let around = |edge: usize, before: usize| edge.saturating_sub(before)..edge + 4;
    // The span's length, then the two outer ones, cross an edge a little before the name's does.
    for length in around(0x80, 400).chain(around(0x4000, 400)).chain(around(0x20_0000, 50)) {
        let span = SampleSpan { name: "n".repeat(length), ..SampleSpan::default() };
        assert_request(&mut encoder, &[span]).unwrap();
    }
}

#[test]
fn key_values_at_the_edges_of_what_is_short() {
    let mut encoder = TraceEncoder::new(&resource(), "trackside", "1.2.3");
    let mut assert_values = |key: usize, values: Vec<SampleValue>| {
        let pairs = values.into_iter().map(|value| ("k".repeat(key), value)).collect();
        let attributes = SampleAttributes { pairs, dropped: 0 };
        let span = SampleSpan { attributes, ..SampleSpan::default() };
        assert_request(&mut encoder, &[span]).unwrap();
    };
    let letters: String = ('a'..='z').cycle().take(140).collect();
    let numbers = (0..63).flat_map(|bits| [(1 << bits) - 1, 1 << bits, -(1 << bits)]);
    let numbers: Vec<i64> = numbers.chain([i64::MIN, i64::MAX]).collect();
    for key in (0..20).chain(30..36).chain(62..68).chain(100..140) {
        let text = |length| SampleValue::Str(letters[..length].to_owned());
        assert_values(key, (0..letters.len()).map(text).collect());
        let others = [SampleValue::Empty, SampleValue::Bool(false), SampleValue::Bool(true)];
        let doubles = [0.0, -1.5, f64::MAX].map(SampleValue::F64);
        let numbers = numbers.iter().map(|number| SampleValue::I64(*number));
        assert_values(key, numbers.chain(others).chain(doubles).collect());
    }
}

#[test]
fn arrays_are_cut_where_decoders_would_stop() {
    let nested = |depth| {
        let value = SampleValue::Array(vec![SampleValue::I64(1)]);
        let value = (1..depth).fold(value, |inner, _| SampleValue::Array(vec![inner]));
        SampleSpan {
            attributes: SampleAttributes { pairs: vec![("deep".into(), value)], dropped: 0 },
            ..SampleSpan::default()
        }
    };
    let mut encoder = TraceEncoder::new(&[], "", "");
    assert_request(&mut encoder, &[nested(32)]).unwrap();

    encoder.span(&nested(100));
    let request = ExportTraceServiceRequest::decode(encoder.finish()).unwrap();
    let mut value = request.resource_spans[0].scope_spans[0].spans[0].attributes[0].value.clone();
    let mut depth = 0;
    while let Some(any_value::Value::ArrayValue(array)) = value.clone().unwrap().value {
        depth += 1;
        value = array.values.into_iter().next();
    }
    assert_eq!((depth, value), (32, Some(AnyValue { value: None })));
}

#[test]
fn a_dropped_request_lends_its_memory_to_the_next() {
    let mut encoder = TraceEncoder::new(&resource(), "trackside", "1.2.3");
    let span = SampleSpan { name: "work".repeat(100), ..SampleSpan::default() };
    let mut request = || {
        encoder.span(&span);
        encoder.finish()
    };

    let first = request();
    let address = first.as_ptr();
    let second = request();
    assert_ne!(second.as_ptr(), address, "the first is still held");
    assert_eq!(first, second);

    let address = second.as_ptr();
    drop(second);
    assert_eq!(request().as_ptr(), address);
}

fn assert_request(encoder: &mut TraceEncoder, spans: &[SampleSpan]) -> Result<(), TestCaseError> {
    prop_assert!(encoder.is_empty());
    for span in spans {
        encoder.span(span);
    }
    prop_assert_eq!(encoder.spans() as usize, spans.len());
    let length = encoder.len();
    let bytes: Bytes = encoder.finish();
    prop_assert_eq!(length, bytes.len());

    let decoded = ExportTraceServiceRequest::decode(bytes.clone());
    let decoded = decoded.map_err(|error| TestCaseError::fail(error.to_string()))?;
    let expected = expected_spans(spans);
    // By their text, since NaN differs from itself.
    prop_assert_eq!(
        format!("{:?}", decoded.resource_spans[0].scope_spans[0].spans),
        format!("{expected:?}")
    );
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: expected,
                ..decoded.resource_spans[0].scope_spans[0].clone()
            }],
            ..decoded.resource_spans[0].clone()
        }],
    };
    prop_assert!(request.encode_to_vec() == bytes, "not the canonical bytes");
    Ok(())
}

#[test]
fn a_scope_for_each_library_behind_the_own() {
    let span = |scope: &str, name: &str| SampleSpan {
        scope: scope.into(),
        name: name.into(),
        ..SampleSpan::default()
    };
    let mut encoder = TraceEncoder::new(&resource(), "trackside", "1.2.3");
    let mut request = |spans: &[(&str, &str)]| {
        spans.iter().for_each(|(scope, name)| encoder.span(&span(scope, name)));
        let bytes = encoder.finish();
        let request = ExportTraceServiceRequest::decode(bytes.clone()).unwrap();
        assert!(request.encode_to_vec() == bytes, "not the canonical bytes");
        let groups = request.resource_spans.into_iter().flat_map(|one| one.scope_spans);
        groups
            .map(|group| {
                let scope = group.scope.unwrap_or_default();
                let names: Vec<_> = group.spans.iter().map(|span| span.name.as_str()).collect();
                format!("{} {}: {}", scope.name, scope.version, names.join(" "))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        request(&[("a\0v1", "1"), ("", "2"), ("b", "3"), ("a\0v1", "4"), ("", "5"), ("a", "6")]),
        ["trackside 1.2.3: 2 5", "a v1: 1 4", "b : 3", "a : 6"]
    );
    assert_eq!(request(&[("b", "1")]), ["b : 1"]);
    assert_eq!(request(&[("c", "1"), ("b", "2"), ("c", "3")]), ["c : 1 3", "b : 2"]);
    assert_eq!(request(&[("", "1")]), ["trackside 1.2.3: 1"]);
}

#[test]
fn batches_that_are_alike_take_no_memory() {
    let mut encoder = TraceEncoder::new(&resource(), "trackside", "1.2.3");
    let scopes = ["", "a", "b\0v1"].map(|scope| SampleSpan {
        scope: scope.into(),
        name: "work".repeat(100),
        ..SampleSpan::default()
    });
    let mut batch = || {
        scopes.iter().cycle().take(30).for_each(|span| encoder.span(span));
        drop(encoder.finish());
    };
    (0..2).for_each(|_| batch());
    assert_eq!(allocation_counter::measure(batch).count_total, 0);
}

#[test]
fn resource_and_scope_stand_before_the_spans() {
    let mut encoder = TraceEncoder::new(&resource(), "trackside", "1.2.3");
    encoder.span(&SampleSpan::default());
    let request = ExportTraceServiceRequest::decode(encoder.finish()).unwrap();
    let [resource_spans] = &request.resource_spans[..] else { panic!("one ResourceSpans") };
    let attribute = |(key, value): (String, String)| KeyValue {
        key,
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(value)) }),
        ..KeyValue::default()
    };
    assert_eq!(
        resource_spans.resource,
        Some(Resource {
            attributes: resource().into_iter().map(attribute).collect(),
            ..Resource::default()
        })
    );
    let [scope_spans] = &resource_spans.scope_spans[..] else { panic!("one ScopeSpans") };
    assert_eq!(
        scope_spans.scope,
        Some(InstrumentationScope {
            name: "trackside".into(),
            version: "1.2.3".into(),
            ..InstrumentationScope::default()
        })
    );
    assert_eq!(scope_spans.spans.len(), 1);
}

pub(in crate::encode) fn resource() -> Vec<(String, String)> {
    vec![
        ("service.name".into(), "checkout".into()),
        ("empty".into(), String::new()),
        ("long".into(), "r".repeat(200)),
    ]
}

fn expected_spans(spans: &[SampleSpan]) -> Vec<Span> {
    spans.iter().map(expected_span).collect()
}

pub(in crate::encode) fn expected_span(span: &SampleSpan) -> Span {
    Span {
        trace_id: id(&span.trace.to_be_bytes()),
        span_id: id(&span.span.to_be_bytes()),
        trace_state: span.trace_state.clone(),
        parent_span_id: id(&span.parent.to_be_bytes()),
        flags: match span.numbers {
            Some((_, flags, _)) => flags,
            None => expected_flags(span.trace_flags, span.parent_is_remote),
        },
        name: span.name.clone(),
        kind: match (span.numbers, span.kind) {
            (Some((kind, ..)), _) => kind,
            (None, Kind::Internal) => span::SpanKind::Internal.into(),
            (None, Kind::Server) => span::SpanKind::Server.into(),
            (None, Kind::Client) => span::SpanKind::Client.into(),
            (None, Kind::Producer) => span::SpanKind::Producer.into(),
            (None, Kind::Consumer) => span::SpanKind::Consumer.into(),
        },
        start_time_unix_nano: span.start,
        end_time_unix_nano: span.end,
        attributes: expected_attributes(&span.attributes),
        dropped_attributes_count: span.attributes.dropped,
        events: span
            .events
            .iter()
            .map(|event| span::Event {
                time_unix_nano: event.time,
                name: event.name.clone(),
                attributes: expected_attributes(&event.attributes),
                dropped_attributes_count: event.attributes.dropped,
            })
            .collect(),
        dropped_events_count: span.dropped_events,
        links: span
            .links
            .iter()
            .map(|link| span::Link {
                trace_id: id(&link.trace.to_be_bytes()),
                span_id: id(&link.span.to_be_bytes()),
                trace_state: link.trace_state.clone(),
                attributes: expected_attributes(&link.attributes),
                dropped_attributes_count: link.attributes.dropped,
                flags: expected_flags(link.trace_flags, link.is_remote),
            })
            .collect(),
        dropped_links_count: span.dropped_links,
        status: expected_status(span),
    }
}

/// One that says nothing is left out.
fn expected_status(span: &SampleSpan) -> Option<Status> {
    let (code, message) = match &span.status {
        SampleStatus::Unset => (StatusCode::Unset, ""),
        SampleStatus::Ok => (StatusCode::Ok, ""),
        SampleStatus::Error(message) => (StatusCode::Error, message.as_str()),
    };
    let code = span.numbers.map_or_else(|| code.into(), |(.., code)| code);
    let status = Status { message: message.into(), code };
    (status != Status::default()).then_some(status)
}

/// Zero is none.
fn id(bytes: &[u8]) -> Vec<u8> {
    if bytes.iter().all(|byte| *byte == 0) { Vec::new() } else { bytes.to_vec() }
}

fn expected_flags(trace_flags: u8, remote: bool) -> u32 {
    u32::from(trace_flags) + 256 + if remote { 512 } else { 0 }
}

pub(in crate::encode) fn expected_attributes(attributes: &SampleAttributes) -> Vec<KeyValue> {
    expected_pairs(&attributes.pairs)
}

fn expected_pairs(pairs: &[(String, SampleValue)]) -> Vec<KeyValue> {
    let key_value = |(key, value): &(String, SampleValue)| KeyValue {
        key: key.clone(),
        value: Some(expected_value(value)),
        ..KeyValue::default()
    };
    pairs.iter().map(key_value).collect()
}

fn expected_value(value: &SampleValue) -> AnyValue {
    let value = match value {
        SampleValue::Empty => return AnyValue { value: None },
        SampleValue::Bool(value) => any_value::Value::BoolValue(*value),
        SampleValue::I64(value) => any_value::Value::IntValue(*value),
        SampleValue::F64(value) => any_value::Value::DoubleValue(*value),
        SampleValue::Str(value) => any_value::Value::StringValue(value.clone()),
        SampleValue::Bytes(value) => any_value::Value::BytesValue(value.clone()),
        SampleValue::Array(values) => any_value::Value::ArrayValue(ArrayValue {
            values: values.iter().map(expected_value).collect(),
        }),
        SampleValue::Map(entries) => {
            any_value::Value::KvlistValue(KeyValueList { values: expected_pairs(entries) })
        }
    };
    AnyValue { value: Some(value) }
}
