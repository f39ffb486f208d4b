//! OTLP to rows and back is the identity.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::prelude::*;
use prost::Message;

use super::hand_made::{Envelope, LIMITS, PLAIN, take, take_within};
use super::prost_samples;
use super::prost_source::Source;
use crate::encode::capnp::StreamEncoder;
use crate::encode::capnp::columns::{ColumnsStream, to_rows};
use crate::encode::otlp::Request;
use crate::encode::view::{BatchSink, LogView, MetricView, Resource, Scope, SpanView};
use crate::receive::rows::Limits;
use crate::schema::ingest_capnp::batch::Signal;
use crate::schema::ingest_capnp::frame::Format;

impl BatchSink for StreamEncoder {
    fn begin_resource(&mut self, resource: &Resource<'_>) {
        self.begin_resource(resource);
    }
    fn begin_scope(&mut self, scope: &Scope<'_>) {
        self.begin_scope(scope);
    }
    fn span(&mut self, span: &impl SpanView) {
        self.span(span);
    }
    fn log(&mut self, log: &impl LogView) {
        self.log(log);
    }
    fn metric(&mut self, metric: &MetricView<'_>) {
        self.metric(metric);
    }
}

impl BatchSink for ColumnsStream {
    fn begin_resource(&mut self, resource: &Resource<'_>) {
        self.begin_resource(resource);
    }
    fn begin_scope(&mut self, scope: &Scope<'_>) {
        self.begin_scope(scope);
    }
    fn span(&mut self, span: &impl SpanView) {
        self.span(span);
    }
    fn log(&mut self, _: &impl LogView) {}
    fn metric(&mut self, _: &MetricView<'_>) {}
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn traces(request in prost_samples::traces()) {
        assert_identity(&request, Signal::Traces, StreamEncoder::traces())?;
    }

    #[test]
    fn traces_as_columns(request in prost_samples::traces()) {
        assert_identity_of_columns(&request)?;
    }

    #[test]
    fn metrics(request in prost_samples::metrics()) {
        assert_identity(&request, Signal::Metrics, StreamEncoder::metrics())?;
    }

    #[test]
    fn logs(request in prost_samples::logs()) {
        assert_identity(&request, Signal::Logs, StreamEncoder::logs())?;
    }
}

#[test]
fn requests_of_nothing() {
    let none = ExportTraceServiceRequest::default();
    assert_identity(&none, Signal::Traces, StreamEncoder::traces()).unwrap();
    assert_identity_of_columns(&none).unwrap();
    let none = ExportMetricsServiceRequest::default();
    assert_identity(&none, Signal::Metrics, StreamEncoder::metrics()).unwrap();
    let none = ExportLogsServiceRequest::default();
    assert_identity(&none, Signal::Logs, StreamEncoder::logs()).unwrap();
}

/// Our own encoder leaves out what lies deeper than a batch may have it: the batch is taken.
#[test]
fn the_deepest_that_is_sent() {
    let read = |wrap: &dyn Fn(AnyValue) -> any_value::Value| {
        let deepest = AnyValue { value: Some(any_value::Value::IntValue(1)) };
        let value = (0..40).fold(deepest, |inner, _| AnyValue { value: Some(wrap(inner)) });
        let pair = KeyValue { key: "deep".into(), value: Some(value), ..KeyValue::default() };
        let mut encoder = StreamEncoder::traces();
        encoder.span(&Span { attributes: vec![pair], ..Span::default() });
        let payload = take(PLAIN, &encoder.finish()).unwrap();
        payload.read(|rows| rows.cut_values()).unwrap()
    };
    let array = |inner| any_value::Value::ArrayValue(ArrayValue { values: vec![inner] });
    assert_eq!(read(&array), 0);
    let map = |inner| {
        let entry = KeyValue { value: Some(inner), ..KeyValue::default() };
        any_value::Value::KvlistValue(KeyValueList { values: vec![entry] })
    };
    assert_eq!(read(&map), 32 - 21, "OTLP's decoders stop behind 21 maps");
}

/// Through columns, and through columns that are made rows on the way, `from` has its own bytes.
fn assert_identity_of_columns(from: &ExportTraceServiceRequest) -> Result<(), TestCaseError> {
    let mut encoder = ColumnsStream::new();
    // The second batch of an encoder knows nothing of the first.
    for _ in 0..2 {
        from.lend(&mut encoder);
        let message = encoder.finish();
        let columns = Envelope { items: from.items(), format: Format::Columns, ..PLAIN };
        assert_comes_back(from, columns, &message)?;
        let rows = to_rows(&message).map_err(|error| TestCaseError::fail(error.to_string()))?;
        assert_comes_back(from, Envelope { items: from.items(), ..PLAIN }, &rows)?;
    }
    Ok(())
}

/// Written as OTLP straight away, and through rows, `from` has prost's own bytes. (Compared as structs, a
/// NaN would differ from itself.)
fn assert_identity(
    from: &(impl Source + Message),
    signal: Signal,
    mut encoder: StreamEncoder,
) -> Result<(), TestCaseError> {
    let expected = from.encode_to_vec();
    let mut request = Request::with_capacity(0);
    from.lend(&mut request);
    prop_assert!(expected == request.finish(), "not prost's bytes");

    from.lend(&mut encoder);
    assert_comes_back(from, Envelope { signal, items: from.items(), ..PLAIN }, &encoder.finish())
}

fn assert_comes_back(
    from: &impl Message,
    envelope: Envelope,
    message: &[u8],
) -> Result<(), TestCaseError> {
    let expected = from.encode_to_vec();
    let limits = Limits { uncompressed_bytes: 64 << 20, ..LIMITS };
    let payload = take_within(envelope, message, &limits);
    let payload = payload.map_err(|refusal| TestCaseError::fail(refusal.to_string()))?;
    let read = payload.read(|rows| (rows.to_otlp(), rows.otlp_bytes(), rows.cut_values()));
    let (request, bound, cut) = read.map_err(|refusal| TestCaseError::fail(refusal.to_string()))?;
    prop_assert!(expected == request, "not what was sent");
    prop_assert_eq!(cut, 0);
    let length = request.len() as u64;
    prop_assert!(bound >= length, "{} bytes, and {} were expected at most", length, bound);
    Ok(())
}
