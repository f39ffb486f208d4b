//! The encoder of one destination, for each signal.

use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::metrics::data::ResourceMetrics;

use crate::config::plan::{ExporterPlan, OtlpPlan, Protocol};
use crate::export::{Body, wants_color};

use super::capnp;
use super::capnp::columns::ColumnsEncoder;
use super::console::{ConsoleEncoder, LogsConsole, MetricsConsole};
use super::json::JsonBatch;
use super::otlp::{LogsEncoder, MetricsEncoder, TraceEncoder};
use super::sdk::{Items, LogRecordEncoder, SdkBatch, SpanDataEncoder};
use super::view::{LogView, MetricView, SpanView};

const NAME: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// About what a point of the SDK's takes, its attributes included.
const POINT_BYTES: usize = 512;

fn own_scope() -> InstrumentationScope {
    InstrumentationScope::builder(NAME).with_version(VERSION).build()
}

/// Spans in, one frame's bytes out.
pub(crate) enum SpanEncoder {
    Otlp(TraceEncoder),
    Json(JsonBatch),
    Capnp(Box<ColumnsEncoder>),
    Console(ConsoleEncoder),
    Sdk(SpanDataEncoder),
}

impl SpanEncoder {
    pub(crate) fn new(plan: &ExporterPlan, resource: &[(String, String)]) -> Self {
        match plan {
            ExporterPlan::Otlp(OtlpPlan { protocol: Protocol::HttpJson, .. })
            | ExporterPlan::File(_)
            // Never asked to: nothing is sent there.
            | ExporterPlan::Prometheus(_) => {
                Self::Json(JsonBatch::traces(&resource.into()).with_own_scope(NAME, VERSION))
            }
            ExporterPlan::Otlp(_) => Self::Otlp(TraceEncoder::new(resource, NAME, VERSION)),
            ExporterPlan::Capnp(_) => {
                Self::Capnp(Box::new(ColumnsEncoder::new(resource, NAME, VERSION)))
            }
            ExporterPlan::Foreign(_) => Self::Sdk(SpanDataEncoder::new(own_scope())),
            ExporterPlan::Console { no_color } => {
                Self::Console(ConsoleEncoder::new(resource, wants_color(*no_color)))
            }
        }
    }

    pub(crate) fn span(&mut self, span: &impl SpanView) {
        match self {
            Self::Otlp(encoder) => encoder.span(span),
            Self::Json(encoder) => encoder.span(span),
            Self::Capnp(encoder) => encoder.span(span),
            Self::Console(encoder) => encoder.span(span),
            Self::Sdk(encoder) => encoder.span(span),
        }
    }

    /// The frame's bytes; the encoder is ready for the next frame.
    pub(crate) fn finish(&mut self) -> Body {
        match self {
            Self::Otlp(encoder) => encoder.finish().into(),
            Self::Json(encoder) => encoder.finish().into(),
            Self::Capnp(encoder) => Body::Columns(encoder.finish()),
            Self::Console(encoder) => encoder.finish().into(),
            Self::Sdk(encoder) => encoder.finish().into(),
        }
    }
}

/// Log records in, one frame's bytes out.
pub(crate) enum LogEncoder {
    Otlp(LogsEncoder),
    Json(JsonBatch),
    Capnp(Box<capnp::LogsEncoder>),
    Console(LogsConsole),
    Sdk(LogRecordEncoder),
}

impl LogEncoder {
    pub(crate) fn new(plan: &ExporterPlan, resource: &[(String, String)]) -> Self {
        match plan {
            ExporterPlan::Otlp(OtlpPlan { protocol: Protocol::HttpJson, .. })
            | ExporterPlan::File(_)
            // Never asked to: nothing is sent there.
            | ExporterPlan::Prometheus(_) => {
                Self::Json(JsonBatch::logs(&resource.into()).with_own_scope(NAME, VERSION))
            }
            ExporterPlan::Otlp(_) => Self::Otlp(LogsEncoder::new(resource, NAME, VERSION)),
            ExporterPlan::Capnp(_) => {
                Self::Capnp(Box::new(capnp::LogsEncoder::new(resource, NAME, VERSION)))
            }
            ExporterPlan::Foreign(_) => Self::Sdk(LogRecordEncoder::new(own_scope())),
            ExporterPlan::Console { no_color } => {
                Self::Console(LogsConsole::new(wants_color(*no_color)))
            }
        }
    }

