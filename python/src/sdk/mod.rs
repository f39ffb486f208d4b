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

impl Exporter {
    /// Whether it takes no protobuf; an empty request is sent to nobody.
    fn is_deaf(&self) -> bool {
        let nothing = Vec::new();
        match self {
            Self::Spans(exporter) => block_on(exporter.export_encoded(0, nothing)).is_err(),
            Self::Logs(exporter) => block_on(exporter.export_encoded(0, nothing)).is_err(),
            Self::Metrics(exporter) => block_on(exporter.export_encoded(0, nothing)).is_err(),
        }
    }
}

/// An exporter of the core's, for one signal: traces, logs or metrics.
#[pyclass(frozen, module = "trackside")]
pub struct SdkExporter(Exporter);

/// What a host gave; the environment says the rest.
struct Given<'a> {
    endpoint: Option<&'a str>,
    protocol: Option<&'a str>,
    headers: Vec<(String, String)>,
    timeout: Option<f64>,
    gzip: Option<bool>,
}

impl Given<'_> {
    fn to<E>(&self, mut builder: ExporterBuilder<E>) -> ExporterBuilder<E> {
        if let Some(endpoint) = self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(protocol) = self.protocol {
            builder = builder.with_protocol(protocol);
        }
        for (name, value) in &self.headers {
            builder = builder.with_header(name, value);
        }
        if let Some(timeout) = self.timeout {
            let timeout = Duration::try_from_secs_f64(timeout.max(0.0)).unwrap_or_default();
            builder = builder.with_timeout(timeout);
        }
        if let Some(gzip) = self.gzip {
            builder = builder.with_gzip(gzip);
        }
        builder
    }
}

#[pymethods]
impl SdkExporter {
    #[new]
    #[pyo3(signature = (signal, *, endpoint=None, protocol=None, headers=Vec::new(), timeout=None, gzip=None))]
    fn new(
        signal: &str,
        endpoint: Option<&str>,
        protocol: Option<&str>,
        headers: Vec<(String, String)>,
        timeout: Option<f64>,
        gzip: Option<bool>,
    ) -> PyResult<Self> {
        let bad = |error: Error| PyValueError::new_err(error.to_string());
        let given = Given { endpoint, protocol, headers, timeout, gzip };
        let made = match signal {
            "traces" => Exporter::Spans(given.to(SpanExporter::builder()).build().map_err(bad)?),
            "logs" => Exporter::Logs(given.to(LogExporter::builder()).build().map_err(bad)?),
            "metrics" => {
                Exporter::Metrics(given.to(MetricExporter::builder()).build().map_err(bad)?)
            }
            _ => return Err(PyValueError::new_err("the signal is traces, logs or metrics")),
        };
        if made.is_deaf() {
            let text = format!(
                "{signal}: OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_EXPORTER_OTLP_{}_PROTOCOL or the argument \
                 protocol asks for http/json, and what comes from Python's SDK is encoded as protobuf; \
                 use http/protobuf or grpc",
                signal.to_uppercase()
            );
            return Err(PyValueError::new_err(text));
        }
        Ok(Self(made))
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
