//! A row a variable and a row a bad input, with what comes of it; the files below have the rest.

mod arguments;
mod process;
mod secrets;

use std::fmt::Debug;

use super::plan::{ExporterPlan, OtlpPlan, Plan};
use super::variables::table;
use super::{Resolved, TelemetryConfig};

fn with(config: TelemetryConfig, variables: &[(&str, &str)]) -> Resolved {
    let owned = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    config.with_variables(owned.collect()).plan().expect("the arguments are good")
}

fn plan(variables: &[(&str, &str)]) -> Resolved {
    with(TelemetryConfig::default(), variables)
}

fn otlp(plan: &Plan) -> Option<&OtlpPlan> {
    plan.traces.exporters.iter().find_map(|exporter| match exporter {
        ExporterPlan::Otlp(otlp) => Some(otlp),
        ExporterPlan::Console { .. } => None,
    })
}

fn show(value: impl Debug) -> String {
    format!("{value:?}")
}

// What a row looks at.
fn exporters(plan: &Plan) -> String {
    let names = plan.traces.exporters.iter().map(|exporter| match exporter {
        ExporterPlan::Otlp(otlp) => otlp.url.to_string(),
        ExporterPlan::Console { no_color } => format!("console(no_color {no_color})"),
    });
    let names: Vec<_> = names.collect();
    if names.is_empty() { format!("off: {}", plan.traces.why) } else { names.join(" ") }
}
fn url(plan: &Plan) -> String {
    exporters(plan)
}
fn headers(plan: &Plan) -> String {
    let headers = otlp(plan).expect("an OTLP exporter").headers.iter();
    headers.map(|(k, v)| format!("{k}={}|", String::from_utf8_lossy(v.as_bytes()))).collect()
}
fn timeout(plan: &Plan) -> String {
    show(otlp(plan).expect("an OTLP exporter").timeout)
}
fn gzip(plan: &Plan) -> String {
    show(otlp(plan).expect("an OTLP exporter").gzip)
}
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
fn batch(plan: &Plan) -> String {
    let batch = &plan.traces.batch;
    let (delay, timeout) = (batch.schedule_delay, batch.export_timeout);
    format!("{delay:?} {timeout:?} {} {}", batch.max_queue, batch.max_batch)
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

/// Variables; what to look at; what is there; what a diagnostic holds (empty: there is none).
type Row =
    (&'static [(&'static str, &'static str)], fn(&Plan) -> String, &'static str, &'static str);

const AT_HOME: &str = "http://localhost:4318/v1/traces";
const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318");

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (&[], exporters, "off: no endpoint and no exporter configured", ""),
    (&[("OTEL_SDK_DISABLED", "TRUE"), BASE], exporters, "off: OTEL_SDK_DISABLED is true", ""),
    (&[("OTEL_SDK_DISABLED", "true"), BASE], propagators, "true true", ""),
    (&[("OTEL_SDK_DISABLED", "false"), BASE], exporters, "http://h:4318/v1/traces", ""),
    (&[("OTEL_SDK_DISABLED", "1"), BASE], exporters, "http://h:4318/v1/traces", "OTEL_SDK_DISABLED: \"1\" is neither true nor false"),

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

    (&[("OTEL_TRACES_EXPORTER", "otlp")], exporters, AT_HOME, ""),
    (&[("OTEL_TRACES_EXPORTER", "CONSOLE")], exporters, "console(no_color false)", ""),
    (&[("OTEL_TRACES_EXPORTER", " otlp , console,otlp")], exporters, "http://localhost:4318/v1/traces console(no_color false)", ""),
    (&[("OTEL_TRACES_EXPORTER", "console"), BASE], exporters, "console(no_color false)", ""),
    (&[("OTEL_TRACES_EXPORTER", "none"), BASE], exporters, "off: OTEL_TRACES_EXPORTER is none", ""),
    (&[("OTEL_TRACES_EXPORTER", "otlp,None"), BASE], exporters, "off: OTEL_TRACES_EXPORTER is none", "\"otlp,None\" names none beside others"),
    (&[("OTEL_TRACES_EXPORTER", "Zipkin,otlp")], exporters, AT_HOME, "\"Zipkin\" is not one of otlp, console"),
    (&[("OTEL_TRACES_EXPORTER", "zipkin"), BASE], exporters, "off: OTEL_TRACES_EXPORTER names no exporter of this version", "\"zipkin\""),
    (&[("NO_COLOR", "1"), ("OTEL_TRACES_EXPORTER", "console")], exporters, "console(no_color true)", ""),
    (&[("NO_COLOR", ""), ("OTEL_TRACES_EXPORTER", "console")], exporters, "console(no_color false)", ""),

    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], exporters, "off: no endpoint and no exporter configured", ""),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318/")], url, "http://h:4318/v1/traces", ""),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "HTTP://h:80/otlp/?k=v")], url, "http://h:80/otlp/v1/traces?k=v", ""),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1]:4318")], url, "http://[::1]:4318/v1/traces", ""),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h")], url, "http://h/v1/traces", ""),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")], exporters, "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"localhost:4318\": not a URL; write it as http://host:4318", "OTEL_EXPORTER_OTLP_ENDPOINT: \"localhost:4318\": not a URL"),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:99999")], exporters, "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"http://h:99999\": not a URL; write it as http://host:4318", "not a URL"),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:0")], exporters, "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"http://h:0\": not a URL; write it as http://host:4318", "not a URL"),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://:4318")], exporters, "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"http://:4318\": not a URL; write it as http://host:4318", "not a URL"),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://h")], exporters, "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"ftp://h\": the scheme is not known; use http://", "scheme"),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h")], exporters, "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"https://h\": this build has no TLS; use http://", "TLS"),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h"), ("OTEL_TRACES_EXPORTER", "otlp,console")], exporters, "console(no_color false)", "TLS"),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317")], url, "http://h:4317/v1/traces", "port 4317 is usually gRPC"),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")], url, "http://h:4317/v1/traces", ""),
    (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/x/"), BASE], url, "http://t:1/x/", ""),
    (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1")], url, "http://t:1/", ""),
    (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "nonsense"), BASE], exporters, "off: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: \"nonsense\": not a URL; write it as http://host:4318", "not a URL"),

    (&[("OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/protobuf"), BASE], url, "http://h:4318/v1/traces", ""),
    (&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), BASE], exporters, "off: OTEL_EXPORTER_OTLP_PROTOCOL: \"grpc\" is not a protocol of this version; use http/protobuf", "\"grpc\""),
    (&[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"), BASE], exporters, "off: OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: \"http/json\" is not a protocol of this version; use http/protobuf", "http/json"),
    (&[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), BASE], url, "http://h:4318/v1/traces", ""),

    (&[("OTEL_EXPORTER_OTLP_HEADERS", "a=1, B = x%20y ,a=2,"), BASE], headers, "a=2|b=x y|", ""),
    (&[("OTEL_EXPORTER_OTLP_HEADERS", "k=a=b;c"), BASE], headers, "k=a=b;c|", ""),
    (&[("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "t=1"), ("OTEL_EXPORTER_OTLP_HEADERS", "g=1"), BASE], headers, "t=1|", ""),
    (&[("OTEL_EXPORTER_OTLP_TRACES_HEADERS", ""), ("OTEL_EXPORTER_OTLP_HEADERS", "g=1"), BASE], headers, "g=1|", ""),
    (&[("OTEL_EXPORTER_OTLP_HEADERS", "x=a%0Ab,g=1"), BASE], headers, "g=1|", "entry 1 (x: ***): its value holds a control character"),
    (&[("OTEL_EXPORTER_OTLP_HEADERS", "g=1,x y=1"), BASE], headers, "g=1|", "entry 2 (***: ***): a header's name"),
    (&[("OTEL_EXPORTER_OTLP_HEADERS", "x=%q,g=1"), BASE], headers, "g=1|", "entry 1 (x: ***): its value is not percent-encoded"),
    (&[("OTEL_EXPORTER_OTLP_HEADERS", "alone,g=1"), BASE], headers, "g=1|", "entry 1 is not of the form"),
    (&[("OTEL_EXPORTER_OTLP_HEADERS", "content-length=0,g=1"), BASE], headers, "g=1|", "the exporter writes this header itself"),

    (&[BASE], timeout, "Some(10s)", ""),
    (&[("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"), BASE], timeout, "Some(1.5s)", ""),
    (&[("OTEL_EXPORTER_OTLP_TIMEOUT", "0"), BASE], timeout, "None", ""),
    (&[("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"), BASE], timeout, "Some(10s)", "OTEL_EXPORTER_OTLP_TIMEOUT: \"10s\" is not a whole number"),
    (&[("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "2"), BASE], timeout, "Some(1ms)", ""),
    (&[("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "-1"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "2"), BASE], timeout, "Some(2ms)", "\"-1\""),
    (&[BASE], gzip, "false", ""),
    (&[("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP"), BASE], gzip, "true", ""),
    (&[("OTEL_EXPORTER_OTLP_COMPRESSION", "Zstd"), BASE], gzip, "false", "\"Zstd\" is not one of gzip, none"),
    (&[("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none"), ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"), BASE], gzip, "false", ""),

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

    (&[], batch, "5s Some(30s) 2048 512", ""),
    (&[("OTEL_BSP_SCHEDULE_DELAY", "200")], batch, "200ms Some(30s) 2048 512", ""),
    (&[("OTEL_BSP_SCHEDULE_DELAY", "0")], batch, "5s Some(30s) 2048 512", "OTEL_BSP_SCHEDULE_DELAY: \"0\" is not a whole number from 1"),
    (&[("OTEL_BSP_EXPORT_TIMEOUT", "7")], batch, "5s Some(7ms) 2048 512", ""),
    (&[("OTEL_BSP_EXPORT_TIMEOUT", "0")], batch, "5s None 2048 512", ""),
    (&[("OTEL_BSP_MAX_QUEUE_SIZE", "600")], batch, "5s Some(30s) 600 512", ""),
    (&[("OTEL_BSP_MAX_QUEUE_SIZE", "0")], batch, "5s Some(30s) 2048 512", "OTEL_BSP_MAX_QUEUE_SIZE: \"0\""),
    (&[("OTEL_BSP_MAX_QUEUE_SIZE", "99999999999999999999")], batch, "5s Some(30s) 2048 512", "OTEL_BSP_MAX_QUEUE_SIZE"),
    (&[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100")], batch, "5s Some(30s) 2048 100", ""),
    (&[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0")], batch, "5s Some(30s) 2048 512", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE: \"0\""),
    (&[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9"), ("OTEL_BSP_MAX_QUEUE_SIZE", "8")], batch, "5s Some(30s) 8 8", "9 is more than the queue holds; 8 is used"),

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

    (&[("OTEL_FANCY", "1"), BASE], exporters, "http://h:4318/v1/traces", "OTEL_FANCY is set but not honoured by this version"),
    (&[("OTEL_FANCY", ""), BASE], exporters, "http://h:4318/v1/traces", ""),
    (&[("OAAS_OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1"), ("HOME", "/")], exporters, "off: no endpoint and no exporter configured", ""),
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
    for row in table() {
        let tried = ROWS.iter().any(|(variables, ..)| {
            variables.first().is_some_and(|(name, value)| *name == row.name && !value.is_empty())
        });
        assert!(tried, "{} has no row", row.name);
    }
}

#[test]
fn a_default_written_out_changes_nothing() {
    let otlp = ("OTEL_TRACES_EXPORTER", "otlp");
    let bare = plan(&[otlp, ("OTEL_TRACES_SAMPLER", "traceidratio")]);
    for row in table().iter().filter(|row| row.name != "OTEL_TRACES_SAMPLER") {
        let spelled =
            plan(&[otlp, ("OTEL_TRACES_SAMPLER", "traceidratio"), (row.name, row.default)]);
        assert_eq!(spelled.plan, bare.plan, "{}", row.name);
        assert!(spelled.report.diagnostics().is_empty(), "{}", row.name);
    }
}
