//! The variables that this version honours: one table, a row a line.

use std::path::PathBuf;
use std::time::Duration;

use super::endpoint::Endpoint;
use super::parse::{self, Header, Listed, Rule};
use super::plan::{
    Exemplars, Histograms, Propagators, Protocol, ProxyPlan, SamplerPlan, Temporality,
};
use crate::health::diagnostics::Level;
use crate::telemetry::MetricNames;

/// A variable: what it is called, and how its text is read.
pub(crate) struct Variable<T: 'static> {
    pub(crate) name: &'static str,
    /// As text, read by the same rule; empty where there is none.
    pub(crate) default: &'static str,
    pub(crate) rule: Rule<T>,
}

/// A row of the table, for the manual and the report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The rule that reads it; see `parse`.
    pub(crate) kind: &'static str,
    pub(crate) default: &'static str,
    pub(crate) meaning: &'static str,
}

/// The kind of what is set in vain.
const UNSUPPORTED: &str = "unsupported";

/// Every variable that is read, and every one of which this version says that it is not.
pub(crate) fn table() -> &'static [Row] {
    TABLE
}

macro_rules! variables {
    (
        read { $($name:ident $type:ty, $rule:ident, $default:literal, $meaning:literal;)* }
        refused { $($refused:ident, $why:literal;)* }
    ) => {
        $(
            #[doc = $meaning]
            #[allow(non_upper_case_globals, reason = "some are called so")]
            pub(crate) static $name: Variable<$type> = Variable {
                name: stringify!($name),
                default: $default,
                rule: parse::$rule,
            };
        )*
        static TABLE: &[Row] = &[$(
            Row {
                name: stringify!($name),
                kind: stringify!($rule),
                default: $default,
                meaning: $meaning,
            },
        )* $(
            Row { name: stringify!($refused), kind: UNSUPPORTED, default: "", meaning: $why },
        )*];
    };
}

