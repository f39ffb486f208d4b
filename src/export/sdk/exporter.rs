//! The SDK's three exporter traits.

use std::time::Duration;

use bytes::Bytes;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{self, LogBatch};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{self, SpanData};

use super::builder::ExporterBuilder;
use super::transport::Line;
use crate::config::plan::Encoding;
use crate::encode::each_metric;
use crate::encode::json::JsonBatch;
use crate::encode::otlp::{MetricsEncoder, ScopedEncoder};
use crate::encode::sdk::{SdkLog, SdkSpan, resource, scope};

/// Spans of the SDK over OTLP.
#[derive(Debug)]
pub struct SpanExporter {
    line: Line,
    resource: Resource,
}

/// Log records of the SDK over OTLP.
#[derive(Debug)]
pub struct LogExporter {
    line: Line,
    resource: Resource,
}

/// Metrics of the SDK over OTLP.
#[derive(Debug)]
pub struct MetricExporter {
    line: Line,
    temporality: Temporality,
}

fn no_resource() -> Resource {
    Resource::builder_empty().build()
}

impl SpanExporter {
    /// An exporter as the environment says, unless the builder is told otherwise.
    pub fn builder() -> ExporterBuilder<Self> {
        ExporterBuilder::new()
    }

    /// Sends spans that are encoded already: the body of one OTLP request, in protobuf, and how many it has.
    ///
    /// For bindings, whose spans are another language's objects. It fails where the environment asks for JSON.
    pub fn export_encoded(
        &self,
        spans: usize,
        request: Vec<u8>,
    ) -> impl Future<Output = OTelSdkResult> + Send + use<> {
        self.line.export_encoded(spans, request)
    }

    pub(super) fn over(line: Line) -> Self {
        Self { line, resource: no_resource() }
    }

    fn encode(&self, batch: &[SpanData]) -> Bytes {
        let resource = resource(&self.resource);
        if self.line.encoding() == Encoding::Json {
            let mut encoder = JsonBatch::traces(&resource);
            for span in batch {
                encoder.span_of(&scope(&span.instrumentation_scope), &SdkSpan::new(span));
            }
            return encoder.finish();
        }
        let mut encoder = ScopedEncoder::new(&resource);
        for span in batch {
            encoder.span(&scope(&span.instrumentation_scope), &SdkSpan::new(span));
        }
        encoder.finish()
    }
}

impl trace::SpanExporter for SpanExporter {
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
        self.resource = resource.clone();
    }
}

impl LogExporter {
    /// An exporter as the environment says, unless the builder is told otherwise.
    pub fn builder() -> ExporterBuilder<Self> {
        ExporterBuilder::new()
    }

    /// Sends log records that are encoded already: the body of one OTLP request, in protobuf, and how many it has.
    ///
    /// For bindings, whose log records are another language's objects. It fails where the environment asks for JSON.
    pub fn export_encoded(
        &self,
        records: usize,
        request: Vec<u8>,
    ) -> impl Future<Output = OTelSdkResult> + Send + use<> {
        self.line.export_encoded(records, request)
    }

    pub(super) fn over(line: Line) -> Self {
        Self { line, resource: no_resource() }
    }

    fn encode(&self, batch: &LogBatch<'_>) -> Bytes {
        let resource = resource(&self.resource);
        let logs = batch.iter().map(SdkLog::new);
        if self.line.encoding() == Encoding::Json {
            let mut encoder = JsonBatch::logs(&resource);
            logs.for_each(|log| encoder.log_of(&log.full_scope(), &log));
            return encoder.finish();
        }
        let mut encoder = ScopedEncoder::new(&resource);
        logs.for_each(|log| encoder.log(&log.full_scope(), &log));
        encoder.finish()
    }
}

impl logs::LogExporter for LogExporter {
    fn export(&self, batch: LogBatch<'_>) -> impl Future<Output = OTelSdkResult> + Send {
        self.line.export(batch.iter().count(), || self.encode(&batch))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.line.shut_down(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.clone();
    }
}

impl MetricExporter {
    /// An exporter as the environment says, unless the builder is told otherwise.
    pub fn builder() -> ExporterBuilder<Self> {
        ExporterBuilder::new()
    }

    /// Sends metric points that are encoded already: the body of one OTLP request, in protobuf, and how many it has.
    ///
    /// For bindings, whose metric points are another language's objects. It fails where the environment asks for JSON.
    pub fn export_encoded(
        &self,
        points: usize,
        request: Vec<u8>,
    ) -> impl Future<Output = OTelSdkResult> + Send + use<> {
        self.line.export_encoded(points, request)
    }

    pub(super) fn over(line: Line, temporality: Temporality) -> Self {
        Self { line, temporality }
    }
}

impl PushMetricExporter for MetricExporter {
    fn export(&self, metrics: &ResourceMetrics) -> impl Future<Output = OTelSdkResult> + Send {
        let resource = resource(metrics.resource());
        let mut points = 0;
        each_metric(metrics, |metric| points += metric.points());
        self.line.export(points, || {
            if self.line.encoding() == Encoding::Json {
                let mut encoder = JsonBatch::metrics(&resource);
                each_metric(metrics, |metric| encoder.metric(metric));
                return encoder.finish();
            }
            let mut encoder = MetricsEncoder::of(&resource);
            each_metric(metrics, |metric| encoder.metric(metric));
            encoder.finish()
        })
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
