//! Every way to send a batch, behind one call that waits for the answer.

use std::time::Duration;

use futures_executor::block_on;
use opentelemetry_otlp::{Compression, WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::Runtime;
use trackside::export::sdk;

use crate::Result;
use crate::case::Variant;
use crate::pipeline::Pipeline;
use crate::spans::resource;

const TIMEOUT: Duration = Duration::from_secs(10);

pub enum Sender {
    Capnp(Box<sdk::CapnpSpanExporter>),
    Http(sdk::SpanExporter),
    StockHttp(opentelemetry_otlp::SpanExporter),
    StockGrpc(Runtime, opentelemetry_otlp::SpanExporter),
    Pipeline(Pipeline),
}

impl Sender {
    /// What the environment has to say before the process starts.
    pub fn variables(variant: Variant, batch: usize) -> Vec<(&'static str, String)> {
        let mut variables = Vec::new();
        if variant.exporter.starts_with("trackside") || variant.exporter.starts_with("instrument") {
            variables.push(("OTEL_EXPORTER_OTLP_COMPRESSION", variant.compression.to_owned()));
        }
        if variant.is_pipeline() {
            variables.push(("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", batch.to_string()));
            variables.push(("OTEL_BSP_MAX_QUEUE_SIZE", "8192".to_owned()));
            // Only a flush sends.
            variables.push(("OTEL_BSP_SCHEDULE_DELAY", "600000".to_owned()));
        }
        variables
    }

    pub fn open(variant: Variant, address: &str) -> Result<Self> {
        let resource = resource();
        let mut sender = match variant.exporter {
            "trackside-capnp" => {
                let builder = sdk::CapnpSpanExporter::builder();
                Self::Capnp(Box::new(builder.with_endpoint(format!("capnp://{address}")).build()?))
            }
            "trackside-http" => {
                let builder = sdk::SpanExporter::builder();
                Self::Http(builder.with_endpoint(&format!("http://{address}")).build()?)
            }
            "stock-http" => Self::StockHttp(stock_http(variant, address)?),
            "stock-grpc" => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let entered = runtime.enter();
                let exporter = stock_grpc(variant, address)?;
                drop(entered);
                Self::StockGrpc(runtime, exporter)
            }
            _ => Self::Pipeline(Pipeline::open(variant, address)?),
        };
        match &mut sender {
            Self::Capnp(exporter) => exporter.set_resource(&resource),
            Self::Http(exporter) => exporter.set_resource(&resource),
            Self::StockHttp(exporter) | Self::StockGrpc(_, exporter) => {
                exporter.set_resource(&resource);
            }
            Self::Pipeline(_) => {}
        }
        Ok(sender)
    }

    /// Waits for the answer.
    pub fn send(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        match self {
            Self::Capnp(exporter) => block_on(exporter.export(batch)),
            Self::Http(exporter) => block_on(exporter.export(batch)),
            Self::StockHttp(exporter) => block_on(exporter.export(batch)),
            Self::StockGrpc(runtime, exporter) => runtime.block_on(exporter.export(batch)),
            Self::Pipeline(pipeline) => pipeline.send(batch),
        }
    }
}

fn compression(variant: Variant) -> Option<Compression> {
    match variant.compression {
        "gzip" => Some(Compression::Gzip),
        "zstd" => Some(Compression::Zstd),
        _ => None,
    }
}

pub fn stock_http(variant: Variant, address: &str) -> Result<opentelemetry_otlp::SpanExporter> {
    let builder = opentelemetry_otlp::SpanExporter::builder().with_http();
    let builder =
        builder.with_endpoint(format!("http://{address}/v1/traces")).with_timeout(TIMEOUT);
    Ok(match compression(variant) {
        Some(compression) => builder.with_compression(compression).build()?,
        None => builder.build()?,
    })
}

/// To be called within a runtime.
pub fn stock_grpc(variant: Variant, address: &str) -> Result<opentelemetry_otlp::SpanExporter> {
    let builder = opentelemetry_otlp::SpanExporter::builder().with_tonic();
    let builder = builder.with_endpoint(format!("http://{address}")).with_timeout(TIMEOUT);
    Ok(match compression(variant) {
        Some(compression) => builder.with_compression(compression).build()?,
        None => builder.build()?,
    })
}
