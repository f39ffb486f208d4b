//! The three signals: what each is called in variables, arguments and URLs, and what is planned for it.

use std::path::PathBuf;
use std::time::Duration;

use super::TelemetryConfig;
use super::endpoint::Endpoint;
use super::exporter::Destination;
use super::parse::{Asked, Checked, Exporter, Header, Listed};
use super::plan::{
    BatchPlan, ExporterPlan, Limits, LogLimits, LogsPlan, MetricsPlan, Protocol, Temporality,
    TracesPlan,
};
use super::report::Origin;
use super::resolve::{Resolver, milliseconds, milliseconds_or_none};
use super::variables::*;
use crate::export::sdk::Foreign;
use crate::telemetry::{MetricNames, Pace};

/// One signal, and the variables that are its own.
pub(super) struct Signal {
    /// As in the report and in `with_<name>`.
    pub(super) name: &'static str,
    /// What follows the base URL.
    pub(super) path: &'static str,
    /// What follows the host for gRPC.
    pub(super) service: &'static str,
    pub(super) argument: fn(&TelemetryConfig) -> Option<bool>,
    pub(super) foreign: fn(&TelemetryConfig) -> &[Foreign],
    pub(super) exporter: &'static Variable<Listed<Exporter>>,
    pub(super) endpoint: &'static Variable<Endpoint>,
    pub(super) protocol: &'static Variable<Checked<Protocol>>,
    pub(super) headers: &'static Variable<Vec<Header>>,
    pub(super) timeout: &'static Variable<Option<Duration>>,
    pub(super) compression: &'static Variable<Asked>,
    pub(super) certificate: &'static Variable<PathBuf>,
    pub(super) client_certificate: &'static Variable<PathBuf>,
    pub(super) client_key: &'static Variable<PathBuf>,
    pub(super) insecure: &'static Variable<bool>,
}

/// What a batch processor's variables are called.
struct BatchVariables {
    schedule_delay: &'static Variable<Duration>,
    export_timeout: &'static Variable<Option<Duration>>,
    max_queue: &'static Variable<usize>,
    max_batch: &'static Variable<usize>,
}

pub(super) static TRACES: Signal = Signal {
    name: "traces",
    path: "/v1/traces",
    service: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    argument: |config| config.traces,
    foreign: |config| &config.foreign.traces,
    exporter: &OTEL_TRACES_EXPORTER,
    endpoint: &OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    protocol: &OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
    headers: &OTEL_EXPORTER_OTLP_TRACES_HEADERS,
    timeout: &OTEL_EXPORTER_OTLP_TRACES_TIMEOUT,
    compression: &OTEL_EXPORTER_OTLP_TRACES_COMPRESSION,
    certificate: &OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE,
    client_certificate: &OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE,
    client_key: &OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY,
    insecure: &OTEL_EXPORTER_OTLP_TRACES_INSECURE,
};

pub(super) static METRICS: Signal = Signal {
    name: "metrics",
    path: "/v1/metrics",
    service: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    argument: |config| config.metrics,
    foreign: |config| &config.foreign.metrics,
    exporter: &OTEL_METRICS_EXPORTER,
    endpoint: &OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
    protocol: &OTEL_EXPORTER_OTLP_METRICS_PROTOCOL,
    headers: &OTEL_EXPORTER_OTLP_METRICS_HEADERS,
    timeout: &OTEL_EXPORTER_OTLP_METRICS_TIMEOUT,
    compression: &OTEL_EXPORTER_OTLP_METRICS_COMPRESSION,
    certificate: &OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE,
    client_certificate: &OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE,
    client_key: &OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY,
    insecure: &OTEL_EXPORTER_OTLP_METRICS_INSECURE,
};

