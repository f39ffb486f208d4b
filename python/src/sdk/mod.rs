//! Exporters for Python's own SDK: its objects, written as OTLP, on the core's road to an endpoint.

mod common;
mod log;
mod message;
mod metric;
mod trace;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::LogExporter as _;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter as _;
use opentelemetry_sdk::trace::SpanExporter as _;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use trackside::export::sdk::{ExporterBuilder, LogExporter, MetricExporter, SpanExporter};
use trackside::otel::sdk as opentelemetry_sdk;
use trackside::telemetry::Error;

/// One signal's exporter.
enum Exporter {
    Spans(SpanExporter),
    Logs(LogExporter),
    Metrics(MetricExporter),
}

/// An exporter of the core's, for one signal: traces, logs or metrics.
#[pyclass(frozen, module = "trackside")]
pub struct SdkExporter(Exporter);

fn configured<E>(
    mut builder: ExporterBuilder<E>,
    endpoint: Option<&str>,
    headers: Vec<(String, String)>,
    timeout: Option<f64>,
    gzip: Option<bool>,
) -> ExporterBuilder<E> {
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    for (name, value) in headers {
        builder = builder.with_header(&name, &value);
    }
    if let Some(timeout) = timeout {
        let timeout = Duration::try_from_secs_f64(timeout.max(0.0)).unwrap_or_default();
        builder = builder.with_timeout(timeout);
    }
    if let Some(gzip) = gzip {
        builder = builder.with_gzip(gzip);
    }
    builder
}

#[pymethods]
impl SdkExporter {
    #[new]
    #[pyo3(signature = (signal, *, endpoint=None, headers=Vec::new(), timeout=None, gzip=None))]
    fn new(
        signal: &str,
        endpoint: Option<&str>,
        headers: Vec<(String, String)>,
        timeout: Option<f64>,
        gzip: Option<bool>,
    ) -> PyResult<Self> {
        let bad = |error: Error| PyValueError::new_err(error.to_string());
        Ok(Self(match signal {
            "traces" => {
                let builder = configured(SpanExporter::builder(), endpoint, headers, timeout, gzip);
                Exporter::Spans(builder.build().map_err(bad)?)
            }
            "logs" => {
                let builder = configured(LogExporter::builder(), endpoint, headers, timeout, gzip);
                Exporter::Logs(builder.build().map_err(bad)?)
            }
            "metrics" => {
                let builder =
                    configured(MetricExporter::builder(), endpoint, headers, timeout, gzip);
                Exporter::Metrics(builder.build().map_err(bad)?)
            }
            _ => return Err(PyValueError::new_err("the signal is traces, logs or metrics")),
        }))
    }

    /// Sends a batch, and waits for the answer without the GIL: None where all was taken, else what was wrong.
    fn export(&self, py: Python<'_>, batch: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
        match &self.0 {
            Exporter::Spans(exporter) => {
                let (items, resources) = common::grouped(batch)?;
                let request = common::request(&resources, trace::span)?;
                Ok(answer(py, || exporter.export_encoded(items, request)))
            }
            Exporter::Logs(exporter) => {
                let (items, resources) = common::grouped(batch)?;
                let request = common::request(&resources, log::log)?;
                Ok(answer(py, || exporter.export_encoded(items, request)))
            }
            Exporter::Metrics(exporter) => {
                let (items, request) = metric::request(batch)?;
                Ok(answer(py, || exporter.export_encoded(items, request)))
            }
        }
    }

    /// Waits for what was handed over before.
    fn flush(&self, py: Python<'_>) -> bool {
        py.detach(|| match &self.0 {
            Exporter::Spans(exporter) => exporter.force_flush(),
            Exporter::Metrics(exporter) => exporter.force_flush(),
            // It has nothing that waits but what is being exported.
            Exporter::Logs(_) => Ok(()),
        })
        .is_ok()
    }

    /// Takes nothing more, and waits for what is under way.
    fn shutdown(&self, py: Python<'_>, timeout: f64) -> bool {
        let within = Duration::try_from_secs_f64(timeout.clamp(0.0, 3.0e9)).unwrap_or_default();
        py.detach(|| match &self.0 {
            Exporter::Spans(exporter) => exporter.shutdown_with_timeout(within),
            Exporter::Logs(exporter) => exporter.shutdown_with_timeout(within),
            Exporter::Metrics(exporter) => exporter.shutdown_with_timeout(within),
        })
        .is_ok()
    }

    /// Since when sums count, by the environment: cumulative, delta or lowmemory.
    #[getter]
    fn temporality(&self) -> &'static str {
        match &self.0 {
            Exporter::Metrics(exporter) => match exporter.temporality() {
                Temporality::Delta => "delta",
                Temporality::LowMemory => "lowmemory",
                _ => "cumulative",
            },
            _ => "cumulative",
        }
    }
}

/// What became of an export.
fn answer<F>(py: Python<'_>, export: impl FnOnce() -> F + Send) -> Option<String>
where
    F: Future<Output = OTelSdkResult> + Send,
{
    py.detach(|| block_on(export())).err().map(|error| error.to_string())
}

struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Parked(std::thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}
