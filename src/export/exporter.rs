//! The exporter of one destination.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::config::plan::ExporterPlan;

use super::console::ConsoleExporter;
use super::frame::{Frame, Outcome};
use super::http::HttpExporter;
use super::sdk::ForeignExporter;

/// Frames in, outcomes out.
pub(crate) enum Exporter {
    Otlp(Box<HttpExporter>),
    Console(ConsoleExporter),
    Foreign(ForeignExporter),
}

impl Exporter {
    /// `sent` is set from the moment on that the peer may have a part of the frame.
    pub(crate) fn new(
        plan: &ExporterPlan,
        attempt_limit: Option<Duration>,
        sent: Rc<Cell<bool>>,
    ) -> Self {
        match plan {
            ExporterPlan::Otlp(plan) => {
                Self::Otlp(Box::new(HttpExporter::new(plan, attempt_limit, sent)))
            }
            ExporterPlan::Foreign(foreign) => {
                Self::Foreign(ForeignExporter::new(foreign, attempt_limit, sent))
            }
            ExporterPlan::Console { .. } => Self::Console(ConsoleExporter::new(sent)),
        }
    }

    /// One attempt, within the exporter's own time limit.
    pub(crate) async fn send(&mut self, frame: &Frame) -> Outcome {
        match self {
            Self::Otlp(exporter) => exporter.send(frame).await,
            Self::Console(exporter) => exporter.send(frame).await,
            Self::Foreign(exporter) => exporter.send(frame).await,
        }
    }
}