pub(super) static LOGS: Signal = Signal {
    name: "logs",
    path: "/v1/logs",
    service: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    argument: |config| config.logs,
    foreign: |config| &config.foreign.logs,
    exporter: &OTEL_LOGS_EXPORTER,
    endpoint: &OTEL_EXPORTER_OTLP_LOGS_ENDPOINT,
    protocol: &OTEL_EXPORTER_OTLP_LOGS_PROTOCOL,
    headers: &OTEL_EXPORTER_OTLP_LOGS_HEADERS,
    timeout: &OTEL_EXPORTER_OTLP_LOGS_TIMEOUT,
    compression: &OTEL_EXPORTER_OTLP_LOGS_COMPRESSION,
    certificate: &OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE,
    client_certificate: &OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE,
    client_key: &OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY,
    insecure: &OTEL_EXPORTER_OTLP_LOGS_INSECURE,
};

static SPAN_BATCHES: BatchVariables = BatchVariables {
    schedule_delay: &OTEL_BSP_SCHEDULE_DELAY,
    export_timeout: &OTEL_BSP_EXPORT_TIMEOUT,
    max_queue: &OTEL_BSP_MAX_QUEUE_SIZE,
    max_batch: &OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
};

static LOG_BATCHES: BatchVariables = BatchVariables {
    schedule_delay: &OTEL_BLRP_SCHEDULE_DELAY,
    export_timeout: &OTEL_BLRP_EXPORT_TIMEOUT,
    max_queue: &OTEL_BLRP_MAX_QUEUE_SIZE,
    max_batch: &OTEL_BLRP_MAX_EXPORT_BATCH_SIZE,
};

