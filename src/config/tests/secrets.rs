//! What is secret shows nowhere; what is senseless breaks nothing.

use proptest::prelude::*;

use super::signals::SIGNALS;
use super::{plan, with};
use crate::config::TelemetryConfig;
use crate::config::variables::table;

const EVERY_SIGNAL: [(&str, &str); 3] = [
    ("OTEL_TRACES_EXPORTER", "otlp"),
    ("OTEL_METRICS_EXPORTER", "otlp"),
    ("OTEL_LOGS_EXPORTER", "otlp"),
];

#[test]
fn no_secret_shows() {
    let cases: [&[(&str, &str)]; 13] = [
        &[("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20hunter2,x-key=hunter2")],
        &[("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "authorization=hunter2%0A")],
        &[("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "authorization=hunter2")],
        &[("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "k=hunter2%")],
        // A colon for the equals sign makes the value part of the name.
        &[("OTEL_EXPORTER_OTLP_HEADERS", "Authorization: Basic hunter2==")],
        &[("OTEL_EXPORTER_OTLP_HEADERS", "hunter2")],
        &[("OTEL_EXPORTER_OTLP_HEADERS", "k=hunter2%")],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2@h:1/?token=hunter2")],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:hunter2@h:1/?token=hunter2")],
        &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "user:hunter2@h:1?token=hunter2")],
        &[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "user:hunter2@h:1?token=hunter2")],
        &[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "https://user:hunter2@h:1/?token=hunter2")],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2?@h")],
    ];
    for variables in cases {
        let mut variables = variables.to_vec();
        variables.extend(EVERY_SIGNAL);
        let resolved = plan(&variables);
        let shown = format!("{} {:?}", resolved.report, resolved.report);
        assert!(!shown.contains("hunter2"), "{shown}");
        for signal in &SIGNALS {
            let why = signal.why(&resolved.plan);
            assert!(!why.contains("hunter2"), "{why}");
        }
        assert!(shown.contains("***") || shown.contains("entry 1"), "{shown}");
    }

    for config in [
        TelemetryConfig::default().with_header("authorization", "hunter2\n"),
        TelemetryConfig::default().with_header("Authorization: hunter2", ""),
        TelemetryConfig::default().with_endpoint("ftp://user:hunter2@h:1/?token=hunter2"),
    ] {
        assert!(!format!("{config:?}").contains("hunter2"));
        let error = config.with_variables(Vec::new()).plan().expect_err("a bad argument");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[test]
fn a_header_is_sent_whole_and_marked_as_secret() {
    let config = TelemetryConfig::default().with_header("authorization", "Bearer hunter2");
    let resolved = with(config.with_endpoint("http://h:1"), &[]);
    for signal in &SIGNALS {
        let otlp = signal.otlp(&resolved.plan).expect("an endpoint is given");
        let (name, value) = &otlp.headers[0];
        let (name, secret) = (name.as_str(), value.as_bytes());
        assert_eq!((name, secret), ("authorization", b"Bearer hunter2".as_slice()));
        assert!(value.is_sensitive());
    }
    let shown = format!("{} {:?}", resolved.report, resolved.plan);
    assert!(shown.contains("authorization: ***") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn user_name_and_password_in_a_url_are_left_behind_and_said() {
    let resolved = plan(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:p@h:1/x")]);
    for signal in &SIGNALS {
        let otlp = signal.otlp(&resolved.plan).expect("the rest of the URL is good");
        assert_eq!(otlp.url.to_string(), signal.spell("http://h:1/x/v1/signal"));
    }
    let said = resolved.report.diagnostics();
    assert!(matches!(said, [line] if line.contains("put them into a header")), "{said:?}");
}

#[test]
fn a_long_value_is_cut_in_a_diagnostic() {
    let long = "é".repeat(100_000);
    let resolved = plan(&[("OTEL_TRACES_SAMPLER", &long)]);
    assert!(resolved.report.diagnostics()[0].len() < 500);
}

#[test]
fn a_url_that_grows_too_long_is_no_url() {
    let long = format!("http://h:1/{}", "a".repeat(65_520));
    let resolved = plan(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &long)]);
    assert!(resolved.plan.traces.exporters.is_empty());
    assert!(resolved.plan.traces.why.contains("too long"), "{}", resolved.plan.traces.why);
}

proptest! {
    #[test]
    fn any_text_in_any_variable_makes_a_sound_plan(
        texts in prop::collection::vec("[ -~é\n]{0,24}|-?[0-9.]{1,12}|[a-z]=%[0-9a-f]{2}", table().len()),
    ) {
        let names = table().iter().map(|row| row.name);
        let mut variables: Vec<_> = names.zip(texts.iter().map(String::as_str)).collect();
        variables.retain(|(name, _)| *name != "OTEL_SDK_DISABLED" && !name.ends_with("S_EXPORTER"));
        variables.extend(EVERY_SIGNAL);
        let resolved = plan(&variables);
        for batch in [resolved.plan.traces.batch, resolved.plan.logs.batch] {
            prop_assert!(!batch.schedule_delay.is_zero());
            prop_assert!(1 <= batch.max_batch && batch.max_batch <= batch.max_queue);
        }
        prop_assert!(!resolved.plan.metrics.interval.is_zero());
        prop_assert_eq!(resolved.plan.resource[0].0.as_str(), "service.name");
        prop_assert!(!resolved.plan.resource[0].1.is_empty());
        let mut keys: Vec<_> = resolved.plan.resource.iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys.dedup();
        prop_assert_eq!(keys.len(), resolved.plan.resource.len());
        prop_assert!(!resolved.report.diagnostics().iter().any(|line| line.contains('\n')));
    }
}
