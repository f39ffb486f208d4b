//! Arguments over variables over defaults, and arguments that cannot be used.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{BASE, limits, log_batch, metrics, resource, sampler, show, span_batch, with};
use crate::config::TelemetryConfig;
use crate::config::plan::Plan;
use crate::error::Error;
use crate::telemetry::{MetricNames, OtelContext, Pace};
use crate::tls::SUPPORTED as TLS;

fn new() -> TelemetryConfig {
    TelemetryConfig::default()
}

/// An argument; variables that say otherwise; what to look at; what is there.
type Row = (
    fn() -> TelemetryConfig,
    &'static [(&'static str, &'static str)],
    fn(&Plan) -> String,
    &'static str,
);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (|| new().with_service_name("arg"), &[("OTEL_SERVICE_NAME", "var"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=list")], resource, "service.name=arg|"),
    (|| new().with_service_name(""), &[("OTEL_SERVICE_NAME", "var")], resource, "service.name=var|"),
    (|| new().with_attribute("service.name", "arg"), &[("OTEL_SERVICE_NAME", "var")], resource, "service.name=arg|"),
    (|| new().with_fallback_name("oaas"), &[], resource, "service.name=unknown_service:oaas|"),
    (|| new().with_fallback_name("oaas"), &[("OTEL_RESOURCE_ATTRIBUTES", "service.name=")], resource, "service.name=unknown_service:oaas|"),
    (|| new().with_fallback_name("oaas"), &[("OTEL_SERVICE_NAME", "var")], resource, "service.name=var|"),
    (|| new().with_attribute("k", "1").with_attribute("k", "2").with_environment("dev").with_service_version("3").with_service_name("s"),
        &[("OTEL_RESOURCE_ATTRIBUTES", "service.version=var,k=var,deployment.environment.name=var,deployment.environment=var")],
        resource, "service.name=s|service.version=3|deployment.environment.name=dev|k=2|deployment.environment=var|"),

    (|| new().with_sampler("always_off", None), &[("OTEL_TRACES_SAMPLER", "always_on")], sampler, "always_off"),
    (|| new().with_sampler("TraceIdRatio", Some(0.1)), &[("OTEL_TRACES_SAMPLER_ARG", "0.5")], sampler, "traceidratio 0.1"),
    (|| new().with_sampler("parentbased_traceidratio", None), &[("OTEL_TRACES_SAMPLER_ARG", "0.5")], sampler, "parentbased_traceidratio 0.5"),
    (|| new().with_sampler("traceidratio", None), &[], sampler, "traceidratio 1"),

    (|| new().with_pace(Pace::Patient), &[], span_batch, "10s Some(30s) 2048 512"),
    (|| new().with_pace(Pace::Patient), &[("OTEL_BSP_SCHEDULE_DELAY", "0")], span_batch, "10s Some(30s) 2048 512"),
    (|| new().with_pace(Pace::Patient), &[("OTEL_BSP_SCHEDULE_DELAY", "700")], span_batch, "700ms Some(30s) 2048 512"),
    (|| new().with_pace(Pace::Prompt), &[], span_batch, "5s Some(30s) 2048 512"),
    (|| new().with_pace(Pace::Patient), &[], log_batch, "10s Some(30s) 2048 512"),
    (|| new().with_pace(Pace::Patient), &[("OTEL_BLRP_SCHEDULE_DELAY", "0")], log_batch, "10s Some(30s) 2048 512"),
    (|| new().with_pace(Pace::Patient), &[("OTEL_BLRP_SCHEDULE_DELAY", "700")], log_batch, "700ms Some(30s) 2048 512"),
    (|| new().with_pace(Pace::Prompt), &[], log_batch, "1s Some(30s) 2048 512"),
    (|| new().with_pace(Pace::Patient), &[], metrics, "60s Some(30s) cumulative"),
    (|| new().with_pace(Pace::Patient), &[], |plan| show(plan.pace), "Patient"),
    (new, &[], |plan| show(plan.otel_context), "Auto"),
    (|| new().with_otel_context(OtelContext::Off), &[], |plan| show(plan.otel_context), "Off"),
    (new, &[], limits, "None 128 128 128 128 128"),
    (new, &[], |plan| show(plan.metrics.names), "Both"),
    (|| new().with_metric_names(MetricNames::Semconv), &[], |plan| show(plan.metrics.names), "Semconv"),
    (new, &[], |plan| show(plan.memory), "67108864"),
    (|| new().with_memory_limit(1 << 20), &[], |plan| show(plan.memory), "1048576"),
    (new, &[], |plan| show(plan.drop_deadline), "5s"),
    (|| new().with_drop_deadline(Duration::ZERO), &[], |plan| show(plan.drop_deadline), "0ns"),
];

#[test]
fn arguments_win_over_variables() {
    for (row, (config, variables, look, expected)) in ROWS.iter().enumerate() {
        assert_eq!(look(&with(config(), variables).plan), *expected, "row {row}: {variables:?}");
    }
}

#[test]
fn a_bad_argument_is_an_error_that_names_it() {
    #[rustfmt::skip]
    let rows: [(TelemetryConfig, &str, &str); 15] = [
        (new().with_endpoint(""), "with_endpoint(\"\")", "http://host:4318"),
        (new().with_endpoint("h:4318"), "with_endpoint(\"h:4318\")", "http://host:4318"),
        (new().with_endpoint("ftp://h"), "with_endpoint(\"ftp://h\")", "use http://"),
        (new().with_certificate("/no/such"), "with_certificate(\"/no/such\")", if TLS { "correct the path" } else { "tls" }),
        (new().with_header("x y", "1"), "with_header(\"***: ***\")", "letters, digits"),
        (new().with_header("x", "1\n2"), "with_header(\"x: ***\")", "newline"),
        (new().with_header("Content-Type", "1"), "with_header(\"Content-Type: ***\")", "leave it out"),
        (new().with_attribute("", "v"), "with_attribute(\"=v\")", "name the key"),
        (new().with_sampler("sometimes", None), "with_sampler(\"sometimes\")", "use one of always_on, "),
        (new().with_sampler("traceidratio:0.1", None), "with_sampler(\"traceidratio:0.1\")", "use one of"),
        (new().with_sampler("traceidratio", Some(f64::NAN)), "with_sampler(\"traceidratio, NaN\")", "from 0 to 1"),
        (new().with_sampler("traceidratio", Some(1.1)), "with_sampler(\"traceidratio, 1.1\")", "from 0 to 1"),
        (new().with_sampler("traceidratio", Some(-0.1)), "with_sampler(\"traceidratio, -0.1\")", "from 0 to 1"),
        (new().with_sampler("always_on", Some(0.1)), "with_sampler(\"always_on, 0.1\")", "takes no ratio"),
        (new().with_memory_limit((1 << 20) - 1), "with_memory_limit(\"1048575\")", "1048576"),
    ];
    for (config, field, remedy) in rows {
        // Whatever the environment makes of the signal.
        let off = vec![("OTEL_SDK_DISABLED".to_owned(), "true".to_owned())];
        let config = config.with_variables(off);
        let error = config.plan().expect_err(field).to_string();
        assert!(error.contains(field) && error.contains(remedy), "{error}");
        assert_eq!(config.resolve().diagnostics(), [error]);
    }
}

#[test]
fn the_report_says_where_each_value_comes_from() {
    let config = new().with_service_version("2").with_metrics(false).set_globals(false);
    let config = config.with_metric_names(MetricNames::Classic).with_drop_deadline(Duration::ZERO);
    let variables = [
        BASE,
        ("OTEL_SERVICE_NAME", "checkout"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "9000"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7"),
    ];
    let report = with(config, &variables).report.to_string();
    let lines: Vec<Vec<&str>> = report.lines().map(|l| l.split_whitespace().collect()).collect();
    #[rustfmt::skip]
    let expected: [&[&str]; 19] = [
        &["setting", "value", "from"],
        &["service.name", "checkout", "OTEL_SERVICE_NAME"],
        &["service.version", "2", "argument"],
        &["telemetry.sdk.name", "trackside", "default"],
        &["traces", "on:", "an", "endpoint", "is", "configured", "OTEL_EXPORTER_OTLP_ENDPOINT"],
        &["traces.otlp.endpoint", "http://h:4318/v1/traces", "OTEL_EXPORTER_OTLP_ENDPOINT"],
        &["traces.otlp.timeout", "10000", "ms", "default"],
        &["drop_deadline", "0", "ms", "argument"],
        &["metrics", "off:", "switched", "off", "by", "with_metrics(false)", "argument"],
        &["metrics.interval", "60000", "ms", "default"],
        &["metrics.timeout", "no", "limit", "OTEL_METRIC_EXPORT_TIMEOUT"],
        &["metrics.temporality", "delta", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"],
        &["logs.otlp.endpoint", "http://h:4318/v1/logs", "OTEL_EXPORTER_OTLP_ENDPOINT"],
        &["logs.batch.schedule_delay", "1000", "ms", "default"],
        &["logs.batch.max_queue", "9000", "OTEL_BLRP_MAX_QUEUE_SIZE"],
        &["logs.limits.value_length", "no", "limit", "default"],
        &["logs.limits.attributes", "7", "OTEL_ATTRIBUTE_COUNT_LIMIT"],
        &["metric_names", "Classic", "argument"],
        &["globals", "false", "argument"],
    ];
    for line in expected {
        assert!(lines.iter().any(|found| found == line), "{line:?} is not in\n{report}");
    }
}

#[test]
fn the_report_is_aligned_and_holds_the_diagnostics_once() {
    let mut report = with(new(), &[("OTEL_BSP_SCHEDULE_DELAY", "0")]).report;
    report.note("already initialised".to_owned());
    report.note("already initialised".to_owned());
    assert_eq!(report.diagnostics().len(), 2);
    let text = report.to_string();
    assert!(text.ends_with("\n! already initialised"), "{text}");
    let from = text.find("from").expect("the heading of the last column");
    for line in text.lines().filter(|line| line.ends_with("default")) {
        assert_eq!(line.find("default"), Some(from), "{text}");
    }
    let long = format!("{report:#}");
    assert!(long.starts_with(&text), "the long form goes on where the short one ends");
    assert!(long.contains("OTEL_BSP_MAX_QUEUE_SIZE"), "{long}");
}

#[test]
fn a_value_cannot_forge_a_line() {
    let report = with(new().with_service_name("a\n! forged \u{1b}[31m"), &[]).report.to_string();
    assert!(report.contains("a\\n! forged \\u{1b}[31m"), "{report}");
    let report = with(new(), &[("OTEL_A\nB", "1")]).report;
    assert_eq!(report.diagnostics(), ["OTEL_A\\nB is set but not honoured by this version"]);
}

#[test]
fn the_hook_is_handed_on() {
    assert!(new().diagnostic_hook().is_none());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let config = new().on_diagnostic(move |line| {
        ear.lock().expect("nobody panics while holding it").push(line.to_owned());
    });
    let hook = config.diagnostic_hook().expect("it was given");
    hook("one");
    assert_eq!(*heard.lock().expect("nobody panics while holding it"), ["one"]);
    assert_eq!(format!("{config:?}"), "TelemetryConfig");
}

#[test]
fn auto_traits_are_those_of_the_off_twin() {
    fn all<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + std::error::Error>() {}
    fn some<T: Send + Sync + Unpin>() {}
    trait Ambiguous<A> {
        fn once() {}
    }
    impl<T> Ambiguous<()> for T {}
    impl<T: UnwindSafe> Ambiguous<u8> for T {}
    all::<Error>();
    some::<TelemetryConfig>();
    // Compiles only where the second implementation does not apply.
    <TelemetryConfig as Ambiguous<_>>::once();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

#[test]
fn an_error_shows_its_kind_and_its_message() {
    let late = Error::timed_out("3 spans left");
    assert_eq!(late.to_string(), "telemetry: timed out: 3 spans left");
    assert_eq!(show(&late), "Error { kind: TimedOut, message: \"3 spans left\" }");
    assert_eq!(Error::start("no thread").to_string(), "telemetry: cannot start: no thread");
}
