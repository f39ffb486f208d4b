//! From a few arguments and the environment to an exporter over Cap'n Proto.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

use opentelemetry_sdk::metrics::Temporality;

use super::builder::say_all;
use super::capnp::{CapnpLogExporter, CapnpMetricExporter, CapnpSpanExporter};
use super::transport::{Line, Wire};
use crate::config::TelemetryConfig;
use crate::config::plan;
use crate::config::standalone::{self, Of};
use crate::error::Error;
use crate::export::capnp::Signal;

/// What an exporter over Cap'n Proto is made from; where nothing is given, the `OTEL_EXPORTER_OTLP_*`
/// variables say it, and where they say nothing, it is `localhost:4319`.
#[derive(Clone)]
#[must_use = "a builder does nothing until it builds"]
pub struct CapnpExporterBuilder<E = CapnpSpanExporter> {
    config: TelemetryConfig,
    timeout: Option<Duration>,
    temporality: Option<Temporality>,
    exporter: PhantomData<fn() -> E>,
}

impl<E> Default for CapnpExporterBuilder<E> {
    fn default() -> Self {
        Self {
            config: TelemetryConfig::default(),
            timeout: None,
            temporality: None,
            exporter: PhantomData,
        }
    }
}

impl<E> CapnpExporterBuilder<E> {
    /// Where the receiver listens; it stands over every variable.
    ///
    /// `capnp://host:port`, `http://host:port` and `host:port` are the same, `capnp+unix:/path` is a Unix
    /// socket; with the feature `tls`, `capnps://host:port` is TLS. `build` refuses anything else: a missing
    /// port, a path behind it, `https://`.
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.config = self.config.with_endpoint(&endpoint.into());
        self
    }

    /// Only `authorization` with `Bearer <token>` has a meaning here, and stands over every variable.
    ///
    /// The token is never shown.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.config = self.config.with_header(name, value);
        self
    }

    /// The authorities that TLS trusts, a file in PEM form; it stands over every variable.
    pub fn with_certificate(mut self, path: impl Into<PathBuf>) -> Self {
        self.config = self.config.with_certificate(path);
        self
    }

    /// A certificate and its key, files in PEM form, which TLS shows where a server asks; they stand over
    /// every variable.
    pub fn with_client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.config = self.config.with_client_certificate(certificate, key);
        self
    }

    /// How long one export may take, its repeats included; zero is no limit.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    fn line(&self, of: Of, signal: Signal) -> Result<(Line, plan::Temporality), Error> {
        let mut resolved = standalone::capnp(&self.config, of)?;
        if let Some(timeout) = self.timeout {
            resolved.plan.timeout = (!timeout.is_zero()).then_some(timeout);
        }
        say_all(&resolved.diagnostics);
        Ok((Line::open(Wire::Capnp(resolved.plan, signal))?, resolved.temporality))
    }
}

impl CapnpExporterBuilder<CapnpSpanExporter> {
    /// The exporter. The receiver need not be there yet.
    ///
    /// # Errors
    /// An argument or a variable that cannot be used (it is named, with a remedy), or a thread that the
    /// system refuses.
    pub fn build(self) -> Result<CapnpSpanExporter, Error> {
        Ok(CapnpSpanExporter::over(self.line(Of::Traces, Signal::Traces)?.0))
    }
}

impl CapnpExporterBuilder<CapnpLogExporter> {
    /// The exporter.
    ///
    /// # Errors
    /// As for [`CapnpSpanExporter`].
    pub fn build(self) -> Result<CapnpLogExporter, Error> {
        Ok(CapnpLogExporter::over(self.line(Of::Logs, Signal::Logs)?.0))
    }
}

impl CapnpExporterBuilder<CapnpMetricExporter> {
    /// Since when sums count; cumulative where neither this nor
    /// `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` says otherwise.
    pub fn with_temporality(mut self, temporality: Temporality) -> Self {
        self.temporality = Some(temporality);
        self
    }

    /// The exporter.
    ///
    /// # Errors
    /// As for [`CapnpSpanExporter`].
    pub fn build(self) -> Result<CapnpMetricExporter, Error> {
        let (line, preferred) = self.line(Of::Metrics, Signal::Metrics)?;
        Ok(CapnpMetricExporter::over(line, self.temporality.unwrap_or_else(|| preferred.into())))
    }
}

impl<E> fmt::Debug for CapnpExporterBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CapnpExporterBuilder")
    }
}
