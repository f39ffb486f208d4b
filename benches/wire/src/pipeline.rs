//! From the host's call to the receiver's answer: recording, queue, batch, export.

use std::future::pending;
use std::time::Duration;

use opentelemetry::trace::{Span as _, Tracer, TracerProvider as _};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanData};
use trackside::telemetry::{self, Telemetry, TelemetryConfig};

use crate::Result;
use crate::case::Variant;
use crate::exporters::{stock_grpc, stock_http};
use crate::host;
use crate::spans::resource;

const SOON: Duration = Duration::from_secs(10);

pub enum Pipeline {
    Ours(Telemetry, trackside::otel::Tracer),
    Stock(SdkTracerProvider, SdkTracer),
    Instrument(Telemetry),
    Tracing(SdkTracerProvider),
}

impl Pipeline {
    pub fn open(variant: Variant, address: &str) -> Result<Self> {
        let name = "shop.rpc";
        let scheme = match variant.exporter {
            "trackside-pipeline-capnp" | "instrument-pipeline-capnp" => "capnp",
            "trackside-pipeline-http" | "instrument-pipeline-http" => "http",
            _ => {
                // What tonic needs beside the thread of the processor.
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let handle = runtime.handle().clone();
                let exporter = if variant.exporter.ends_with("-grpc") {
                    let _entered = handle.enter();
                    stock_grpc(variant, address)?
                } else {
                    stock_http(variant, address)?
                };
                std::thread::spawn(move || runtime.block_on(pending::<()>()));
                let builder = SdkTracerProvider::builder().with_resource(resource());
                let provider = builder.with_batch_exporter(exporter).build();
                let tracer = provider.tracer(name);
                if variant.is_host() {
                    host::subscribe(tracer);
                    return Ok(Self::Tracing(provider));
                }
                return Ok(Self::Stock(provider, tracer));
            }
        };
        let config = TelemetryConfig::default().with_service_name("shop");
        let telemetry = telemetry::init(config.with_endpoint(&format!("{scheme}://{address}")))?;
        if variant.is_host() {
            return Ok(Self::Instrument(telemetry));
        }
        Ok(Self::Ours(telemetry, trackside::otel::tracer_provider().tracer(name)))
    }

    pub fn send(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        match self {
            Self::Ours(_, tracer) => all(batch, |span| record(tracer, span)),
            Self::Stock(_, tracer) => all(batch, |span| record(tracer, span)),
            Self::Instrument(_) => all(batch, host::instrumented),
            Self::Tracing(_) => all(batch, host::traced),
        }
        match self {
            Self::Ours(telemetry, _) | Self::Instrument(telemetry) => {
                let flushed = telemetry.force_flush(SOON);
                flushed.map_err(|error| OTelSdkError::InternalFailure(error.to_string()))
            }
            Self::Stock(provider, _) | Self::Tracing(provider) => provider.force_flush(),
        }
    }
}

/// Spans that are recorded before others get a turn: with one core for all threads, a burst would fill any queue.
const BURST: usize = 32;

fn all(batch: Vec<SpanData>, record: impl Fn(SpanData)) {
    for (number, span) in (1..).zip(batch) {
        record(span);
        if number % BURST == 0 {
            std::thread::yield_now();
        }
    }
}

/// The same span anew, with ids and times of its own.
fn record(tracer: &impl Tracer, from: SpanData) {
    let mut builder = tracer.span_builder(from.name);
    builder.span_kind = Some(from.span_kind);
    builder.attributes = Some(from.attributes);
    if !from.links.links.is_empty() {
        builder.links = Some(from.links.links);
    }
    let mut span = tracer.build(builder);
    for event in from.events.events {
        span.add_event(event.name, event.attributes);
    }
    span.end();
}