impl Resolver<'_> {
    pub(super) fn traces(&mut self, destination: &Destination) -> TracesPlan {
        let (exporters, why) = self.exporters(&TRACES, destination);
        TracesPlan { exporters, why, batch: self.batch(TRACES.name, &SPAN_BATCHES) }
    }

    pub(super) fn metrics(&mut self, destination: &Destination) -> MetricsPlan {
        let (exporters, why) = self.exporters(&METRICS, destination);
        let preference = &OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE;
        let (asked, origin) = self.set_or_default(&[preference]);
        let temporality = self.temporality_for(&exporters, asked);
        self.report.set("metrics.temporality", temporality.to_string(), origin);
        self.compare_temporality(&exporters, temporality);
        let exemplars =
            self.setting("metrics.exemplars", &[&OTEL_METRICS_EXEMPLAR_FILTER], |exemplars| {
                exemplars.name().to_owned()
            });
        let histograms = self.histograms_for(&exporters);
        let of_sdk = self.sdk_metrics(&exporters);
        MetricsPlan {
            exemplars,
            histograms,
            of_sdk,
            exporters,
            why,
            interval: self.setting(
                "metrics.interval",
                &[&OTEL_METRIC_EXPORT_INTERVAL],
                milliseconds,
            ),
            timeout: self.setting(
                "metrics.timeout",
                &[&OTEL_METRIC_EXPORT_TIMEOUT],
                milliseconds_or_none,
            ),
            temporality,
            names: self.metric_names(),
        }
    }

    /// An exporter of the SDK's takes a collection whole, which has none of these.
    fn sdk_metrics(&mut self, exporters: &[ExporterPlan]) -> bool {
        let argued = self.config.sdk_metrics;
        let has_foreign = exporters.iter().any(|each| matches!(each, ExporterPlan::Foreign(_)));
        if has_foreign && argued == Some(true) {
            self.report.note(
                "with_sdk_metrics: an exporter of the SDK's cannot be given them; left out"
                    .to_owned(),
            );
        }
        let argued = argued.filter(|_| !has_foreign);
        self.argument("metrics.of_sdk", argued, false, bool::to_string)
    }

    fn metric_names(&mut self) -> MetricNames {
        let argued = self.config.metric_names.map(|names| (names, Origin::Argument));
        let set = argued.or_else(|| self.set(&[&OTEL_SEMCONV_STABILITY_OPT_IN]));
        let (names, origin) = set.unwrap_or_else(|| (MetricNames::default(), Origin::Default));
        self.report.set("metric_names", format!("{names:?}"), origin);
        names
    }

    /// One collection goes to every destination, so there is one temporality.
    fn compare_temporality(&mut self, exporters: &[ExporterPlan], ours: Temporality) {
        for exporter in exporters {
            let ExporterPlan::Foreign(foreign) = exporter else { continue };
            let theirs = foreign.temporality().map(Temporality::from);
            if let Some(theirs) = theirs.filter(|theirs| *theirs != ours) {
                let variable = OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE.name;
                self.report.note(format!(
                    "{foreign} asks for {theirs} metrics and is given {ours} ones; set {variable}"
                ));
            }
        }
    }

    pub(super) fn logs(&mut self, destination: &Destination) -> LogsPlan {
        let (exporters, why) = self.exporters(&LOGS, destination);
        let batch = self.batch(LOGS.name, &LOG_BATCHES);
        let limits = LogLimits {
            value_length: self.length_limit(
                "logs.limits.value_length",
                &[&OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT, &OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT],
            ),
            attributes: self.setting(
                "logs.limits.attributes",
                &[&OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT, &OTEL_ATTRIBUTE_COUNT_LIMIT],
                usize::to_string,
            ),
        };
        LogsPlan { exporters, why, batch, limits }
    }

    pub(super) fn span_limits(&mut self) -> Limits {
        let value_length = self.length_limit(
            "limits.value_length",
            &[&OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT, &OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT],
        );
        let mut limit =
            |name, variables: &[&Variable<usize>]| self.setting(name, variables, usize::to_string);
        let general = &OTEL_ATTRIBUTE_COUNT_LIMIT;
        Limits {
            value_length,
            attributes: limit("limits.attributes", &[&OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, general]),
            events: limit("limits.events", &[&OTEL_SPAN_EVENT_COUNT_LIMIT]),
            links: limit("limits.links", &[&OTEL_SPAN_LINK_COUNT_LIMIT]),
            event_attributes: limit(
                "limits.event_attributes",
                &[&OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT, general],
            ),
            link_attributes: limit(
                "limits.link_attributes",
                &[&OTEL_LINK_ATTRIBUTE_COUNT_LIMIT, general],
            ),
        }
    }

    fn length_limit(&mut self, name: &str, candidates: &[&Variable<usize>]) -> Option<usize> {
        let (length, origin) = match self.set(candidates) {
            Some((length, origin)) => (Some(length), origin),
            None => (None, Origin::Default),
        };
        let shown = length.map_or_else(|| "no limit".to_owned(), |length| length.to_string());
        self.report.set(name, shown, origin);
        length
    }

    fn batch(&mut self, signal: &str, variables: &BatchVariables) -> BatchPlan {
        let name = |setting: &str| format!("{signal}.batch.{setting}");
        let (schedule_delay, origin) = match self.set(&[variables.schedule_delay]) {
            Some(found) => found,
            None if self.config.pace == Some(Pace::Patient) => {
                (Duration::from_secs(10), Origin::Argument)
            }
            None => self.set_or_default(&[variables.schedule_delay]),
        };
        self.report.set(&name("schedule_delay"), milliseconds(&schedule_delay), origin);
        let export_timeout = self.setting(
            &name("export_timeout"),
            &[variables.export_timeout],
            milliseconds_or_none,
        );
        let max_queue = self.setting(&name("max_queue"), &[variables.max_queue], usize::to_string);
        let (mut max_batch, origin) = self.set_or_default(&[variables.max_batch]);
        if max_batch > max_queue {
            self.report.note(format!(
                "{}: {max_batch} is more than the queue holds; {max_queue} is used",
                variables.max_batch.name
            ));
            max_batch = max_queue;
        }
        self.report.set(&name("max_batch"), max_batch.to_string(), origin);
        BatchPlan { schedule_delay, export_timeout, max_queue, max_batch }
    }
}
