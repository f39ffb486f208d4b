//! Task D: finished spans of ten attributes to the bytes of a request, in batches. An operation is one span.

use std::borrow::Cow;
use std::cell::RefCell;
use std::hint::black_box;

use opentelemetry::Value;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;
use trackside::measuring::{Columns, Otlp, Records};
use trackside::telemetry::{self, Kind};

use crate::case::Case;
use crate::harness::{BATCH, BURST, Mode, Variant, delivered, measure};
use crate::spans::{self, Numbers};

const CASE: Case = Case { batch: BATCH, attributes: 10, with_events: false };

pub fn variants() -> Vec<Variant> {
    vec![
        Variant { name: "trackside, OTLP", run: |mode| otlp(mode, &records()) },
        Variant { name: "trackside, Cap'n Proto columns", run: columns },
        Variant {
            name: "trackside, OTLP, recorded by the API",
            run: |mode| otlp(mode, &api_records()),
        },
        Variant { name: "opentelemetry-otlp", run: stock },
    ]
}

/// What is encoded: the same by all.
fn batch() -> Vec<SpanData> {
    spans::batch(CASE, &mut Numbers::new(7))
}

/// In their order.
const KEYS: [&str; CASE.attributes] = [
    "rpc.system",
    "rpc.method",
    "client.address",
    "rpc.response.status_code",
    "rpc.service",
    "server.address",
    "server.port",
    "network.transport",
    "network.type",
    "request.id",
];

/// The same as records, as they come out of a ring.
fn records() -> Records {
    let records = Records::of(|| batch().iter().for_each(record));
    assert_eq!(records.len(), BATCH);
    records
}

fn record(from: &SpanData) {
    let Cow::Borrowed(name) = from.name else { panic!("its names are in the program") };
    let _ended = telemetry::span(name).with_kind(Kind::Server).with(|span| {
        for (key, attribute) in KEYS.into_iter().zip(&from.attributes) {
            assert_eq!(key, attribute.key.as_str());
            match &attribute.value {
                Value::String(text) => span.set(key, text.as_str()),
                Value::I64(number) => span.set(key, *number),
                other => panic!("{key} is {other:?}"),
            };
        }
    });
}

/// The same by the OpenTelemetry API, whose spans name their scope.
fn api_records() -> Records {
    let tracer = trackside::otel::tracer_provider().tracer("shop.rpc");
    let records = Records::of(|| {
        for from in batch() {
            let mut builder = tracer.span_builder(from.name);
            builder.span_kind = Some(from.span_kind);
            builder.attributes = Some(from.attributes);
            tracer.build(builder).end();
        }
    });
    assert_eq!(records.len(), BATCH);
    records
}

fn resource() -> Vec<(String, String)> {
    let pair = |(key, value): (&opentelemetry::Key, &opentelemetry::Value)| {
        (key.to_string(), value.to_string())
    };
    spans::resource().iter().map(pair).collect()
}

fn otlp(mode: Mode, records: &Records) {
    thread_local! {
        static ENCODER: RefCell<Otlp> = RefCell::new(Otlp::new(&resource()));
    }
    let encode = || ENCODER.with_borrow_mut(|encoder| encoder.encode(records));
    let request = ExportTraceServiceRequest::decode(encode()).expect("it is a request");
    assert_eq!(spans_of(&request), BATCH);
    let work = |operations: usize| {
        for _ in 0..operations / BATCH {
            black_box(encode());
            delivered(BATCH);
        }
    };
    measure(mode, 1, &work, &|| {});
}

fn columns(mode: Mode) {
    thread_local! {
        static ENCODER: RefCell<Columns> = RefCell::new(Columns::new(&resource()));
    }
    let records = records();
    let work = |operations: usize| {
        for _ in 0..operations / BATCH {
            black_box(ENCODER.with_borrow_mut(|encoder| encoder.encode(&records)));
            delivered(BATCH);
        }
    };
    measure(mode, 1, &work, &|| {});
}

/// As its exporter over HTTP does it. It takes the spans apart, so they are made anew where nothing is timed.
fn stock(mode: Mode) {
    thread_local! {
        static PREPARED: RefCell<Vec<Vec<SpanData>>> = const { RefCell::new(Vec::new()) };
    }
    let batch = batch();
    let resource = ResourceAttributesWithSchema::from(&spans::resource());
    let prepare = || {
        PREPARED.with_borrow_mut(|prepared| {
            while prepared.len() < BURST / BATCH {
                prepared.push(batch.clone());
            }
        });
    };
    let request = |batch| ExportTraceServiceRequest {
        resource_spans: group_spans_by_resource_and_scope(batch, &resource),
    };
    assert_eq!(spans_of(&request(batch.clone())), BATCH);
    prepare();
    let work = |operations: usize| {
        for _ in 0..operations / BATCH {
            let prepared = PREPARED.with_borrow_mut(Vec::pop);
            let request = request(prepared.unwrap_or_else(|| batch.clone()));
            black_box(request.encode_to_vec());
            delivered(BATCH);
        }
    };
    measure(mode, 1, &work, &prepare);
}

fn spans_of(request: &ExportTraceServiceRequest) -> usize {
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    scopes.map(|scope| scope.spans.len()).sum()
}
