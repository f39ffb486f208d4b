//! Any exporter of the SDK's as a destination of our pipeline.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::SpanExporter;
use tokio::sync::RwLock;

use crate::config::TelemetryConfig;
use crate::encode::sdk::Items;
use crate::export::deadline::Deadline;
use crate::export::frame::{Body, Frame, Outcome};

/// Exporters of the SDK's, or of anybody's, as destinations of this crate's pipeline.
///
/// Each has a queue and an account of its own, beside whatever the variables name, and is called on
/// the crate's one thread; so one that blocks the thread it is polled on holds up the others.
/// It is called once for each batch: retries are its own matter. An `Err` counts the batch as
/// `rejected`; [`OTelSdkError::Timeout`], a panic, and no answer within the export timeout
/// (`OTEL_BSP_EXPORT_TIMEOUT` and its like) count it as `unconfirmed`. A shutdown of the telemetry
/// shuts it down, so a clone of the configuration cannot use it again.
///
/// ```
/// use opentelemetry_sdk::trace::InMemorySpanExporter;
/// use trackside::export::sdk::WithExporters as _;
/// use trackside::telemetry::{self, TelemetryConfig};
///
/// # fn main() -> Result<(), telemetry::Error> {
/// let exporter = InMemorySpanExporter::default();
/// let telemetry = telemetry::init(TelemetryConfig::default().with_span_exporter(exporter.clone()))?;
/// drop(telemetry::span("load"));
/// telemetry.force_flush(std::time::Duration::from_secs(5))?;
/// assert_eq!(exporter.get_finished_spans().unwrap()[0].name, "load");
/// # Ok(())
/// # }
/// ```
pub trait WithExporters: Sized {
    /// Spans go to this exporter too; repeatable.
    ///
    /// Values that the SDK's spans cannot hold (bytes, arrays of mixed kinds) become text.
    #[must_use]
    fn with_span_exporter(self, exporter: impl SpanExporter + 'static) -> Self;

    /// Log records go to this exporter too; repeatable.
    #[must_use]
    fn with_log_exporter(self, exporter: impl LogExporter + 'static) -> Self;

    /// Metrics go to this exporter too; repeatable.
    ///
    /// They have the temporality of the pipeline, which is
    /// `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`; where the
    /// exporter asks for another one, `init` says so.
    #[must_use]
    fn with_metric_exporter(self, exporter: impl PushMetricExporter) -> Self;
}

impl WithExporters for TelemetryConfig {
    fn with_span_exporter(mut self, exporter: impl SpanExporter + 'static) -> Self {
        self.foreign.traces.push(Foreign::new(Spans(RwLock::new(exporter))));
        self
    }

    fn with_log_exporter(mut self, exporter: impl LogExporter + 'static) -> Self {
        self.foreign.logs.push(Foreign::new(Logs(RwLock::new(exporter))));
        self
    }

    fn with_metric_exporter(mut self, exporter: impl PushMetricExporter) -> Self {
        self.foreign.metrics.push(Foreign::new(Metrics(exporter)));
        self
    }
}

/// The exporters that a configuration was given.
#[derive(Clone, Default)]
pub(crate) struct Given {
    pub(crate) traces: Vec<Foreign>,
    pub(crate) metrics: Vec<Foreign>,
    pub(crate) logs: Vec<Foreign>,
}

/// One of them. Displays as the name of its type.
#[derive(Clone)]
pub(crate) struct Foreign {
    name: String,
    exporter: Arc<dyn Shim>,
}

/// The SDK's traits cannot be objects; this can, for each of them.
trait Shim: Send + Sync {
    fn set_resource(&self, resource: &Resource);
    fn export(&self, items: Items) -> Exporting<'_>;
    fn shut_down(&self, within: Duration) -> OTelSdkResult;

    /// What an exporter of metrics asks for.
    fn temporality(&self) -> Option<Temporality> {
        None
    }
}

type Exporting<'a> = Pin<Box<dyn Future<Output = OTelSdkResult> + 'a>>;

struct Spans<E>(RwLock<E>);
struct Logs<E>(RwLock<E>);
struct Metrics<E>(E);

fn of_another_signal() -> OTelSdkResult {
    Err(OTelSdkError::InternalFailure("the batch is of another signal".to_owned()))
}

impl<E: SpanExporter> Shim for Spans<E> {
    fn set_resource(&self, resource: &Resource) {
        if let Ok(mut exporter) = self.0.try_write() {
            exporter.set_resource(resource);
        }
    }

    fn export(&self, items: Items) -> Exporting<'_> {
        Box::pin(async {
            let Items::Spans(spans) = items else { return of_another_signal() };
            self.0.read().await.export(spans).await
        })
    }

    fn shut_down(&self, within: Duration) -> OTelSdkResult {
        self.0.try_read().map_or(Ok(()), |exporter| exporter.shutdown_with_timeout(within))
    }
}

impl<E: LogExporter> Shim for Logs<E> {
    fn set_resource(&self, resource: &Resource) {
        if let Ok(mut exporter) = self.0.try_write() {
            exporter.set_resource(resource);
        }
    }

