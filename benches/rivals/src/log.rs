//! Task C: one `info!` with a message and three fields becomes a log record.

use std::hint::black_box;
use std::time::Duration;

use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, LogBatch, LogExporter, SdkLoggerProvider,
};
use tracing_subscriber::prelude::*;
use trackside::export::sdk::WithExporters as _;
use trackside::telemetry::{self, TelemetryConfig};

use crate::harness::{BURST, Mode, Variant, delivered, measure};

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

pub fn variants() -> Vec<Variant> {
    vec![
        Variant { name: "trackside::layer() on Registry", run: layer },
        Variant { name: "tracing, no subscriber", run: |mode| measure(mode, 0, &events, &|| {}) },
        Variant { name: "opentelemetry-appender-tracing", run: appender },
        Variant { name: "tracing fmt to a sink", run: fmt },
        Variant { name: "emit, discarding", run: emit_discarding },
    ]
}

#[derive(Debug)]
struct Discard;

impl LogExporter for Discard {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        delivered(batch.iter().count());
        Ok(())
    }
}

#[inline(never)]
fn event(index: usize) {
    tracing::info!(
        peer = PEERS[index & 7],
        status = 200_i64,
        bytes = index as u64,
        "request finished"
    );
}

fn events(operations: usize) {
    for index in 0..operations {
        event(black_box(index));
    }
}

fn layer(mode: Mode) {
    let config = TelemetryConfig::default().set_globals(false).with_log_exporter(Discard);
    let telemetry = telemetry::init(config).expect("the arguments are right");
    tracing_subscriber::registry().with(trackside::layer()).init();
    measure(mode, 1, &events, &|| {
        telemetry.force_flush(Duration::from_secs(10)).expect("nothing holds it up");
    });
    let status = telemetry.status();
    assert_eq!(status.logs.dropped.total(), 0, "{status:?}");
}

fn appender(mode: Mode) {
    let config = BatchConfigBuilder::default().with_max_queue_size(8 * BURST).build();
    let processor = BatchLogProcessor::builder(Discard).with_batch_config(config).build();
    let provider = SdkLoggerProvider::builder().with_log_processor(processor).build();
    tracing_subscriber::registry().with(OpenTelemetryTracingBridge::new(&provider)).init();
    measure(mode, 1, &events, &|| provider.force_flush().expect("it discards"));
}

fn fmt(mode: Mode) {
    tracing_subscriber::fmt().with_writer(std::io::sink).with_ansi(false).init();
    measure(mode, 0, &events, &|| {});
}

fn emit_discarding(mode: Mode) {
    let _emit = emit::setup()
        .emit_to(emit::emitter::from_fn(|event| {
            black_box(event.tpl());
            delivered(1);
        }))
        .init();
    let events = |operations: usize| {
        for index in 0..operations {
            let (peer, status, bytes) = (PEERS[index & 7], 200_i64, black_box(index) as u64);
            emit::info!("request finished", peer, status, bytes);
        }
    };
    measure(mode, 1, &events, &|| {});
}
