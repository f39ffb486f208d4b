//! A row a variable and a row a bad input, with what comes of it; the files below have the rest.

mod arguments;
mod capnp;
mod certificates;
mod process;
mod protocols;
mod secrets;
mod signals;

use std::fmt::Debug;

use super::plan::{BatchPlan, Plan};
use super::variables::table;
use super::{Resolved, TelemetryConfig};

fn with(config: TelemetryConfig, variables: &[(&str, &str)]) -> Resolved {
    let owned = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    config.with_variables(owned.collect()).plan().expect("the arguments are good")
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
    format!("{} {}", plan.propagators.trace_context, plan.propagators.baggage)
}
fn metrics(plan: &Plan) -> String {
    let metrics = &plan.metrics;
    format!("{:?} {:?} {}", metrics.interval, metrics.timeout, metrics.temporality)
}
fn exemplars(plan: &Plan) -> String {
    plan.metrics.has_exemplars.to_string()
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

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (&[("OTEL_SDK_DISABLED", "true"), BASE], propagators, "true true", ""),

    (&[("OTEL_SERVICE_NAME", "checkout")], resource, "service.name=checkout|", ""),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=b,k=v"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|k=v|", ""),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "k=v,service.name=b"), ("OTEL_SERVICE_NAME", "")], resource, "service.name=b|k=v|", ""),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=dev, k%2C = x%3Dy%20z ,"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|deployment.environment=dev|k,=x=y z|", ""),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "good=1,bad=%zz"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|", "OTEL_RESOURCE_ATTRIBUTES: \"bad=%zz\" is not a percent-encoded"),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "good=1,bad=%4"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|", "OTEL_RESOURCE_ATTRIBUTES"),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "good=1,bad=%ff"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|", "OTEL_RESOURCE_ATTRIBUTES"),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "good=1,alone"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|", "OTEL_RESOURCE_ATTRIBUTES"),
    (&[("OTEL_RESOURCE_ATTRIBUTES", "=1"), ("OTEL_SERVICE_NAME", "a")], resource, "service.name=a|", "OTEL_RESOURCE_ATTRIBUTES"),

    (&[], propagators, "true true", ""),
    (&[("OTEL_PROPAGATORS", "tracecontext")], propagators, "true false", ""),
    (&[("OTEL_PROPAGATORS", "Baggage,baggage")], propagators, "false true", ""),
    (&[("OTEL_PROPAGATORS", "none")], propagators, "false false", ""),
    (&[("OTEL_PROPAGATORS", "none,baggage")], propagators, "false false", "names none beside others"),
    (&[("OTEL_PROPAGATORS", "B3multi,baggage")], propagators, "false true", "\"B3multi\" is not one of tracecontext, baggage"),
    (&[("OTEL_PROPAGATORS", "b3")], propagators, "true true", "OTEL_PROPAGATORS: \"b3\""),

    (&[], sampler, "parentbased_always_on", ""),
    (&[("OTEL_TRACES_SAMPLER", "always_on")], sampler, "always_on", ""),
    (&[("OTEL_TRACES_SAMPLER", "Always_Off")], sampler, "always_off", ""),
    (&[("OTEL_TRACES_SAMPLER", "traceidratio")], sampler, "traceidratio 1", ""),
    (&[("OTEL_TRACES_SAMPLER", "parentbased_always_on")], sampler, "parentbased_always_on", ""),
    (&[("OTEL_TRACES_SAMPLER", "parentbased_always_off")], sampler, "parentbased_always_off", ""),
    (&[("OTEL_TRACES_SAMPLER", "ParentBased_Nonsense")], sampler, "parentbased_always_on", "\"ParentBased_Nonsense\" is not one of always_on"),
    (&[("OTEL_TRACES_SAMPLER", "jaeger_remote")], sampler, "parentbased_always_on", "\"jaeger_remote\""),
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
    (&[("OTEL_METRICS_EXEMPLAR_FILTER", "Always_Off")], exemplars, "false", ""),
    (&[("OTEL_METRICS_EXEMPLAR_FILTER", "trace_based")], exemplars, "true", ""),
    (&[("OTEL_METRICS_EXEMPLAR_FILTER", "always_on")], exemplars, "true", "OTEL_METRICS_EXEMPLAR_FILTER: \"always_on\" is not one of trace_based, always_off"),
    (&[("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Cumulative")], metrics, "60s Some(30s) cumulative", ""),
    (&[("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "DELTA")], metrics, "60s Some(30s) delta", ""),
    (&[("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", " LowMemory ")], metrics, "60s Some(30s) lowmemory", ""),
    (&[("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Sometimes")], metrics, "60s Some(30s) cumulative", "\"Sometimes\" is not one of cumulative, delta, lowmemory"),

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
    (&[("OTEL_SPAN_EVENT_COUNT_LIMIT", "0")], limits, "None 128 0 128 128 128", ""),
    (&[("OTEL_SPAN_LINK_COUNT_LIMIT", "3")], limits, "None 128 128 3 128 128", ""),
    (&[("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "4"), ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7")], limits, "None 7 128 128 4 7", ""),
    (&[("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "5"), ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7")], limits, "None 7 128 128 7 5", ""),

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

#[test]
fn every_variable_has_a_row() {
    let first = |variables: &[(&'static str, &'static str)]| {
        variables.first().filter(|(_, value)| !value.is_empty()).map(|(name, _)| *name)
    };
    let rows = signals::ROWS.iter().chain(protocols::ROWS);
    let shared = rows.filter_map(|(_, variables, ..)| first(variables));
    let mut tried: Vec<_> = shared
        .flat_map(|name| signals::SIGNALS.each_ref().map(|signal| signal.spell(name)))
        .collect();
    tried.extend(ROWS.iter().filter_map(|(variables, ..)| first(variables)).map(str::to_owned));
    for row in table() {
        assert!(tried.iter().any(|name| name == row.name), "{} has no row", row.name);
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
