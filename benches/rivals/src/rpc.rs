//! Task A: one RPC = a root span with four attributes and a child without; each future is polled twice.

use std::borrow::Cow;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{
    FutureExt as _, SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter,
};
use tracing::Instrument as _;
use tracing_subscriber::prelude::*;
use trackside::export::sdk::WithExporters as _;
use trackside::telemetry::{self, Kind, Telemetry, TelemetryConfig};

use crate::harness::{BURST, Mode, Variant, YieldOnce, delivered, drive, measure};

const PEERS: [&str; 8] = [
    "10.0.3.17:5041",
    "10.0.3.18:5041",
    "10.0.3.19:5041",
    "10.0.4.1:5041",
    "10.0.4.2:5041",
    "10.0.4.3:5041",
    "10.0.4.4:5041",
    "10.0.4.5:5041",
];
/// Spans of one operation.
const SPANS: u64 = 2;

pub fn variants() -> Vec<Variant> {
    vec![
        Variant { name: "trackside", run: |mode| ours(mode, "always_on") },
        Variant { name: "trackside, unsampled", run: |mode| ours(mode, "always_off") },
        Variant { name: "trackside, init not called", run: not_started },
        Variant { name: "trackside::layer() on Registry", run: layer },
        Variant { name: "the bare future", run: bare },
        Variant { name: "tracing, no subscriber", run: no_subscriber },
        Variant { name: "tracing + Registry", run: registry },
        Variant {
            name: "tracing-opentelemetry",
            run: |mode| bridge(mode, Sampler::AlwaysOn, false),
        },
        Variant {
            name: "tracing-opentelemetry, lean",
            run: |mode| bridge(mode, Sampler::AlwaysOn, true),
        },
        Variant {
            name: "tracing-opentelemetry, unsampled",
            run: |mode| bridge(mode, Sampler::AlwaysOff, false),
        },
        Variant { name: "OpenTelemetry SDK", run: sdk },
        Variant { name: "fastrace", run: |mode| fastrace(mode, true) },
        Variant { name: "fastrace, unsampled", run: |mode| fastrace(mode, false) },
        Variant { name: "fast-telemetry", run: fast_telemetry },
    ]
}

#[derive(Debug)]
pub(crate) struct Discard;

impl SpanExporter for Discard {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        delivered(batch.len());
        Ok(())
    }
}

#[inline(never)]
async fn leaf(x: u64) -> u64 {
    YieldOnce::default().await;
    black_box(x + 1)
}

fn each(operations: usize, work: impl Fn(usize) -> u64) {
    for index in 0..operations {
        black_box(work(black_box(index)));
    }
}

#[inline(never)]
fn our_call(index: usize) -> u64 {
    let call = async move {
        telemetry::instrument(leaf(index as u64), "db.query").with_kind(Kind::Client).await + 1
    };
    drive(telemetry::instrument(call, "rpc").with_kind(Kind::Server).with(|span| {
        span.set("rpc.system", "grpc")
            .set("rpc.service", "acme.Orders")
            .set("net.peer", PEERS[index & 7])
            .set("rpc.size", index as i64);
    }))
}

fn started(sampler: &str) -> Telemetry {
    let config = TelemetryConfig::default()
        .with_sampler(sampler, None)
        .set_globals(false)
        .with_span_exporter(Discard);
    telemetry::init(config).expect("the arguments are right")
}

fn ours(mode: Mode, sampler: &str) {
    let telemetry = started(sampler);
    let items = if sampler == "always_off" { 0 } else { SPANS };
    measure(mode, items, &|n| each(n, our_call), &|| flush(&telemetry));
    let status = telemetry.status();
    assert_eq!(status.traces.dropped.total(), 0, "{status:?}");
}

fn flush(telemetry: &Telemetry) {
    telemetry.force_flush(Duration::from_secs(10)).expect("nothing holds it up");
}

fn not_started(mode: Mode) {
    measure(mode, 0, &|n| each(n, our_call), &|| {});
}

fn bare(mode: Mode) {
    let call = |index| drive(async move { leaf(index as u64).await + 1 });
    measure(mode, 0, &|n| each(n, call), &|| {});
}

#[inline(never)]
fn traced_call(index: usize) -> u64 {
    let span = tracing::info_span!(
        "rpc",
        rpc.system = "grpc",
        rpc.service = "acme.Orders",
        net.peer = PEERS[index & 7],
        rpc.size = index as i64
    );
    let call =
        async move { leaf(index as u64).instrument(tracing::info_span!("db.query")).await + 1 };
    drive(call.instrument(span))
}

