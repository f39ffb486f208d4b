//! From bytes to somewhere. What is public of it is [`sdk`]: exporters for the OpenTelemetry SDK.

mod alarm;
pub(crate) mod capnp;
mod client;
mod coding;
mod connection;
mod connector;
mod console;
mod deadline;
mod exporter;
mod file;
mod frame;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(not(feature = "grpc"))]
#[path = "grpc/off.rs"]
mod grpc;
mod gzip;
mod http;
mod http_date;
mod json;
#[cfg(feature = "prometheus")]
#[path = "prometheus/on.rs"]
pub(crate) mod prometheus;
#[cfg(not(feature = "prometheus"))]
#[path = "prometheus/off.rs"]
pub(crate) mod prometheus;
mod protobuf;
mod response;
mod retry;
#[cfg(test)]
pub(crate) mod scripted;
pub mod sdk;
mod secrets;
mod tunnel;
#[cfg(feature = "zstd")]
#[path = "zstd/on.rs"]
mod zstd;
#[cfg(not(feature = "zstd"))]
#[path = "zstd/off.rs"]
mod zstd;

#[cfg(measuring)]
#[allow(dead_code, reason = "only the measurements of frames ask for it")]
pub(crate) fn zstd_compressed(data: &[u8], cuts: &[usize]) -> Option<Vec<u8>> {
    zstd::compress(data, cuts)
}

/// Whether bodies can be compressed with zstd.
pub(crate) const HAS_ZSTD: bool = zstd::SUPPORTED;

/// Whether OTLP can be spoken over gRPC.
pub(crate) const HAS_GRPC: bool = grpc::SUPPORTED;

/// What to do where it cannot.
pub(crate) const NO_GRPC: &str = "this build has no gRPC, which is the feature `grpc`";

/// Whether metrics can be fetched.
pub(crate) const HAS_PROMETHEUS: bool = prometheus::SUPPORTED;

#[doc(inline)]
pub use sdk::{CapnpExporterBuilder, CapnpLogExporter, CapnpMetricExporter, CapnpSpanExporter};

pub(crate) use alarm::Alarm;
pub(crate) use console::wants_color;
pub(crate) use exporter::Exporter;
#[cfg(feature = "receive")]
pub(crate) use file::LineFile;
pub(crate) use frame::{Body, Frame, Outcome};
#[cfg(feature = "receive")]
pub(crate) use http::HttpExporter;
pub(crate) use retry::Policy;

#[cfg(test)]
pub(crate) mod tests;
