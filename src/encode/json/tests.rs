//! What we write, read back with OpenTelemetry's own types.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::JsonBatch;
use crate::encode::otlp::tests::metrics::scope_metrics;
use crate::encode::otlp::tests::metrics_view::view_of;
use crate::encode::otlp::{LogsEncoder, MetricsEncoder, TraceEncoder};
use crate::encode::sample::arbitrary::{sample_log, sample_span};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Twice, so that nothing of one batch is left for the next.
    #[test]
    fn a_batch_of_spans_is_the_one_of_protobuf(mut spans in vec(sample_span(), 1..8)) {
        // Protobuf has the crate's own scope first, whatever came first.
        spans.sort_by_key(|span| !span.scope.is_empty());
        let resource = resource();
        let mut protobuf = TraceEncoder::new(&resource, "own", "1");
        let mut json = JsonBatch::traces(&resource.as_slice().into()).with_own_scope("own", "1");
        for _ in 0..2 {
            spans.iter().for_each(|span| {
                protobuf.span(span);
                json.span(span);
            });
            assert_equal::<ExportTraceServiceRequest>(&json.finish(), &protobuf.finish())?;
        }
    }

    #[test]
    fn a_batch_of_logs_is_the_one_of_protobuf(logs in vec(sample_log(), 1..8)) {
        let resource = resource();
        let mut protobuf = LogsEncoder::new(&resource, "own", "1");
        let mut json = JsonBatch::logs(&resource.as_slice().into()).with_own_scope("own", "1");
        for _ in 0..2 {
            logs.iter().for_each(|log| {
                protobuf.log(log);
                json.log(log);
            });
            assert_equal::<ExportLogsServiceRequest>(&json.finish(), &protobuf.finish())?;
        }
    }

    #[test]
    fn a_batch_of_metrics_is_the_one_of_protobuf(groups in vec(scope_metrics(), 1..4)) {
        let resource = resource();
        let mut protobuf = MetricsEncoder::new(&resource);
        let mut json = JsonBatch::metrics(&resource.as_slice().into());
        for group in &groups {
            for metric in group.metrics.iter().map(|metric| view_of(group, metric)) {
                if metric.points() > 0 {
                    protobuf.metric(&metric);
                    json.metric(&metric);
                }
            }
        }
        assert_equal::<ExportMetricsServiceRequest>(&json.finish(), &protobuf.finish())?;
    }
}

fn resource() -> [(String, String); 2] {
    [("service.name", "shop"), ("quoted", "\"\\\n")].map(|(key, value)| (key.into(), value.into()))
}

/// Both are the same request.
fn assert_equal<T: Message + DeserializeOwned + Default>(
    line: &[u8],
    protobuf: &[u8],
) -> Result<(), TestCaseError> {
    let text = std::str::from_utf8(line).unwrap();
    let mut json = serde_json::from_str(text).unwrap();
    hide(&mut json);
    let read: T = serde_json::from_value(json)
        .map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
    let expected = T::decode(protobuf).unwrap();
    prop_assert!(shown(read.encode_to_vec()) == shown(expected.encode_to_vec()), "{}", text);
    Ok(())
}

/// The names that the mapping has for what is no number, which those types cannot read; and numbers
/// that stand in for them.
const NAMED: [(&str, f64, f64); 3] = [
    ("NaN", f64::NAN, 1.234_567_890_123e-300),
    ("Infinity", f64::INFINITY, 1.234_567_890_124e-300),
    ("-Infinity", f64::NEG_INFINITY, 1.234_567_890_125e-300),
];
/// Where doubles stand.
const DOUBLES: [&str; 8] =
    ["doubleValue", "asDouble", "sum", "min", "max", "zeroThreshold", "quantile", "value"];

pub(crate) fn hide(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(_) if DOUBLES.contains(&&**name) => stand_in(value),
                    Value::Array(bounds) if name == "explicitBounds" => {
                        bounds.iter_mut().for_each(stand_in);
                    }
                    value => hide(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide),
        _ => {}
    }
}

fn stand_in(value: &mut Value) {
    if let Some((.., number)) = NAMED.iter().find(|(name, ..)| value == name) {
        *value = Value::from(*number);
    }
}

/// Takes the numbers that stand in for others out of protobuf again: a double has 8 bytes there.
pub(crate) fn shown(mut bytes: Vec<u8>) -> Vec<u8> {
    for (_, number, stand_in) in NAMED {
        let mut start = 0;
        while let Some(window) = bytes.get_mut(start..start + 8) {
            if window == stand_in.to_le_bytes() {
                window.copy_from_slice(&number.to_le_bytes());
            }
            start += 1;
        }
    }
    bytes
}