    pub(crate) fn log(&mut self, log: &impl LogView) {
        match self {
            Self::Otlp(encoder) => encoder.log(log),
            Self::Json(encoder) => encoder.log(log),
            Self::Capnp(encoder) => encoder.log(log),
            Self::Console(encoder) => encoder.log(log),
            Self::Sdk(encoder) => encoder.log(log),
        }
    }

    /// The frame's bytes; the encoder is ready for the next frame.
    pub(crate) fn finish(&mut self) -> Body {
        match self {
            Self::Otlp(encoder) => encoder.finish().into(),
            Self::Json(encoder) => encoder.finish().into(),
            Self::Capnp(encoder) => encoder.finish().into(),
            Self::Console(encoder) => encoder.finish().into(),
            Self::Sdk(encoder) => encoder.finish().into(),
        }
    }
}

/// Metrics in, one frame's bytes out.
pub(crate) enum MetricEncoder {
    Otlp(MetricsEncoder),
    Json(JsonBatch),
    Capnp(Box<capnp::MetricsEncoder>),
    Console(MetricsConsole),
    /// The whole collection: it is not taken apart.
    Sdk(Option<Arc<ResourceMetrics>>, usize),
}

impl MetricEncoder {
    pub(crate) fn new(plan: &ExporterPlan, resource: &[(String, String)]) -> Self {
        match plan {
            ExporterPlan::Otlp(OtlpPlan { protocol: Protocol::HttpJson, .. })
            | ExporterPlan::File(_)
            // Never asked to: nothing is sent there.
            | ExporterPlan::Prometheus(_) => Self::Json(JsonBatch::metrics(&resource.into())),
            ExporterPlan::Otlp(_) => Self::Otlp(MetricsEncoder::new(resource)),
            ExporterPlan::Capnp(_) => Self::Capnp(Box::new(capnp::MetricsEncoder::new(resource))),
            ExporterPlan::Foreign(_) => Self::Sdk(None, 0),
            ExporterPlan::Console { no_color } => {
                Self::Console(MetricsConsole::new(resource, wants_color(*no_color)))
            }
        }
    }

    /// Whether it wants the collection as it is.
    pub(crate) fn wants_whole(&self) -> bool {
        matches!(self, Self::Sdk(..))
    }

    /// The collection that the metrics came from.
    pub(crate) fn whole(&mut self, collection: &Arc<ResourceMetrics>) {
        if let Self::Sdk(whole, _) = self {
            *whole = Some(Arc::clone(collection));
        }
    }

    pub(crate) fn metric(&mut self, metric: &MetricView<'_>) {
        match self {
            Self::Otlp(encoder) => encoder.metric(metric),
            Self::Json(encoder) => encoder.metric(metric),
            Self::Capnp(encoder) => encoder.metric(metric),
            Self::Console(encoder) => encoder.metric(metric),
            Self::Sdk(_, points) => *points += metric.points(),
        }
    }

    /// The frame's bytes; the encoder is ready for the next frame.
    pub(crate) fn finish(&mut self) -> Body {
        match self {
            Self::Otlp(encoder) => encoder.finish().into(),
            Self::Json(encoder) => encoder.finish().into(),
            Self::Capnp(encoder) => encoder.finish().into(),
            Self::Console(encoder) => encoder.finish().into(),
            Self::Sdk(whole, points) => {
                let size = std::mem::take(points) * POINT_BYTES;
                SdkBatch::new(Items::Metrics(whole.take().unwrap_or_default()), size).into()
            }
        }
    }
}
