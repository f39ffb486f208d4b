//! The lines of a file, read back with OpenTelemetry's own types.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message;
use serde::de::DeserializeOwned;

use super::prost_samples;
use super::prost_source::Source;
use crate::encode::json::JsonEncoder;
use crate::encode::json::tests::{hide, shown};

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
