//! Log records: what we write, read back by prost.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

use super::{expected_attributes, expected_value, id, resource};
use crate::encode::otlp::LogsEncoder;
use crate::encode::sample::arbitrary::sample_log;
use crate::encode::sample::{SampleAttributes, SampleLog};

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Every field arrives, and the bytes are prost's own: minimal lengths, fields in order.
    #[test]
    fn prost_reads_what_was_written(batches in vec(vec(sample_log(), 0..8), 1..4)) {
        let mut encoder = LogsEncoder::new(&resource(), "trackside", "1.2.3");
        for batch in &batches {
            assert_request(&mut encoder, batch)?;
        }
    }
}

#[test]
fn lengths_at_the_edges_of_varints() {
    let mut encoder = LogsEncoder::new(&resource(), "trackside", "1.2.3");
    let around = |edge: usize, before: usize| edge.saturating_sub(before)..edge + 4;
    for length in around(0x80, 100).chain(around(0x4000, 400)).chain(around(0x20_0000, 50)) {
        let log = SampleLog { event_name: "n".repeat(length), ..SampleLog::default() };
        assert_request(&mut encoder, &[log]).unwrap();
    }
}

#[test]
fn a_scope_for_each_logger_in_the_order_of_their_first_records() {
    let log = |scope: &str, time| SampleLog { scope: scope.into(), time, ..SampleLog::default() };
    let mut encoder = LogsEncoder::new(&[], "trackside", "1.2.3");
    for (name, time) in [("b", 1), ("", 2), ("a", 3), ("b", 4), ("", 5)] {
        encoder.log(&log(name, time));
    }
    let request = ExportLogsServiceRequest::decode(encoder.finish()).unwrap();
    let scopes = request.resource_logs[0].scope_logs.iter().map(|group| {
        let scope = group.scope.clone().unwrap_or_default();
        let times: Vec<u64> = group.log_records.iter().map(|log| log.time_unix_nano).collect();
        (scope.name, scope.version, times)
    });
    let scope = |name: &str, version: &str, times: &[u64]| {
        (name.to_owned(), version.to_owned(), times.to_vec())
    };
    assert_eq!(
        scopes.collect::<Vec<_>>(),
        [scope("b", "", &[1, 4]), scope("trackside", "1.2.3", &[2, 5]), scope("a", "", &[3])]
    );
}

fn assert_request(encoder: &mut LogsEncoder, logs: &[SampleLog]) -> Result<(), TestCaseError> {
    prop_assert!(encoder.is_empty());
    for log in logs {
        encoder.log(log);
    }
    prop_assert_eq!(encoder.logs() as usize, logs.len());
    let bytes = encoder.finish();
    let decoded = ExportLogsServiceRequest::decode(bytes.clone());
    let decoded = decoded.map_err(|error| TestCaseError::fail(error.to_string()))?;
    let expected = expected_request(logs);
    // By their text, since NaN differs from itself.
    prop_assert_eq!(format!("{decoded:?}"), format!("{expected:?}"));
    prop_assert!(expected.encode_to_vec() == bytes, "not the canonical bytes");
    Ok(())
}

pub(in crate::encode) fn expected_request(logs: &[SampleLog]) -> ExportLogsServiceRequest {
    let mut scope_logs: Vec<ScopeLogs> = Vec::new();
    for log in logs {
        let (name, version) = match &*log.scope {
            "" => ("trackside", "1.2.3"),
            name => (name, ""),
        };
        let scope = Some(InstrumentationScope {
            name: name.into(),
            version: version.into(),
            ..InstrumentationScope::default()
        });
        let group = scope_logs.iter_mut().find(|group| group.scope == scope);
        match group {
            Some(group) => group.log_records.push(expected_log(log)),
            None => scope_logs.push(ScopeLogs {
                scope,
                log_records: vec![expected_log(log)],
                schema_url: String::new(),
            }),
        }
    }
    let pairs = resource().into_iter().map(|(key, value)| (key, value.into())).collect();
    let attributes = expected_attributes(&SampleAttributes { pairs, dropped: 0 });
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(Resource { attributes, ..Resource::default() }),
            scope_logs,
            schema_url: String::new(),
        }],
    }
}

pub(in crate::encode) fn expected_log(log: &SampleLog) -> LogRecord {
    LogRecord {
        time_unix_nano: log.time,
        observed_time_unix_nano: log.observed,
        severity_number: log.numbers.map_or_else(|| log.severity.into(), |(severity, _)| severity),
        severity_text: log.severity_text.clone(),
        body: log.body.as_ref().map(expected_value),
        attributes: expected_attributes(&log.attributes),
        dropped_attributes_count: log.attributes.dropped,
        flags: log.numbers.map_or_else(|| log.trace_flags.into(), |(_, flags)| flags),
        trace_id: id(&log.trace.to_be_bytes()),
        span_id: id(&log.span.to_be_bytes()),
        event_name: log.event_name.clone(),
    }
}
