//! A row a variable and a row a bad input, with what comes of it; the files below have the rest.

mod arguments;
mod capnp;
mod certificates;
mod detectors;
mod process;
mod protocols;
mod secrets;
mod signals;

use std::fmt::Debug;

use super::plan::{BatchPlan, Plan};
use super::variables::table;
use super::{Resolved, TelemetryConfig};
use crate::telemetry::Detector;

fn with(config: TelemetryConfig, variables: &[(&str, &str)]) -> Resolved {
    let owned = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    undetected(config).with_variables(owned.collect()).plan().expect("the arguments are good")
}

/// Without what the machine has to say; `detectors.rs` has that. Of Kubernetes only variables speak.
fn undetected(config: TelemetryConfig) -> TelemetryConfig {
    use Detector::{CommandLine, Container, Distro, Host, HostId, Instance, Os, Process};
    let all = [Distro, Instance, Host, HostId, Os, Process, CommandLine, Container];
    all.into_iter().fold(config, |config, detector| config.with_detector(detector, false))
}

fn plan(variables: &[(&str, &str)]) -> Resolved {
    with(TelemetryConfig::default(), variables)
}

fn show(value: impl Debug) -> String {
    format!("{value:?}")
}

// What a row looks at.
fn sampler(plan: &Plan) -> String {
    plan.sampler.to_string()
}
fn resource(plan: &Plan) -> String {
    let own = plan.resource.iter().filter(|(key, _)| !key.starts_with("telemetry.sdk."));
    own.map(|(key, value)| format!("{key}={value}|")).collect()
}
fn propagators(plan: &Plan) -> String {
    plan.propagators.to_string()
}
fn inherited(plan: &Plan) -> String {
    plan.inherited.iter().map(|(name, value)| format!("{name}={value}|")).collect()
}
fn names(plan: &Plan) -> String {
    show(plan.metrics.names)
}
/// Of what is not supported there is only the warning.
fn nothing(_: &Plan) -> String {
    String::new()
}
fn metrics(plan: &Plan) -> String {
    let metrics = &plan.metrics;
    format!("{:?} {:?} {}", metrics.interval, metrics.timeout, metrics.temporality)
}
fn histograms(plan: &Plan) -> String {
    show(plan.metrics.histograms)
}
fn exemplars(plan: &Plan) -> String {
    show(plan.metrics.exemplars)
}
fn span_batch(plan: &Plan) -> String {
    batch(&plan.traces.batch)
}
fn log_batch(plan: &Plan) -> String {
    batch(&plan.logs.batch)
}
fn batch(batch: &BatchPlan) -> String {
    let (delay, timeout) = (batch.schedule_delay, batch.export_timeout);
    format!("{delay:?} {timeout:?} {} {}", batch.max_queue, batch.max_batch)
}
fn log_level(plan: &Plan) -> String {
    show(plan.log_level)
}
fn log_limits(plan: &Plan) -> String {
    format!("{:?} {}", plan.logs.limits.value_length, plan.logs.limits.attributes)
}
fn limits(plan: &Plan) -> String {
    let limits = &plan.limits;
    format!(
        "{:?} {} {} {} {} {}",
        limits.value_length,
        limits.attributes,
        limits.events,
        limits.links,
        limits.event_attributes,
        limits.link_attributes
    )
}

const FETCH: bool = crate::export::HAS_PROMETHEUS;
const FETCHED: (&str, &str) = ("OTEL_METRICS_EXPORTER", "prometheus");

fn fetched(plan: &Plan) -> String {
    plan.metrics.exporters.iter().map(ToString::to_string).collect()
}

