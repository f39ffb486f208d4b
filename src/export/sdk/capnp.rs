//! The SDK's three exporter traits over Cap'n Proto.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{self, LogBatch};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{self, SpanData};

use super::capnp_builder::CapnpExporterBuilder;
use super::transport::Line;
use crate::encode::capnp::{MetricsEncoder, ScopedEncoder};
use crate::encode::each_metric;
use crate::encode::sdk::{SdkLog, SdkSpan, resource, scope};
use crate::error::Error;

/// Spans of the SDK over Cap'n Proto.
///
/// ```
/// use opentelemetry_sdk::trace::SdkTracerProvider;
/// use std::time::Duration;
/// use trackside::export::sdk::CapnpSpanExporter;
///
/// # fn main() -> Result<(), trackside::telemetry::Error> {
/// let exporter = CapnpSpanExporter::builder()
///     .with_endpoint("http://localhost:4319")
///     .with_timeout(Duration::from_secs(10))
///     .build()?;
/// let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
/// # drop(provider);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct CapnpSpanExporter {
    line: Line,
    encoder: Kept,
}

/// Log records of the SDK over Cap'n Proto.
#[derive(Debug)]
pub struct CapnpLogExporter {
    line: Line,
    encoder: Kept,
}

/// Metrics of the SDK over Cap'n Proto.
#[derive(Debug)]
pub struct CapnpMetricExporter {
    line: Line,
    temporality: Temporality,
}

/// An encoder for the next batch of a resource: its memory has grown to what batches take.
#[derive(Debug)]
struct Kept {
    resource: Resource,
    encoder: Mutex<Option<ScopedEncoder>>,
}

impl Kept {
    fn new(resource: Resource) -> Self {
        Self { resource, encoder: Mutex::new(None) }
    }

    /// Batches that are encoded at the same time each have an encoder, of which one stays.
    fn encode(&self, fill: impl FnOnce(&mut ScopedEncoder)) -> Bytes {
        let kept = || self.encoder.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = kept().take();
        let mut encoder = taken.unwrap_or_else(|| ScopedEncoder::new(&resource(&self.resource)));
        fill(&mut encoder);
        let message = encoder.finish();
        *kept() = Some(encoder);
        message
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self::new(Resource::builder_empty().build())
    }
}

impl CapnpSpanExporter {
    /// An exporter as the environment says, unless the builder is told otherwise.
    pub fn builder() -> CapnpExporterBuilder<Self> {
        CapnpExporterBuilder::default()
    }

    /// An exporter to an endpoint.
    ///
    /// # Errors
    /// As for [`CapnpExporterBuilder::with_endpoint`].
    pub fn new(endpoint: impl Into<String>) -> Result<Self, Error> {
        Self::builder().with_endpoint(endpoint).build()
    }

    pub(super) fn over(line: Line) -> Self {
        Self { line, encoder: Kept::default() }
    }

    fn encode(&self, batch: &[SpanData]) -> Bytes {
        self.encoder.encode(|encoder| {
            for span in batch {
                encoder.span(&scope(&span.instrumentation_scope), &SdkSpan::new(span));
            }
        })
    }
}

impl trace::SpanExporter for CapnpSpanExporter {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        self.line.export(batch.len(), || self.encode(&batch))
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.line.flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.line.shut_down(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.encoder = Kept::new(resource.clone());
    }
}

impl CapnpLogExporter {
    /// An exporter as the environment says, unless the builder is told otherwise.
    pub fn builder() -> CapnpExporterBuilder<Self> {
        CapnpExporterBuilder::default()
    }

    /// An exporter to an endpoint.
    ///
    /// # Errors
    /// As for [`CapnpExporterBuilder::with_endpoint`].
    pub fn new(endpoint: impl Into<String>) -> Result<Self, Error> {
        Self::builder().with_endpoint(endpoint).build()
    }

    pub(super) fn over(line: Line) -> Self {
        Self { line, encoder: Kept::default() }
    }

    fn encode(&self, batch: &LogBatch<'_>) -> Bytes {
        self.encoder.encode(|encoder| {
            for record in batch.iter() {
                let log = SdkLog::new(record);
                encoder.log(&log.full_scope(), &log);
            }
        })
    }
}

impl logs::LogExporter for CapnpLogExporter {
    fn export(&self, batch: LogBatch<'_>) -> impl Future<Output = OTelSdkResult> + Send {
        self.line.export(batch.iter().count(), || self.encode(&batch))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.line.shut_down(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.encoder = Kept::new(resource.clone());
    }
}

impl CapnpMetricExporter {
    /// An exporter as the environment says, unless the builder is told otherwise.
    pub fn builder() -> CapnpExporterBuilder<Self> {
        CapnpExporterBuilder::default()
    }

    /// An exporter to an endpoint.
    ///
    /// # Errors
    /// As for [`CapnpExporterBuilder::with_endpoint`].
    pub fn new(endpoint: impl Into<String>) -> Result<Self, Error> {
        Self::builder().with_endpoint(endpoint).build()
    }

    pub(super) fn over(line: Line, temporality: Temporality) -> Self {
        Self { line, temporality }
    }
}

impl PushMetricExporter for CapnpMetricExporter {
    fn export(&self, metrics: &ResourceMetrics) -> impl Future<Output = OTelSdkResult> + Send {
        let mut encoder = MetricsEncoder::of(&resource(metrics.resource()));
        let mut points = 0;
        each_metric(metrics, |metric| {
            points += metric.points();
            encoder.metric(metric);
        });
        self.line.export(points, || encoder.finish())
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.line.flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.line.shut_down(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.temporality
    }
}
