//! From bytes to somewhere. What is public of it is [`sdk`]: exporters for the OpenTelemetry SDK.

pub(crate) mod capnp;
mod connection;
mod console;
mod deadline;
mod exporter;
mod file;
mod frame;
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
#[cfg(feature = "zstd")]
#[path = "zstd/on.rs"]
mod zstd;
#[cfg(not(feature = "zstd"))]
#[path = "zstd/off.rs"]
mod zstd;

/// Whether frames of Cap'n Proto can be compressed.
pub(crate) const HAS_ZSTD: bool = zstd::SUPPORTED;

/// Whether metrics can be fetched.
pub(crate) const HAS_PROMETHEUS: bool = prometheus::SUPPORTED;

#[doc(inline)]
pub use sdk::{CapnpExporterBuilder, CapnpLogExporter, CapnpMetricExporter, CapnpSpanExporter};

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
