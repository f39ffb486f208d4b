//! The encoder of one destination, for each signal.

use bytes::Bytes;

use crate::config::plan::ExporterPlan;
use crate::export::wants_color;

use super::console::{ConsoleEncoder, LogsConsole, MetricsConsole};
use super::otlp::{LogsEncoder, MetricsEncoder, TraceEncoder};
use super::view::{LogView, MetricView, SpanView};

const NAME: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Spans in, one frame's bytes out.
pub(crate) enum SpanEncoder {
    Otlp(TraceEncoder),
    Console(ConsoleEncoder),
}

impl SpanEncoder {
    pub(crate) fn new(plan: &ExporterPlan, resource: &[(String, String)]) -> Self {
        match plan {
            ExporterPlan::Otlp(_) => Self::Otlp(TraceEncoder::new(resource, NAME, VERSION)),
            ExporterPlan::Console { no_color } => {
                Self::Console(ConsoleEncoder::new(resource, wants_color(*no_color)))
            }
        }
    }

    pub(crate) fn span(&mut self, span: &impl SpanView) {
        match self {
            Self::Otlp(encoder) => encoder.span(span),
            Self::Console(encoder) => encoder.span(span),
        }
    }

    /// The frame's bytes; the encoder is ready for the next frame.
    pub(crate) fn finish(&mut self) -> Bytes {
        match self {
            Self::Otlp(encoder) => encoder.finish(),
            Self::Console(encoder) => encoder.finish(),
        }
    }
}

/// Log records in, one frame's bytes out.
pub(crate) enum LogEncoder {
    Otlp(LogsEncoder),
    Console(LogsConsole),
}

impl LogEncoder {
    pub(crate) fn new(plan: &ExporterPlan, resource: &[(String, String)]) -> Self {
        match plan {
            ExporterPlan::Otlp(_) => Self::Otlp(LogsEncoder::new(resource, NAME, VERSION)),
            ExporterPlan::Console { no_color } => {
                Self::Console(LogsConsole::new(wants_color(*no_color)))
            }
        }
    }

    pub(crate) fn log(&mut self, log: &impl LogView) {
        match self {
            Self::Otlp(encoder) => encoder.log(log),
            Self::Console(encoder) => encoder.log(log),
        }
    }

    /// The frame's bytes; the encoder is ready for the next frame.
    pub(crate) fn finish(&mut self) -> Bytes {
        match self {
            Self::Otlp(encoder) => encoder.finish(),
            Self::Console(encoder) => encoder.finish(),
        }
    }
}

/// Metrics in, one frame's bytes out.
pub(crate) enum MetricEncoder {
    Otlp(MetricsEncoder),
    Console(MetricsConsole),
}

impl MetricEncoder {
    pub(crate) fn new(plan: &ExporterPlan, resource: &[(String, String)]) -> Self {
        match plan {
            ExporterPlan::Otlp(_) => Self::Otlp(MetricsEncoder::new(resource)),
            ExporterPlan::Console { no_color } => {
                Self::Console(MetricsConsole::new(resource, wants_color(*no_color)))
            }
        }
    }

    pub(crate) fn metric(&mut self, metric: &MetricView<'_>) {
        match self {
            Self::Otlp(encoder) => encoder.metric(metric),
            Self::Console(encoder) => encoder.metric(metric),
        }
    }

    /// The frame's bytes; the encoder is ready for the next frame.
    pub(crate) fn finish(&mut self) -> Bytes {
        match self {
            Self::Otlp(encoder) => encoder.finish(),
            Self::Console(encoder) => encoder.finish(),
        }
    }
}
