//! A call as a host writes it: a future with a name and four attributes, polled once.

use std::pin::pin;
use std::task::{Context, Waker};

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::{SdkTracer, SpanData};
use tracing::Instrument as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;
use trackside::telemetry::{self, Kind};

/// As its manual has it, with what the exporter's own client says kept out.
pub fn subscribe(tracer: SdkTracer) {
    let layer = tracing_opentelemetry::layer().with_tracer(tracer);
    tracing_subscriber::registry().with(LevelFilter::INFO).with(layer).init();
}

pub fn instrumented(from: SpanData) {
    let [_, method, peer, code] = &from.attributes[..] else { return };
    let call = telemetry::instrument(async {}, "rpc").with_kind(Kind::Server).with(|span| {
        span.set("rpc.system", "capnp")
            .set("rpc.method", text(method))
            .set("client.address", text(peer))
            .set("rpc.response.status_code", number(code));
    });
    once(call);
}

pub fn traced(from: SpanData) {
    let [_, method, peer, code] = &from.attributes[..] else { return };
    let span = tracing::info_span!(
        "rpc",
        otel.kind = "server",
        rpc.system = "capnp",
        rpc.method = text(method),
        client.address = text(peer),
        rpc.response.status_code = number(code)
    );
    once(async {}.instrument(span));
}

fn once(future: impl Future<Output = ()>) {
    let _ready = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
}

fn text(attribute: &KeyValue) -> &str {
    match &attribute.value {
        Value::String(text) => text.as_str(),
        _ => "",
    }
}

fn number(attribute: &KeyValue) -> i64 {
    match attribute.value {
        Value::I64(number) => number,
        _ => 0,
    }
}
