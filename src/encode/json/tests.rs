//! What we write, read back with OpenTelemetry's own types.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::JsonEncoder;
use crate::receive::rows::tests::prost_samples;
use crate::receive::rows::tests::prost_source::Source;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn traces_are_read_back(request in prost_samples::traces()) {
        assert_same::<ExportTraceServiceRequest>(JsonEncoder::traces(), &request)?;
    }

    #[test]
    fn logs_are_read_back(request in prost_samples::logs()) {
        assert_same::<ExportLogsServiceRequest>(JsonEncoder::logs(), &request)?;
    }

    #[test]
    fn metrics_are_read_back(request in prost_samples::metrics()) {
        assert_same::<ExportMetricsServiceRequest>(JsonEncoder::metrics(), &request)?;
    }
}

/// One line, and nothing is changed by it. Bytes are compared, since NaN is not itself.
fn assert_same<T: Message + DeserializeOwned>(
    mut encoder: JsonEncoder,
    from: &(impl Source + Message),
) -> Result<(), TestCaseError> {
    from.lend(&mut encoder);
    let line = encoder.finish();
    let text = std::str::from_utf8(&line).unwrap();
    prop_assert_eq!(text.matches('\n').count(), 1);
    let mut json = serde_json::from_str(text).unwrap();
    hide(&mut json);
    let read: T = serde_json::from_value(json)
        .map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
    prop_assert!(shown(read.encode_to_vec()) == shown(from.encode_to_vec()), "{}", text);
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

fn hide(json: &mut Value) {
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
fn shown(mut bytes: Vec<u8>) -> Vec<u8> {
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

#[test]
fn a_line_by_hand() {
    let request = crate::receive::tests::request("shop", &[1]);
    let mut encoder = JsonEncoder::traces();
    request.lend(&mut encoder);
    assert_eq!(
        encoder.finish(),
        concat!(
            r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","#,
            r#""value":{"stringValue":"shop"}}]},"scopeSpans":[{"scope":{},"spans":["#,
            r#"{"traceId":"00000000000000000000000000000007","spanId":"0000000000000001","#,
            r#""name":"span 1","startTimeUnixNano":"1000000","endTimeUnixNano":"2000000"}"#,
            "]}]}]}\n"
        )
        .as_bytes()
    );
    assert_eq!(encoder.finish(), "{\"resourceSpans\":[]}\n".as_bytes(), "ready for the next");
}