    fn export(&self, items: Items) -> Exporting<'_> {
        Box::pin(async {
            let Items::Logs(logs) = items else { return of_another_signal() };
            let borrowed: Vec<_> = logs.iter().map(|(record, scope)| (record, scope)).collect();
            self.0.read().await.export(LogBatch::new(&borrowed)).await
        })
    }

    fn shut_down(&self, within: Duration) -> OTelSdkResult {
        self.0.try_read().map_or(Ok(()), |exporter| exporter.shutdown_with_timeout(within))
    }
}

impl<E: PushMetricExporter> Shim for Metrics<E> {
    /// It stands in each collection.
    fn set_resource(&self, _: &Resource) {}

    fn export(&self, items: Items) -> Exporting<'_> {
        Box::pin(async {
            let Items::Metrics(metrics) = items else { return of_another_signal() };
            self.0.export(&metrics).await
        })
    }

    fn shut_down(&self, within: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(within)
    }

    fn temporality(&self) -> Option<Temporality> {
        Some(self.0.temporality())
    }
}

impl Foreign {
    fn new<S: Shim + 'static>(shim: S) -> Self {
        // `path::Spans<other::path::Exporter<..>>` is shown as `Exporter`.
        let name = std::any::type_name::<S>().split('<').nth(1).unwrap_or_default();
        let name = name.trim_end_matches('>').rsplit("::").next().unwrap_or_default();
        Self { name: name.to_owned(), exporter: Arc::new(shim) }
    }

    /// What an exporter of metrics asks for.
    pub(crate) fn temporality(&self) -> Option<Temporality> {
        self.exporter.temporality()
    }

    pub(crate) fn set_resource(&self, resource: &Resource) {
        // Its panic must not take our thread with it; the first export may tell more.
        let _ = catch_unwind(AssertUnwindSafe(|| self.exporter.set_resource(resource)));
    }

    /// Shuts it down; the error is what there is to say about it.
    pub(crate) fn shut_down(&self, within: Duration) -> Result<(), String> {
        let ended = catch_unwind(AssertUnwindSafe(|| self.exporter.shut_down(within)));
        match ended {
            Ok(Ok(()) | Err(OTelSdkError::AlreadyShutdown)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it panicked".to_owned()),
        }
    }
}

impl PartialEq for Foreign {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.exporter, &other.exporter)
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Hands frames to a foreign exporter.
pub(crate) struct ForeignExporter {
    foreign: Foreign,
    limit: Option<Duration>,
}

impl ForeignExporter {
    pub(crate) fn new(foreign: &Foreign, limit: Option<Duration>) -> Self {
        Self { foreign: foreign.clone(), limit }
    }

    /// The one attempt. A panic of the exporter's is left to whoever polls this.
    pub(crate) async fn send(&self, frame: &Frame) -> Outcome {
        let items = match &frame.body {
            Body::Sdk(batch) => batch.take(),
            Body::Bytes(_) | Body::Columns(_) => None,
        };
        let Some(items) = items else {
            let error = format!("{}: the batch has been handed over before", self.foreign);
            return Outcome::Unconfirmed { error };
        };
        frame.mark_sent();
        let exporting = self.foreign.exporter.export(items);
        let error = match Deadline::after(self.limit).within(exporting).await {
            Some(Ok(())) => return Outcome::Delivered { rejected: 0, message: None },
            Some(Err(error @ OTelSdkError::Timeout(_))) => error.to_string(),
            Some(Err(error)) => {
                return Outcome::Refused { error: format!("{}: {error}", self.foreign) };
            }
            None => format!("no answer within {:?}", self.limit.unwrap_or_default()),
        };
        Outcome::Unconfirmed { error: format!("{}: {error}", self.foreign) }
    }
}
