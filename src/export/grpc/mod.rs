//! OTLP over gRPC: the bytes that HTTP takes too, as messages over HTTP/2.

mod answer;
mod connection;
mod exporter;
mod inflate;
mod status;
#[cfg(test)]
mod tests;

pub(crate) use exporter::GrpcExporter;

/// Whether this build can.
pub(crate) const SUPPORTED: bool = true;
