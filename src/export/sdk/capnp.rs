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
use crate::encode::capnp::columns::ScopedColumns;
use crate::encode::capnp::{MetricsEncoder, ScopedEncoder};
use crate::encode::each_metric;
use crate::encode::sdk::{SdkLog, encode_spans, resource};
use crate::encode::view;
use crate::error::Error;
use crate::export::Body;

/// Fewer spans go as rows: columns of so few take more work to make and to read, and hardly fewer bytes.
const COLUMNS: usize = 64;

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
    rows: Kept<ScopedEncoder>,
    columns: Kept<ScopedColumns>,
}

/// Log records of the SDK over Cap'n Proto.
#[derive(Debug)]
pub struct CapnpLogExporter {
    line: Line,
    encoder: Kept<ScopedEncoder>,
}

/// Metrics of the SDK over Cap'n Proto.
#[derive(Debug)]
pub struct CapnpMetricExporter {
    line: Line,
    temporality: Temporality,
}

/// An encoder for the next batch of a resource: its memory has grown to what batches take.
#[derive(Debug)]
struct Kept<E> {
    resource: Resource,
    new: fn(&view::Resource<'_>) -> E,
    encoder: Mutex<Option<E>>,
}

impl<E> Kept<E> {
    /// Of a resource without attributes, until there is another.
    fn new(new: fn(&view::Resource<'_>) -> E) -> Self {
        Self { resource: Resource::builder_empty().build(), new, encoder: Mutex::new(None) }
    }

    fn set_resource(&mut self, resource: &Resource) {
        *self = Self { resource: resource.clone(), ..Self::new(self.new) };
    }

    /// Batches that are encoded at the same time each have an encoder, of which one stays.
    fn encode<T>(&self, encode: impl FnOnce(&mut E) -> T) -> T {
        let kept = || self.encoder.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = kept().take();
        let mut encoder = taken.unwrap_or_else(|| (self.new)(&resource(&self.resource)));
        let encoded = encode(&mut encoder);
        *kept() = Some(encoder);
        encoded
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
        Self { line, rows: Kept::new(ScopedEncoder::new), columns: Kept::new(ScopedColumns::new) }
    }

    fn encode(&self, batch: &[SpanData]) -> Body {
        if batch.len() < COLUMNS {
            return self.rows.encode(|encoder| encode_spans(encoder, batch)).into();
        }
        Body::Columns(self.columns.encode(|encoder| encode_spans(encoder, batch)))
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
        self.rows.set_resource(resource);
        self.columns.set_resource(resource);
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
        Self { line, encoder: Kept::new(ScopedEncoder::new) }
    }

    fn encode(&self, batch: &LogBatch<'_>) -> Bytes {
        self.encoder.encode(|encoder| {
            for record in batch.iter() {
                let log = SdkLog::new(record);
                encoder.log(&log.full_scope(), &log);
            }
            encoder.finish()
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
        self.encoder.set_resource(resource);
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
