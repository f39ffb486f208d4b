//! From a few arguments and the environment to an exporter.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

use opentelemetry_sdk::metrics::Temporality;

use super::exporter::{LogExporter, MetricExporter, SpanExporter};
use super::transport::{Line, Wire};
use crate::config::TelemetryConfig;
use crate::config::plan::{self, Coding};
use crate::config::standalone::{self, Of};
use crate::error::Error;
use crate::health::diagnostics::{Diagnostics, Level};

/// What an exporter is made from; where nothing is given, the `OTEL_EXPORTER_OTLP_*` variables say it.
#[derive(Clone)]
#[must_use = "a builder does nothing until it builds"]
pub struct ExporterBuilder<E> {
    config: TelemetryConfig,
    timeout: Option<Duration>,
    gzip: Option<bool>,
    temporality: Option<Temporality>,
    exporter: PhantomData<fn() -> E>,
}

impl<E> ExporterBuilder<E> {
    pub(super) fn new() -> Self {
        Self {
            config: TelemetryConfig::default(),
            timeout: None,
            gzip: None,
            temporality: None,
            exporter: PhantomData,
        }
    }

    /// OTLP base URL; `/v1/<signal>` is appended. It stands over every variable.
    pub fn with_endpoint(mut self, url: &str) -> Self {
        self.config = self.config.with_endpoint(url);
        self
    }

    /// How OTLP is spoken: `http/protobuf`, `http/json`, or with the feature `grpc` also `grpc`; it stands over
    /// every variable.
    pub fn with_protocol(mut self, protocol: &str) -> Self {
        self.config = self.config.with_protocol(protocol);
        self
    }

    /// A header on every request; repeatable, the last of a name wins, also over a variable.
    ///
    /// A value is never shown.
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

    /// Whether requests from 1 KiB on are compressed with gzip.
    pub fn with_gzip(mut self, on: bool) -> Self {
        self.gzip = Some(on);
        self
    }

    fn line(&self, of: Of) -> Result<(Line, plan::Temporality), Error> {
        let mut resolved = standalone::otlp(&self.config, of)?;
        if let Some(timeout) = self.timeout {
            resolved.plan.timeout = (!timeout.is_zero()).then_some(timeout);
        }
        if let Some(gzip) = self.gzip {
            resolved.plan.coding = if gzip { Coding::Gzip } else { Coding::Identity };
        }
        say_all(&resolved.diagnostics);
        Ok((Line::open(Wire::Otlp(resolved.plan))?, resolved.temporality))
    }
}

/// What there is to say about the variables; an exporter has no status to keep it in.
pub(super) fn say_all(lines: &[String]) {
    let diagnostics = Diagnostics::new(None, None);
    for line in lines {
        diagnostics.say(Level::Warn, line, line);
    }
}

impl ExporterBuilder<SpanExporter> {
    /// The exporter.
    ///
    /// # Errors
    /// An argument or a variable that cannot be used (it is named, with a remedy), or a thread that the
    /// system refuses.
    pub fn build(self) -> Result<SpanExporter, Error> {
        Ok(SpanExporter::over(self.line(Of::Traces)?.0))
    }
}

impl ExporterBuilder<LogExporter> {
    /// The exporter.
    ///
    /// # Errors
    /// As for [`SpanExporter`].
    pub fn build(self) -> Result<LogExporter, Error> {
        Ok(LogExporter::over(self.line(Of::Logs)?.0))
    }
}

impl ExporterBuilder<MetricExporter> {
    /// Since when sums count; cumulative where neither this nor
    /// `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` says otherwise.
    pub fn with_temporality(mut self, temporality: Temporality) -> Self {
        self.temporality = Some(temporality);
        self
    }

    /// The exporter.
    ///
    /// # Errors
    /// As for [`SpanExporter`].
    pub fn build(self) -> Result<MetricExporter, Error> {
        let (line, preferred) = self.line(Of::Metrics)?;
        Ok(MetricExporter::over(line, self.temporality.unwrap_or_else(|| preferred.into())))
    }
}

impl<E> fmt::Debug for ExporterBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExporterBuilder")
    }
}