variables! {
read {
    OTEL_SDK_DISABLED bool, boolean, "false", "`true` switches every signal off; propagation stays.";
    OTEL_SERVICE_NAME String, text, "", "`service.name`; wins over `OTEL_RESOURCE_ATTRIBUTES`.";
    OTEL_RESOURCE_ATTRIBUTES Vec<(String, String)>, attributes, "", "`key=value,...`, percent-encoded.";
    OTEL_ENTITIES Vec<(String, String)>, entities, "", "`type{key=value,..}[key=value,..];..`: attributes of entities, which join the resource.";
    KUBERNETES_SERVICE_HOST (), presence, "", "Set by Kubernetes itself: where it is, the next five are read.";
    POD_NAME String, text, "", "`k8s.pod.name`, as Kubernetes' manual calls it.";
    POD_UID String, text, "", "`k8s.pod.uid`.";
    POD_NAMESPACE String, text, "", "`k8s.namespace.name`.";
    NODE_NAME String, text, "", "`k8s.node.name`.";
    CONTAINER_NAME String, text, "", "`k8s.container.name`.";
    OTEL_RESOURCE_ATTRIBUTES_POD_NAME String, text, "", "`k8s.pod.name`, as OpenTelemetry's operator calls it.";
    OTEL_RESOURCE_ATTRIBUTES_POD_UID String, text, "", "`k8s.pod.uid`.";
    OTEL_RESOURCE_ATTRIBUTES_NODE_NAME String, text, "", "`k8s.node.name`.";
    OTEL_K8S_POD_NAME String, text, "", "`k8s.pod.name`, as OpenTelemetry's charts call it.";
    OTEL_K8S_POD_UID String, text, "", "`k8s.pod.uid`.";
    OTEL_K8S_NAMESPACE String, text, "", "`k8s.namespace.name`.";
    OTEL_K8S_NODE_NAME String, text, "", "`k8s.node.name`.";
    OTEL_PROPAGATORS Propagators, propagators, "tracecontext,baggage", "Headers written and read: `tracecontext`, `baggage`, `b3`, `b3multi`, `jaeger`, a comma list of them, or `none`.";
    TRACEPARENT String, traceparent, "", "The context that the process is started with: `Telemetry::inherited`.";
    TRACESTATE String, tracestate, "", "Its `tracestate`.";
    BAGGAGE String, baggage, "", "Its baggage.";
    OTEL_TRACES_EXPORTER Listed<parse::Exporter>, exporters, "", "`otlp`, `capnp`, `console`, `file`, a comma list of them, or `none`.";
    OTEL_METRICS_EXPORTER Listed<parse::Exporter>, exporters, "", "`otlp`, `capnp`, `console`, `file`, `prometheus`, a comma list of them, or `none`.";
    OTEL_LOGS_EXPORTER Listed<parse::Exporter>, exporters, "", "`otlp`, `capnp`, `console`, `file`, a comma list of them, or `none`.";
    OTEL_TRACES_SAMPLER SamplerPlan, sampler, "parentbased_always_on", "The head sampler, by its standard name.";
    OTEL_TRACES_SAMPLER_ARG f64, ratio, "1.0", "The ratio of `traceidratio` and `parentbased_traceidratio`.";
    OTEL_EXPORTER_OTLP_ENDPOINT Endpoint, endpoint, "http://localhost:4318", "Base URL; `/v1/<signal>` is appended. Or `http+unix:/path`, `capnp://host:port`, `capnp+unix:/path`.";
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT Endpoint, endpoint, "", "URL for spans, used as it is.";
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT Endpoint, endpoint, "", "URL for metrics, used as it is.";
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT Endpoint, endpoint, "", "URL for logs, used as it is.";
    OTEL_EXPORTER_OTLP_PROTOCOL parse::Checked<Protocol>, protocol, "http/protobuf", "`http/protobuf`, `grpc` (feature `grpc`) or `http/json`.";
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL parse::Checked<Protocol>, protocol, "", "The same for spans.";
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL parse::Checked<Protocol>, protocol, "", "The same for metrics.";
    OTEL_EXPORTER_OTLP_LOGS_PROTOCOL parse::Checked<Protocol>, protocol, "", "The same for logs.";
    OTEL_EXPORTER_OTLP_HEADERS Vec<Header>, headers, "", "`name=value,...` on every request, values percent-encoded.";
    OTEL_EXPORTER_OTLP_TRACES_HEADERS Vec<Header>, headers, "", "The same for spans, instead of the general ones.";
    OTEL_EXPORTER_OTLP_METRICS_HEADERS Vec<Header>, headers, "", "The same for metrics, instead of the general ones.";
    OTEL_EXPORTER_OTLP_LOGS_HEADERS Vec<Header>, headers, "", "The same for logs, instead of the general ones.";
    OTEL_EXPORTER_OTLP_TIMEOUT Option<Duration>, timeout, "10000", "Milliseconds for one request; 0 is no limit.";
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT Option<Duration>, timeout, "", "The same for spans.";
    OTEL_EXPORTER_OTLP_METRICS_TIMEOUT Option<Duration>, timeout, "", "The same for metrics.";
    OTEL_EXPORTER_OTLP_LOGS_TIMEOUT Option<Duration>, timeout, "", "The same for logs.";
    OTEL_EXPORTER_OTLP_COMPRESSION parse::Asked, compression, "none", "`gzip` (OTLP), `zstd` (feature `zstd`), or `none`.";
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION parse::Asked, compression, "", "The same for spans.";
    OTEL_EXPORTER_OTLP_METRICS_COMPRESSION parse::Asked, compression, "", "The same for metrics.";
    OTEL_EXPORTER_OTLP_LOGS_COMPRESSION parse::Asked, compression, "", "The same for logs.";
    OTEL_EXPORTER_OTLP_CERTIFICATE PathBuf, file, "", "PEM file of the authorities that TLS trusts; none is the system's.";
    OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE PathBuf, file, "", "The same for spans.";
    OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE PathBuf, file, "", "The same for metrics.";
    OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE PathBuf, file, "", "The same for logs.";
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE PathBuf, file, "", "PEM file of the certificate that this client shows.";
    OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE PathBuf, file, "", "The same for spans.";
    OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE PathBuf, file, "", "The same for metrics.";
    OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE PathBuf, file, "", "The same for logs.";
    OTEL_EXPORTER_OTLP_CLIENT_KEY PathBuf, file, "", "PEM file of its key.";
    OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY PathBuf, file, "", "The same for spans.";
    OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY PathBuf, file, "", "The same for metrics.";
    OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY PathBuf, file, "", "The same for logs.";
    OTEL_EXPORTER_OTLP_INSECURE bool, boolean, "", "`true`: gRPC to an endpoint without a scheme has no TLS.";
    OTEL_EXPORTER_OTLP_TRACES_INSECURE bool, boolean, "", "The same for spans.";
    OTEL_EXPORTER_OTLP_METRICS_INSECURE bool, boolean, "", "The same for metrics.";
    OTEL_EXPORTER_OTLP_LOGS_INSECURE bool, boolean, "", "The same for logs.";
    OTEL_BSP_SCHEDULE_DELAY Duration, interval, "5000", "Milliseconds between two batches of spans.";
    OTEL_BSP_EXPORT_TIMEOUT Option<Duration>, timeout, "30000", "Milliseconds for one attempt; 0 is no limit.";
    OTEL_BSP_MAX_QUEUE_SIZE usize, size, "2048", "Spans that may wait.";
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE usize, size, "512", "Spans in one request; at most the queue.";
    OTEL_BLRP_SCHEDULE_DELAY Duration, interval, "1000", "Milliseconds between two batches of logs.";
    OTEL_BLRP_EXPORT_TIMEOUT Option<Duration>, timeout, "30000", "Milliseconds for one attempt; 0 is no limit.";
    OTEL_BLRP_MAX_QUEUE_SIZE usize, size, "2048", "Log records that may wait.";
    OTEL_BLRP_MAX_EXPORT_BATCH_SIZE usize, size, "512", "Log records in one request; at most the queue.";
    OTEL_METRIC_EXPORT_INTERVAL Duration, interval, "60000", "Milliseconds between two collections of metrics.";
    OTEL_METRIC_EXPORT_TIMEOUT Option<Duration>, timeout, "30000", "Milliseconds for one attempt; 0 is no limit.";
    OTEL_METRICS_EXEMPLAR_FILTER Exemplars, exemplar_filter, "trace_based", "`trace_based`, `always_on` or `always_off`: what stands behind the RPC set's durations.";
    OTEL_EXPORTER_PROMETHEUS_HOST String, text, "localhost", "Where `prometheus` listens.";
    OTEL_EXPORTER_PROMETHEUS_PORT u16, port, "9464", "Its port.";
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE Temporality, temporality, "cumulative", "`cumulative`, `delta` or `lowmemory`.";
    OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION Histograms, histograms, "explicit_bucket_histogram", "Or `base2_exponential_bucket_histogram`: of every histogram, whatever its boundaries.";
    OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT usize, limit, "", "Longest attribute value; none is no limit.";
    OTEL_ATTRIBUTE_COUNT_LIMIT usize, limit, "128", "Attributes on a span, an event, a link or a log record.";
    OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT usize, limit, "", "Longest attribute value of spans.";
    OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT usize, limit, "", "Attributes on a span.";
    OTEL_SPAN_EVENT_COUNT_LIMIT usize, limit, "128", "Events on a span.";
    OTEL_SPAN_LINK_COUNT_LIMIT usize, limit, "128", "Links on a span.";
    OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT usize, limit, "", "Attributes on an event.";
    OTEL_LINK_ATTRIBUTE_COUNT_LIMIT usize, limit, "", "Attributes on a link.";
    OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT usize, limit, "", "Longest attribute value of log records.";
    OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT usize, limit, "", "Attributes on a log record.";
    OTEL_SEMCONV_STABILITY_OPT_IN MetricNames, semconv, "", "`rpc`: conventional names of the metrics of calls only; `rpc/dup`: both sets.";
    OTEL_LOG_LEVEL Option<Level>, log_level, "none", "Our diagnostics on standard error, where neither `tracing` nor `log` is set up.";
    OTEL_CONFIG_FILE PathBuf, file, "", "A file of declarative configuration (feature `config-file`); what it says takes the place of all `OTEL_*` variables, which count where it refers to them.";
    HTTP_PROXY parse::Checked<ProxyPlan>, proxy, "", "The proxy for `http://`, as `http://host:port`.";
    http_proxy parse::Checked<ProxyPlan>, proxy, "", "The same, where that is not set.";
    HTTPS_PROXY parse::Checked<ProxyPlan>, proxy, "", "The proxy for `https://`.";
    https_proxy parse::Checked<ProxyPlan>, proxy, "", "The same, where that is not set.";
    NO_PROXY String, text, "", "Hosts without a proxy: names, `.domain`, addresses, networks, or `*`.";
    no_proxy String, text, "", "The same, where that is not set.";
    NO_COLOR (), presence, "", "Anything: no colours on the console.";
}
refused {
    OTEL_EXPERIMENTAL_CONFIG_FILE, "Not supported: it was a name on trial.";
    OTEL_BSP_MAX_CONCURRENT_EXPORTS, "Not supported: not in the specification, and one batch after the other leaves for each destination.";
    OTEL_EXPORTER_OTLP_SPAN_INSECURE, "Not supported: obsolete; the endpoint's scheme says whether there is TLS.";
    OTEL_EXPORTER_OTLP_METRIC_INSECURE, "Not supported: obsolete; the endpoint's scheme says whether there is TLS.";
    OTEL_EXPORTER_ZIPKIN_ENDPOINT, "Not supported: Zipkin is deprecated; send OTLP to a collector that speaks it.";
    OTEL_EXPORTER_ZIPKIN_TIMEOUT, "Not supported: Zipkin is deprecated; send OTLP to a collector that speaks it.";
    OTEL_EXPORTER_ZIPKIN_PROTOCOL, "Not supported: Zipkin is deprecated; send OTLP to a collector that speaks it.";
    OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN, "Not supported: exceptions are events of their span, or log records by `log_error`; nothing is sent twice.";
}
}

/// The part of the process environment that is ours to read, and what was wrong with it.
pub(super) fn of_process() -> (Vec<(String, String)>, Vec<String>) {
    let mut pairs = Vec::new();
    let mut complaints = Vec::new();
    // A CGI program's headers are variables, and `Proxy:` is what anybody may send.
    let is_cgi = std::env::var_os("REQUEST_METHOD").is_some();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| is_ours(name)) else {
            continue;
        };
        if is_cgi && name == HTTP_PROXY.name {
            continue;
        }
        match value.into_string() {
            Ok(value) => pairs.push((name.to_owned(), value)),
            Err(_) => complaints.push(format!("{name}: the value is not UTF-8; ignored")),
        }
    }
    (pairs, complaints)
}

/// The rows of what is deliberately not supported.
pub(super) fn unsupported() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().filter(|row| row.kind == UNSUPPORTED)
}

/// Whether a name is in the table.
pub(super) fn is_honoured(name: &str) -> bool {
    TABLE.iter().any(|row| row.name == name)
}

fn is_ours(name: &str) -> bool {
    name.starts_with("OTEL_") || is_honoured(name)
}
