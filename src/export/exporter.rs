//! The exporter of one destination.

use std::time::Duration;

use crate::config::plan::ExporterPlan;

use super::console::ConsoleExporter;
use super::frame::{Frame, Outcome};
use super::http::HttpExporter;

/// Frames in, outcomes out.
pub(crate) enum Exporter {
    Otlp(Box<HttpExporter>),
    Console(ConsoleExporter),
}

impl Exporter {
    pub(crate) fn new(plan: &ExporterPlan, attempt_limit: Option<Duration>) -> Self {
        match plan {
            ExporterPlan::Otlp(plan) => Self::Otlp(Box::new(HttpExporter::new(plan, attempt_limit))),
            ExporterPlan::Console { .. } => Self::Console(ConsoleExporter::new()),
        }
    }

    /// One attempt, within the exporter's own time limit.
    pub(crate) async fn send(&mut self, frame: &Frame) -> Outcome {
        match self {
            Self::Otlp(exporter) => exporter.send(frame).await,
            Self::Console(exporter) => exporter.send(frame).await,
        }
    }
}
