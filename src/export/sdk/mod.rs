//! Exporters for the OpenTelemetry SDK's providers, over this crate's OTLP or Cap'n Proto.
//!
//! Each goes into its provider as it is:
//!
//! ```
//! # use opentelemetry_sdk::{logs::SdkLoggerProvider, metrics::SdkMeterProvider, trace::SdkTracerProvider};
//! # fn main() -> Result<(), trackside::telemetry::Error> {
//! use trackside::export::sdk::{LogExporter, MetricExporter, SpanExporter};
//!
//! let exporter = SpanExporter::builder().with_endpoint("http://localhost:4318").build()?;
//! let traces = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
//! let logs = SdkLoggerProvider::builder().with_batch_exporter(LogExporter::builder().build()?).build();
//! let metrics = SdkMeterProvider::builder().with_periodic_exporter(MetricExporter::builder().build()?).build();
//! # Ok(())
//! # }
//! ```
//!
//! [`CapnpSpanExporter`], [`CapnpLogExporter`] and [`CapnpMetricExporter`] are the same over Cap'n Proto.
//!
//! The other way round, [`WithExporters`] plugs any exporter of the SDK's into this crate's pipeline.
//!
//! An export is `Ok` only once the peer has acknowledged all of it. Until then it is tried again, with
//! growing waits, for as long as the exporter's timeout; what the peer refuses, in whole or in part,
//! is an `Err` with the peer's words. All exporters of a process share one thread with a runtime of
//! its own, started by the first `build`, so they work in any runtime of the host's, or in none.

mod builder;
mod capnp;
mod capnp_builder;
mod delivery;
mod exporter;
mod foreign;
mod transport;

pub use builder::ExporterBuilder;
pub use capnp::{CapnpLogExporter, CapnpMetricExporter, CapnpSpanExporter};
pub use capnp_builder::CapnpExporterBuilder;
pub use exporter::{LogExporter, MetricExporter, SpanExporter};
pub use foreign::WithExporters;
pub(crate) use foreign::{Foreign, ForeignExporter, Given};