fn layer(mode: Mode) {
    let telemetry = started("always_on");
    tracing_subscriber::registry().with(trackside::layer()).init();
    measure(mode, SPANS, &|n| each(n, traced_call), &|| flush(&telemetry));
    let status = telemetry.status();
    assert_eq!(status.traces.dropped.total(), 0, "{status:?}");
}

fn no_subscriber(mode: Mode) {
    measure(mode, 0, &|n| each(n, traced_call), &|| {});
}

fn registry(mode: Mode) {
    tracing_subscriber::registry().init();
    measure(mode, 0, &|n| each(n, traced_call), &|| {});
}

/// The queue is large enough for a burst, so that nothing is dropped.
fn provider(sampler: Sampler) -> SdkTracerProvider {
    let config = BatchConfigBuilder::default().with_max_queue_size(8 * BURST).build();
    let processor = BatchSpanProcessor::builder(Discard).with_batch_config(config).build();
    SdkTracerProvider::builder().with_sampler(sampler).with_span_processor(processor).build()
}

fn bridge(mode: Mode, sampler: Sampler, lean: bool) {
    let items = if matches!(sampler, Sampler::AlwaysOff) { 0 } else { SPANS };
    let provider = provider(sampler);
    let mut layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("rivals"));
    if lean {
        layer = layer
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_context_activation(false);
    }
    tracing_subscriber::registry().with(layer).init();
    measure(mode, items, &|n| each(n, traced_call), &|| {
        provider.force_flush().expect("it discards")
    });
}

fn sdk(mode: Mode) {
    let provider = provider(Sampler::AlwaysOn);
    let tracer = provider.tracer("rivals");
    let call = |index: usize| {
        let attributes = [
            KeyValue::new("rpc.system", "grpc"),
            KeyValue::new("rpc.service", "acme.Orders"),
            KeyValue::new("net.peer", PEERS[index & 7].to_owned()),
            KeyValue::new("rpc.size", index as i64),
        ];
        let span =
            tracer.span_builder("rpc").with_kind(SpanKind::Server).with_attributes(attributes);
        let span = span.start(&tracer);
        let inner = &tracer;
        let call = async move {
            let span = inner.span_builder("db.query").with_kind(SpanKind::Client).start(inner);
            leaf(index as u64).with_context(Context::current_with_span(span)).await + 1
        };
        drive(call.with_context(Context::current_with_span(span)))
    };
    measure(mode, SPANS, &|n| each(n, call), &|| provider.force_flush().expect("it discards"));
}

fn fastrace(mode: Mode, sampled: bool) {
    use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
    use fastrace::future::FutureExt as _;

    struct Report;
    impl Reporter for Report {
        fn report(&mut self, spans: Vec<SpanRecord>) {
            delivered(spans.len());
        }
    }
    fastrace::set_reporter(Report, Config::default());
    let call = |index: usize| {
        let root = fastrace::Span::root("rpc", SpanContext::random().sampled(sampled));
        let root = root.with_properties(|| {
            [
                ("rpc.system", Cow::Borrowed("grpc")),
                ("rpc.service", "acme.Orders".into()),
                ("net.peer", PEERS[index & 7].to_owned().into()),
                ("rpc.size", index.to_string().into()),
            ]
        });
        let call = async move {
            let span = fastrace::Span::enter_with_local_parent("db.query");
            leaf(index as u64).in_span(span).await + 1
        };
        drive(call.in_span(root))
    };
    measure(mode, if sampled { SPANS } else { 0 }, &|n| each(n, call), &fastrace::flush);
}

/// It has no current span: the child is made from the parent by hand.
fn fast_telemetry(mode: Mode) {
    use fast_telemetry::{SpanBatch, SpanCollector, SpanKind};

    let collector: Arc<SpanCollector> = Arc::new(SpanCollector::new(1, 16 * BURST));
    let drained = Arc::clone(&collector);
    std::thread::spawn(move || {
        let mut batch = SpanBatch::new();
        loop {
            batch.clear();
            drained.drain_batches(&mut batch);
            delivered(batch.len());
            std::thread::sleep(Duration::from_micros(200));
        }
    });
    let call = |index: usize| {
        let mut span = collector.start_span("rpc", SpanKind::Server);
        span.set_attribute("rpc.system", "grpc");
        span.set_attribute("rpc.service", "acme.Orders");
        span.set_attribute("net.peer", PEERS[index & 7].to_owned());
        span.set_attribute("rpc.size", index as i64);
        drive(async move {
            let child = span.child("db.query", SpanKind::Client);
            let reply = leaf(index as u64).await + 1;
            child.end();
            span.end();
            reply
        })
    };
    measure(mode, SPANS, &|n| each(n, call), &|| {
        collector.flush_local();
        while !collector.is_empty() {
            std::thread::sleep(Duration::from_micros(100));
        }
    });
}