/// Variables; what to look at; what is there; what a diagnostic holds (empty: there is none).
type Row =
    (&'static [(&'static str, &'static str)], fn(&Plan) -> String, &'static str, &'static str);

const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318");
const NAMED: (&str, &str) = ("OTEL_SERVICE_NAME", "a");
const IN_PODS: (&str, &str) = ("KUBERNETES_SERVICE_HOST", "10.0.0.1");
const PARENT: &str = "00-12345678901234567890123456789012-1234567890123456-01";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (&[("OTEL_SDK_DISABLED", "true"), BASE], propagators, "tracecontext,baggage", ""),
    (&[("OTEL_SDK_DISABLED", "yes"), BASE], propagators, "tracecontext,baggage", "OTEL_SDK_DISABLED: \"yes\" is neither true nor false"),

    (&[("OTEL_SERVICE_NAME", "checkout")], resource, "service.name=checkout|", ""),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=b,k=v"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|k=v|", ""),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "k=v,service.name=b"), ("OTEL_SERVICE_NAME", "")], resource, "service.name=b|k=v|", ""),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=dev, k%2C = x%3Dy%20z ,"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|deployment.environment=dev|k,=x=y z|", ""),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "good=1,bad=%zz"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|", "OTEL_RESOURCE_ATTRIBUTES: \"bad=%zz\" is not a percent-encoded"),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "good=1,bad=%4"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|", "OTEL_RESOURCE_ATTRIBUTES"),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "good=1,bad=%ff"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|", "OTEL_RESOURCE_ATTRIBUTES"),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "good=1,alone"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|", "OTEL_RESOURCE_ATTRIBUTES"),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "=1"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|", "OTEL_RESOURCE_ATTRIBUTES"),

    (&[("OTEL_ENTITIES", "host{host.id=h1}[host.type=big]"), ("OTEL_RESOURCE_ATTRIBUTES", "host.type=small"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|host.type=small|host.id=h1|", ""),
    (&[("OTEL_ENTITIES", "service{service.name=b};host{}")], resource, "service.name=b|", "OTEL_ENTITIES: \"host{}\": it has no attribute that identifies it"),

    (&[("KUBERNETES_SERVICE_HOST", "10.0.0.1"), NAMED], resource, "service.name=a|", ""),
    (&[("POD_NAME", "p"), IN_PODS, NAMED], resource, "service.name=a|k8s.pod.name=p|", ""),
    (&[("POD_UID", "u"), IN_PODS, NAMED], resource, "service.name=a|k8s.pod.uid=u|", ""),
    (&[("POD_NAMESPACE", "n"), IN_PODS, NAMED], resource, "service.name=a|k8s.namespace.name=n|", ""),
    (&[("NODE_NAME", "m"), IN_PODS, NAMED], resource, "service.name=a|k8s.node.name=m|", ""),
    (&[("NODE_NAME", "a build machine"), NAMED], resource, "service.name=a|", ""),
    (&[("CONTAINER_NAME", "c"), IN_PODS, NAMED], resource, "service.name=a|k8s.container.name=c|", ""),
    (&[("OTEL_RESOURCE_ATTRIBUTES_POD_NAME", "p"), ("POD_NAME", "other"), IN_PODS, NAMED], resource, "service.name=a|k8s.pod.name=p|", ""),
    (&[("OTEL_RESOURCE_ATTRIBUTES_POD_UID", "u"), NAMED], resource, "service.name=a|k8s.pod.uid=u|", ""),
    (&[("OTEL_RESOURCE_ATTRIBUTES_NODE_NAME", "m"), NAMED], resource, "service.name=a|k8s.node.name=m|", ""),
    (&[("OTEL_K8S_POD_NAME", "p"), NAMED], resource, "service.name=a|k8s.pod.name=p|", ""),
    (&[("OTEL_K8S_POD_UID", "u"), NAMED], resource, "service.name=a|k8s.pod.uid=u|", ""),
    (&[("OTEL_K8S_NAMESPACE", "n"), NAMED], resource, "service.name=a|k8s.namespace.name=n|", ""),
    (&[("OTEL_K8S_NODE_NAME", "m"), ("OTEL_RESOURCE_ATTRIBUTES", "k8s.node.name=given"), NAMED], resource, "service.name=a|k8s.node.name=given|", ""),

    (&[], propagators, "tracecontext,baggage", ""),
    (&[("OTEL_PROPAGATORS", "tracecontext")], propagators, "tracecontext", ""),
    (&[("OTEL_PROPAGATORS", "Baggage,baggage")], propagators, "baggage", ""),
    (&[("OTEL_PROPAGATORS", "none")], propagators, "none", ""),
    (&[("OTEL_PROPAGATORS", "none,baggage")], propagators, "none", "names none beside others"),
    (&[("OTEL_PROPAGATORS", "B3multi,baggage, b3 ,B3MULTI")], propagators, "b3multi,baggage,b3", ""),
    (&[("OTEL_PROPAGATORS", "jaeger,tracecontext")], propagators, "jaeger,tracecontext", ""),
    (&[("OTEL_PROPAGATORS", "XRay,baggage")], propagators, "baggage", "OTEL_PROPAGATORS: \"XRay\" is not supported: it is one vendor's"),
    (&[("OTEL_PROPAGATORS", "ottrace")], propagators, "tracecontext,baggage", "\"ottrace\" is not supported"),
    (&[("OTEL_PROPAGATORS", "B4,baggage")], propagators, "baggage", "OTEL_PROPAGATORS: \"B4\" is not one of tracecontext, baggage, b3, b3multi, jaeger"),

    (&[("TRACEPARENT", PARENT)], inherited, "traceparent=00-12345678901234567890123456789012-1234567890123456-01|", ""),
    (&[("TRACEPARENT", "00-1-2-01")], inherited, "", "TRACEPARENT: \"00-1-2-01\" is not a traceparent"),
    (&[("TRACESTATE", "a=1,b=2"), ("TRACEPARENT", PARENT)], inherited, "traceparent=00-12345678901234567890123456789012-1234567890123456-01|tracestate=a=1,b=2|", ""),
    (&[("TRACESTATE", "A=1")], inherited, "", "TRACESTATE: \"A=1\" is not a tracestate"),
    (&[("BAGGAGE", "k=v")], inherited, "baggage=k=v|", ""),
    (&[("BAGGAGE", ";;")], inherited, "", "BAGGAGE: no member is one of W3C Baggage"),

    (&[], sampler, "parentbased_always_on", ""),
    (&[("OTEL_TRACES_SAMPLER", "always_on")], sampler, "always_on", ""),
    (&[("OTEL_TRACES_SAMPLER", "Always_Off")], sampler, "always_off", ""),
    (&[("OTEL_TRACES_SAMPLER", "traceidratio")], sampler, "traceidratio 1", ""),
    (&[("OTEL_TRACES_SAMPLER", "parentbased_always_on")], sampler, "parentbased_always_on", ""),
    (&[("OTEL_TRACES_SAMPLER", "parentbased_always_off")], sampler, "parentbased_always_off", ""),
    (&[("OTEL_TRACES_SAMPLER", "ParentBased_Nonsense")], sampler, "parentbased_always_on", "\"ParentBased_Nonsense\" is not one of always_on"),
    (&[("OTEL_TRACES_SAMPLER", "jaeger_remote")], sampler, "parentbased_always_on", "OTEL_TRACES_SAMPLER: \"jaeger_remote\" is not supported: no strategy is fetched"),
    (&[("OTEL_TRACES_SAMPLER", "Parentbased_Jaeger_Remote")], sampler, "parentbased_always_on", "\"Parentbased_Jaeger_Remote\" is not supported"),
    (&[("OTEL_TRACES_SAMPLER", "xray")], sampler, "parentbased_always_on", "\"xray\" is not supported"),
    (&[("OTEL_TRACES_SAMPLER_ARG", "0.1"), ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")], sampler, "parentbased_traceidratio 0.1", ""),
    (&[("OTEL_TRACES_SAMPLER_ARG", "0"), ("OTEL_TRACES_SAMPLER", "traceidratio")], sampler, "traceidratio 0", ""),
    (&[("OTEL_TRACES_SAMPLER_ARG", "NaN"), ("OTEL_TRACES_SAMPLER", "traceidratio")], sampler, "traceidratio 1", "\"NaN\" is not a number from 0 to 1"),
    (&[("OTEL_TRACES_SAMPLER_ARG", "2"), ("OTEL_TRACES_SAMPLER", "traceidratio")], sampler, "traceidratio 1", "\"2\""),
    (&[("OTEL_TRACES_SAMPLER_ARG", "-1"), ("OTEL_TRACES_SAMPLER", "traceidratio")], sampler, "traceidratio 1", "\"-1\""),
    (&[("OTEL_TRACES_SAMPLER_ARG", "0.1")], sampler, "parentbased_always_on", "OTEL_TRACES_SAMPLER_ARG: the sampler parentbased_always_on takes no ratio"),

    (&[], span_batch, "5s Some(30s) 2048 512", ""),
    (&[("OTEL_BSP_SCHEDULE_DELAY", "200")], span_batch, "200ms Some(30s) 2048 512", ""),
    (&[("OTEL_BSP_SCHEDULE_DELAY", "0")], span_batch, "5s Some(30s) 2048 512", "OTEL_BSP_SCHEDULE_DELAY: \"0\" is not a whole number from 1"),
    (&[("OTEL_BSP_EXPORT_TIMEOUT", "7")], span_batch, "5s Some(7ms) 2048 512", ""),
    (&[("OTEL_BSP_EXPORT_TIMEOUT", "0")], span_batch, "5s None 2048 512", ""),
    (&[("OTEL_BSP_EXPORT_TIMEOUT", "soon")], span_batch, "5s Some(30s) 2048 512", "OTEL_BSP_EXPORT_TIMEOUT: \"soon\" is not a whole number from 0"),
    (&[("OTEL_BSP_MAX_QUEUE_SIZE", "600")], span_batch, "5s Some(30s) 600 512", ""),
    (&[("OTEL_BSP_MAX_QUEUE_SIZE", "0")], span_batch, "5s Some(30s) 2048 512", "OTEL_BSP_MAX_QUEUE_SIZE: \"0\""),
    (&[("OTEL_BSP_MAX_QUEUE_SIZE", "99999999999999999999")], span_batch, "5s Some(30s) 2048 512", "OTEL_BSP_MAX_QUEUE_SIZE"),
    (&[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100")], span_batch, "5s Some(30s) 2048 100", ""),
    (&[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0")], span_batch, "5s Some(30s) 2048 512", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE: \"0\""),
    (&[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9"), ("OTEL_BSP_MAX_QUEUE_SIZE", "8")], span_batch, "5s Some(30s) 8 8", "9 is more than the queue holds; 8 is used"),

    (&[], log_batch, "1s Some(30s) 2048 512", ""),
    (&[("OTEL_BLRP_SCHEDULE_DELAY", "200")], log_batch, "200ms Some(30s) 2048 512", ""),
    (&[("OTEL_BLRP_SCHEDULE_DELAY", "0")], log_batch, "1s Some(30s) 2048 512", "OTEL_BLRP_SCHEDULE_DELAY: \"0\" is not a whole number from 1"),
    (&[("OTEL_BLRP_EXPORT_TIMEOUT", "7")], log_batch, "1s Some(7ms) 2048 512", ""),
    (&[("OTEL_BLRP_EXPORT_TIMEOUT", "0")], log_batch, "1s None 2048 512", ""),
    (&[("OTEL_BLRP_EXPORT_TIMEOUT", "2147483648")], log_batch, "1s Some(30s) 2048 512", "OTEL_BLRP_EXPORT_TIMEOUT: \"2147483648\" is not a whole number from 0 to 2147483647"),
    (&[("OTEL_BLRP_MAX_QUEUE_SIZE", "600")], log_batch, "1s Some(30s) 600 512", ""),
    (&[("OTEL_BLRP_MAX_QUEUE_SIZE", "0")], log_batch, "1s Some(30s) 2048 512", "OTEL_BLRP_MAX_QUEUE_SIZE: \"0\""),
    (&[("OTEL_BLRP_MAX_QUEUE_SIZE", "99999999999999999999")], log_batch, "1s Some(30s) 2048 512", "OTEL_BLRP_MAX_QUEUE_SIZE"),
    (&[("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "100")], log_batch, "1s Some(30s) 2048 100", ""),
    (&[("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "0")], log_batch, "1s Some(30s) 2048 512", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: \"0\""),
    (&[("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "9"), ("OTEL_BLRP_MAX_QUEUE_SIZE", "8")], log_batch, "1s Some(30s) 8 8", "9 is more than the queue holds; 8 is used"),

    (&[("OTEL_EXPORTER_PROMETHEUS_HOST", "[::1]"), FETCHED], fetched, if FETCH { "http://[::1]:9464/metrics" } else { "" }, if FETCH { "" } else { "the feature `prometheus`" }),
    (&[("OTEL_EXPORTER_PROMETHEUS_PORT", "9999"), FETCHED], fetched, if FETCH { "http://localhost:9999/metrics" } else { "" }, if FETCH { "" } else { "the feature `prometheus`" }),
    (&[("OTEL_EXPORTER_PROMETHEUS_PORT", "0"), FETCHED], fetched, if FETCH { "http://localhost:9464/metrics" } else { "" }, if FETCH { "\"0\" is not a port" } else { "the feature `prometheus`" }),
    (&[("OTEL_TRACES_EXPORTER", "prometheus")], fetched, "", "prometheus is for metrics"),

    (&[], metrics, "60s Some(30s) cumulative", ""),
    (&[("OTEL_METRIC_EXPORT_INTERVAL", "200")], metrics, "200ms Some(30s) cumulative", ""),
    (&[("OTEL_METRIC_EXPORT_INTERVAL", "0")], metrics, "60s Some(30s) cumulative", "OTEL_METRIC_EXPORT_INTERVAL: \"0\" is not a whole number from 1"),
    (&[("OTEL_METRIC_EXPORT_INTERVAL", "1m")], metrics, "60s Some(30s) cumulative", "OTEL_METRIC_EXPORT_INTERVAL: \"1m\""),
    (&[("OTEL_METRIC_EXPORT_TIMEOUT", "7")], metrics, "60s Some(7ms) cumulative", ""),
    (&[("OTEL_METRIC_EXPORT_TIMEOUT", "0")], metrics, "60s None cumulative", ""),
    (&[("OTEL_METRIC_EXPORT_TIMEOUT", "-1")], metrics, "60s Some(30s) cumulative", "OTEL_METRIC_EXPORT_TIMEOUT: \"-1\""),
    (&[("OTEL_METRICS_EXEMPLAR_FILTER", "Always_Off")], exemplars, "Never", ""),
    (&[("OTEL_METRICS_EXEMPLAR_FILTER", "trace_based")], exemplars, "OfSpans", ""),
    (&[("OTEL_METRICS_EXEMPLAR_FILTER", "always_on")], exemplars, "Always", ""),
    (&[("OTEL_METRICS_EXEMPLAR_FILTER", "sometimes")], exemplars, "OfSpans", "OTEL_METRICS_EXEMPLAR_FILTER: \"sometimes\" is not one of trace_based, always_on, always_off"),
    (&[("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Cumulative")], metrics, "60s Some(30s) cumulative", ""),
    (&[("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "DELTA")], metrics, "60s Some(30s) delta", ""),
    (&[("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", " LowMemory ")], metrics, "60s Some(30s) lowmemory", ""),
    (&[("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Sometimes")], metrics, "60s Some(30s) cumulative", "\"Sometimes\" is not one of cumulative, delta, lowmemory"),

    (&[("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "Base2_Exponential_Bucket_Histogram")], histograms, "Exponential", ""),
    (&[("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram")], histograms, "Explicit", ""),
    (&[("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "Base10")], histograms, "Explicit", "\"Base10\" is not one of explicit_bucket_histogram, base2_exponential_bucket_histogram"),
    (&[("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram"), FETCHED], histograms, if FETCH { "Explicit" } else { "Exponential" }, if FETCH { "prometheus takes no exponential histograms" } else { "the feature `prometheus`" }),

    (&[], log_level, "None", ""),
    (&[("OTEL_LOG_LEVEL", "none")], log_level, "None", ""),
    (&[("OTEL_LOG_LEVEL", "error")], log_level, "Some(Error)", ""),
    (&[("OTEL_LOG_LEVEL", "WARN")], log_level, "Some(Warn)", ""),
    (&[("OTEL_LOG_LEVEL", " Info ")], log_level, "Some(Info)", ""),
    (&[("OTEL_LOG_LEVEL", "debug")], log_level, "Some(Debug)", ""),
    (&[("OTEL_LOG_LEVEL", "loud")], log_level, "None", "OTEL_LOG_LEVEL: \"loud\" is not one of none, error, warn, info, debug"),

    (&[], limits, "None 128 128 128 128 128", ""),
    (&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "64")], limits, "Some(64) 128 128 128 128 128", ""),
    (&[("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "9"), ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "64")], limits, "Some(9) 128 128 128 128 128", ""),
    (&[("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long"), ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "64")], limits, "Some(64) 128 128 128 128 128", "\"long\""),
    (&[("OTEL_ATTRIBUTE_COUNT_LIMIT", "7")], limits, "None 7 128 128 7 7", ""),
    (&[("OTEL_ATTRIBUTE_COUNT_LIMIT", "-7")], limits, "None 128 128 128 128 128", "\"-7\""),
    (&[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1"), ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7")], limits, "None 1 128 128 7 7", ""),
    (&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1.5")], limits, "None 128 128 128 128 128", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: \"1.5\""),
    (&[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-1"), ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7")], limits, "None 7 128 128 7 7", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: \"-1\""),
    (&[("OTEL_SPAN_EVENT_COUNT_LIMIT", "many")], limits, "None 128 128 128 128 128", "OTEL_SPAN_EVENT_COUNT_LIMIT: \"many\""),
    (&[("OTEL_SPAN_LINK_COUNT_LIMIT", "1 2")], limits, "None 128 128 128 128 128", "OTEL_SPAN_LINK_COUNT_LIMIT: \"1 2\""),
    (&[("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "0x4")], limits, "None 128 128 128 128 128", "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: \"0x4\""),
    (&[("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "1e3")], limits, "None 128 128 128 128 128", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: \"1e3\""),
    (&[("OTEL_SPAN_EVENT_COUNT_LIMIT", "0")], limits, "None 128 0 128 128 128", ""),
    (&[("OTEL_SPAN_LINK_COUNT_LIMIT", "3")], limits, "None 128 128 3 128 128", ""),
    (&[("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "4"), ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7")], limits, "None 7 128 128 4 7", ""),
    (&[("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "5"), ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7")], limits, "None 7 128 128 7 5", ""),

    (&[], names, "Both", ""),
    (&[("OTEL_SEMCONV_STABILITY_OPT_IN", "http, RPC")], names, "Semconv", ""),
    (&[("OTEL_SEMCONV_STABILITY_OPT_IN", "rpc/dup,rpc")], names, "Both", ""),
    (&[("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup")], names, "Both", ""),
    (&[("OTEL_SEMCONV_STABILITY_OPT_IN", "rpc/both,rpc")], names, "Semconv", "OTEL_SEMCONV_STABILITY_OPT_IN: \"rpc/both\" is not one of rpc, rpc/dup"),

    (&[("OTEL_EXPERIMENTAL_CONFIG_FILE", "/etc/otel.yaml")], nothing, "", "OTEL_EXPERIMENTAL_CONFIG_FILE: not supported"),
    (&[("OTEL_BSP_MAX_CONCURRENT_EXPORTS", "4")], nothing, "", "OTEL_BSP_MAX_CONCURRENT_EXPORTS: not supported: not in the specification"),
    (&[("OTEL_EXPORTER_OTLP_SPAN_INSECURE", "true")], nothing, "", "OTEL_EXPORTER_OTLP_SPAN_INSECURE: not supported: obsolete"),
    (&[("OTEL_EXPORTER_OTLP_METRIC_INSECURE", "true")], nothing, "", "OTEL_EXPORTER_OTLP_METRIC_INSECURE: not supported: obsolete"),
    (&[("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://h:9411")], nothing, "", "OTEL_EXPORTER_ZIPKIN_ENDPOINT: not supported: Zipkin is deprecated"),
    (&[("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "1")], nothing, "", "OTEL_EXPORTER_ZIPKIN_TIMEOUT: not supported"),
    (&[("OTEL_EXPORTER_ZIPKIN_PROTOCOL", "v2")], nothing, "", "OTEL_EXPORTER_ZIPKIN_PROTOCOL: not supported"),
    (&[("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs")], nothing, "", "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN: not supported: exceptions are events"),

    (&[], log_limits, "None 128", ""),
    (&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "64"), ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7")], log_limits, "Some(64) 7", ""),
    (&[("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "9"), ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "64")], log_limits, "Some(9) 128", ""),
    (&[("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long"), ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "64")], log_limits, "Some(64) 128", "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT: \"long\""),
    (&[("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "0"), ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7")], log_limits, "None 0", ""),
    (&[("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "-1"), ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7")], log_limits, "None 7", "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: \"-1\""),
    (&[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1"), ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1")], log_limits, "None 128", ""),
    (&[("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "1"), ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1")], limits, "None 128 128 128 128 128", ""),

];

#[test]
fn every_row_comes_out_as_written() {
    for (variables, look, expected, diagnostic) in ROWS {
        let resolved = plan(variables);
        assert_eq!(look(&resolved.plan), *expected, "{variables:?}");
        let said = resolved.report.diagnostics();
        if diagnostic.is_empty() {
            assert!(said.is_empty(), "{variables:?}: {said:?}");
        } else {
            assert!(matches!(said, [line] if line.contains(diagnostic)), "{variables:?}: {said:?}");
        }
    }
}

/// A row's first variable; how the row reads it; whether a diagnostic names it.
type Tried = (String, bool);

fn tried() -> Vec<Tried> {
    let mut tried = Vec::new();
    let mut add = |variables: &[(&str, &str)], said: &[String]| {
        let Some((name, value)) = variables.first() else { return };
        if value.is_empty() {
            return;
        }
        // Not only as the beginning of a longer name.
        let named = |line: &String| line.split([':', ' ']).any(|word| word == *name);
        match said.iter().any(named) {
            true => tried.push(((*name).to_owned(), true)),
            false if said.is_empty() => tried.push(((*name).to_owned(), false)),
            false => {}
        }
    };
    for (variables, ..) in ROWS {
        add(variables, plan(variables).report.diagnostics());
    }
    for signal in &signals::SIGNALS {
        for (config, variables, ..) in signals::ROWS.iter().chain(protocols::ROWS) {
            let spelled: Vec<_> =
                variables.iter().map(|(name, value)| (signal.spell(name), *value)).collect();
            let spelled: Vec<_> = spelled.iter().map(|(name, value)| (&**name, *value)).collect();
            add(&spelled, with(config(signal), &spelled).report.diagnostics());
        }
    }
    tried
}

#[test]
fn every_variable_has_a_row_that_takes_it_and_one_that_does_not() {
    let tried = tried();
    let has = |name: &str, is_bad| tried.iter().any(|(of, bad)| of == name && *bad == is_bad);
    let mut missing = Vec::new();
    for row in table() {
        if !FETCH && row.name.starts_with("OTEL_EXPORTER_PROMETHEUS") {
            continue;
        }
        // What takes every text, and what takes none.
        let takes_all = ["text", "presence"].contains(&row.kind);
        let takes_none = row.kind == "unsupported";
        // Of TLS, of what is about gRPC, and of files: their rows are in certificates.rs, protocols.rs and declarative.
        let is_of_tls = row.name.eq_ignore_ascii_case("HTTPS_PROXY");
        let elsewhere = row.kind == "file" || row.name.ends_with("INSECURE") || is_of_tls;
        if !(takes_none || elsewhere || has(row.name, false)) {
            missing.push(format!("{}: none that takes it", row.name));
        }
        if !(takes_all || is_of_tls || has(row.name, true)) {
            missing.push(format!("{}: none with a bad value", row.name));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// A name a line; lines that begin with `#` say of which version.
const SPECIFICATION: &str = include_str!("tests/specification.txt");

#[test]
fn every_variable_of_the_specification_is_in_the_table_once() {
    let names: Vec<_> = SPECIFICATION.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(names.len() > 80, "{} names", names.len());
    for name in names {
        let rows = table().iter().filter(|row| row.name == name).count();
        assert_eq!(rows, 1, "{name}: rows in the table");
    }
}

#[test]
fn a_default_written_out_changes_nothing() {
    // Everything on, so that everything is read.
    let on = [
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
    ];
    let bare = plan(&on);
    for row in table().iter().filter(|row| row.name != "OTEL_TRACES_SAMPLER") {
        let spelled = plan(&[on.as_slice(), &[(row.name, row.default)]].concat());
        assert_eq!(spelled.plan, bare.plan, "{}", row.name);
        assert!(spelled.report.diagnostics().is_empty(), "{}", row.name);
    }
}
