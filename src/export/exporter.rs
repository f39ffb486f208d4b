//! The exporter of one destination.

use std::time::Duration;

use tokio::sync::Mutex;

use crate::config::plan::{ExporterPlan, FilePlan, Protocol};

use super::capnp::{CapnpExporter, Links, MOST_IN_FLIGHT, Signal};
use super::console::ConsoleExporter;
use super::file::FileExporter;
use super::frame::{Frame, Outcome};
use super::grpc::GrpcExporter;
use super::http::HttpExporter;
use super::sdk::ForeignExporter;

/// Frames in, outcomes out. As soon as the peer may have a part of a frame, the frame is marked so.
pub(crate) enum Exporter {
    /// One request after the other.
    Otlp(Box<Mutex<HttpExporter>>),
    /// The same.
    Grpc(Box<Mutex<GrpcExporter>>),
    Capnp(CapnpExporter),
    Console(ConsoleExporter),
    File(FileExporter),
    Foreign(ForeignExporter),
    #[cfg(test)]
    Scripted(std::rc::Rc<super::scripted::Scripted>),
}

impl Exporter {
    /// Exporters with the same `links` share the connection of an endpoint.
    pub(crate) fn new(
        plan: &ExporterPlan,
        signal: Signal,
        attempt_limit: Option<Duration>,
        links: &Links,
    ) -> Self {
        match plan {
            ExporterPlan::Otlp(plan) if plan.protocol == Protocol::Grpc => {
                Self::Grpc(Box::new(Mutex::new(GrpcExporter::new(plan, attempt_limit))))
            }
            ExporterPlan::Otlp(plan) => {
                Self::Otlp(Box::new(Mutex::new(HttpExporter::new(plan, attempt_limit))))
            }
            ExporterPlan::Capnp(plan) => {
                Self::Capnp(CapnpExporter::new(plan, signal, attempt_limit, links))
            }
            ExporterPlan::Foreign(foreign) => {
                Self::Foreign(ForeignExporter::new(foreign, attempt_limit))
            }
            ExporterPlan::File(FilePlan { path: Some(path), rotation }) => {
                Self::File(FileExporter::new(path, *rotation))
            }
            ExporterPlan::Console { .. }
            | ExporterPlan::File(FilePlan { path: None, .. })
            | ExporterPlan::Prometheus(_) => Self::Console(ConsoleExporter),
        }
    }

    /// How many frames may be under way at once.
    pub(crate) fn window(&self) -> usize {
        match self {
            Self::Otlp(_) | Self::Grpc(_) | Self::Console(_) | Self::File(_) | Self::Foreign(_) => {
                1
            }
            Self::Capnp(_) => MOST_IN_FLIGHT,
            #[cfg(test)]
            Self::Scripted(script) => script.window,
        }
    }

    /// One attempt, within the exporter's own time limit.
    pub(crate) async fn send(&self, frame: &Frame) -> Outcome {
        match self {
            // What is large is apart: all that waits for this is moved, and would be as large.
            Self::Otlp(exporter) => Box::pin(exporter.lock().await.send(frame)).await,
            Self::Grpc(exporter) => Box::pin(exporter.lock().await.send(frame)).await,
            Self::Capnp(exporter) => exporter.send(frame).await,
            Self::Console(exporter) => exporter.send(frame).await,
            Self::File(exporter) => Box::pin(exporter.send(frame)).await,
            Self::Foreign(exporter) => Box::pin(exporter.send(frame)).await,
            #[cfg(test)]
            Self::Scripted(script) => script.send(frame).await,
        }
    }
}
