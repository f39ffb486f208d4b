//! The encoder of one destination.

use bytes::Bytes;

use crate::config::plan::ExporterPlan;
use crate::export::wants_color;

use super::console::ConsoleEncoder;
use super::otlp::TraceEncoder;
use super::view::SpanView;

/// Spans in, one frame's bytes out.
pub(crate) enum Encoder {
    Otlp(TraceEncoder),
    Console(ConsoleEncoder),
}

impl Encoder {
    pub(crate) fn new(plan: &ExporterPlan, resource: &[(String, String)]) -> Self {
        match plan {
            ExporterPlan::Otlp(_) => {
                let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
                Self::Otlp(TraceEncoder::new(resource, name, version))
            }
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
