//! What holds for each signal alike, a row a case; and what one signal does to the others.

use super::{BASE, plan, show, with};
use crate::config::TelemetryConfig;
use crate::config::plan::{ExporterPlan, OtlpPlan, Plan};

/// A signal as a test sees it. A row spells it `SIGNAL` in a variable, `signal` elsewhere.
pub(super) struct Signal {
    name: &'static str,
    exporters: fn(&Plan) -> &[ExporterPlan],
    why: fn(&Plan) -> &str,
    switch: fn(TelemetryConfig, bool) -> TelemetryConfig,
}

pub(super) const SIGNALS: [Signal; 3] = [
    Signal {
        name: "traces",
        exporters: |plan| &plan.traces.exporters,
        why: |plan| &plan.traces.why,
        switch: TelemetryConfig::with_traces,
    },
    Signal {
        name: "metrics",
        exporters: |plan| &plan.metrics.exporters,
        why: |plan| &plan.metrics.why,
        switch: TelemetryConfig::with_metrics,
    },
    Signal {
        name: "logs",
        exporters: |plan| &plan.logs.exporters,
        why: |plan| &plan.logs.why,
        switch: TelemetryConfig::with_logs,
    },
];

impl Signal {
    /// A row's text with this signal's name in it.
    pub(super) fn spell(&self, text: &str) -> String {
        text.replace("SIGNAL", &self.name.to_uppercase()).replace("signal", self.name)
    }

    pub(super) fn exporters<'a>(&self, plan: &'a Plan) -> &'a [ExporterPlan] {
        (self.exporters)(plan)
    }

    pub(super) fn why<'a>(&self, plan: &'a Plan) -> &'a str {
        (self.why)(plan)
    }

    pub(super) fn otlp<'a>(&self, plan: &'a Plan) -> Option<&'a OtlpPlan> {
        (self.exporters)(plan).iter().find_map(|exporter| match exporter {
            ExporterPlan::Otlp(otlp) => Some(otlp),
            _ => None,
        })
    }
}

pub(super) fn new(_: &Signal) -> TelemetryConfig {
    TelemetryConfig::default()
}

// What a row looks at.
pub(super) fn exporters(signal: &Signal, plan: &Plan) -> String {
    let names = (signal.exporters)(plan).iter().map(|exporter| match exporter {
        ExporterPlan::Otlp(otlp) if otlp.url.query().is_some() => otlp.url.to_string(),
        ExporterPlan::Otlp(otlp) => otlp.to_string(),
        ExporterPlan::Console { no_color } => format!("console(no_color {no_color})"),
        ExporterPlan::Capnp(capnp) => capnp.target.to_string(),
        ExporterPlan::Foreign(foreign) => foreign.to_string(),
        ExporterPlan::File(_) => format!("file({exporter})"),
        ExporterPlan::Prometheus(_) => exporter.to_string(),
    });
    let names: Vec<_> = names.collect();
    if names.is_empty() { format!("off: {}", signal.why(plan)) } else { names.join(" ") }
}
fn headers(signal: &Signal, plan: &Plan) -> String {
    let headers = signal.otlp(plan).expect("an OTLP exporter").headers.iter();
    headers.map(|(k, v)| format!("{k}={}|", String::from_utf8_lossy(v.as_bytes()))).collect()
}
fn timeout(signal: &Signal, plan: &Plan) -> String {
    show(signal.otlp(plan).expect("an OTLP exporter").timeout)
}
pub(super) fn coding(signal: &Signal, plan: &Plan) -> String {
    signal.otlp(plan).expect("an OTLP exporter").coding.to_string()
}

pub(super) fn protocol(signal: &Signal, plan: &Plan) -> String {
    signal.otlp(plan).expect("an OTLP exporter").protocol.to_string()
}
fn rotation(signal: &Signal, plan: &Plan) -> String {
    match (signal.exporters)(plan) {
        [ExporterPlan::File(file)] => {
            let rotation = file.rotation;
            format!("{} {:?} {}", rotation.max_bytes, rotation.max_age, rotation.kept)
        }
        other => panic!("{other:?}"),
    }
}

/// Arguments; variables; what to look at; what is there; what a diagnostic holds (empty: there is
/// none).
pub(super) type Row = (
    fn(&Signal) -> TelemetryConfig,
    &'static [(&'static str, &'static str)],
    fn(&Signal, &Plan) -> String,
    &'static str,
    &'static str,
);

const AT_HOME: &str = "http://localhost:4318/v1/signal";
const NOTHING: &str = "off: no endpoint and no exporter configured";

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    (new, &[], exporters, NOTHING, ""),
    (new, &[("OTEL_SDK_DISABLED", "TRUE"), BASE], exporters, "off: OTEL_SDK_DISABLED is true", ""),
    (new, &[("OTEL_SDK_DISABLED", "false"), BASE], exporters, "http://h:4318/v1/signal", ""),
    (new, &[("OTEL_SDK_DISABLED", "1"), BASE], exporters, "http://h:4318/v1/signal", "OTEL_SDK_DISABLED: \"1\" is neither true nor false"),

    (new, &[("OTEL_SIGNAL_EXPORTER", "otlp")], exporters, AT_HOME, ""),
    (new, &[("OTEL_SIGNAL_EXPORTER", "otlp"), BASE], exporters, "http://h:4318/v1/signal", ""),
    (new, &[("OTEL_SIGNAL_EXPORTER", "CONSOLE")], exporters, "console(no_color false)", ""),
    (new, &[("OTEL_SIGNAL_EXPORTER", " otlp , console,otlp")], exporters, "http://localhost:4318/v1/signal console(no_color false)", ""),
    (new, &[("OTEL_SIGNAL_EXPORTER", "console"), BASE], exporters, "console(no_color false)", ""),
    (new, &[("OTEL_SIGNAL_EXPORTER", "none"), BASE], exporters, "off: OTEL_SIGNAL_EXPORTER is none", ""),
    (new, &[("OTEL_SIGNAL_EXPORTER", "none")], exporters, "off: OTEL_SIGNAL_EXPORTER is none", ""),
    (new, &[("OTEL_SIGNAL_EXPORTER", "otlp,None"), BASE], exporters, "off: OTEL_SIGNAL_EXPORTER is none", "\"otlp,None\" names none beside others"),
    (new, &[("OTEL_SIGNAL_EXPORTER", "Zipkin,otlp")], exporters, AT_HOME, "OTEL_SIGNAL_EXPORTER: \"Zipkin\" is not supported: it is deprecated"),
    (new, &[("OTEL_SIGNAL_EXPORTER", "logging,otlp")], exporters, AT_HOME, "OTEL_SIGNAL_EXPORTER: \"logging\" is not supported: it is deprecated; use console"),
    (new, &[("OTEL_SIGNAL_EXPORTER", "statsd,otlp")], exporters, AT_HOME, "OTEL_SIGNAL_EXPORTER: \"statsd\" is not one of otlp, capnp, console"),
    (new, &[("OTEL_SIGNAL_EXPORTER", "zipkin"), BASE], exporters, "off: OTEL_SIGNAL_EXPORTER names no exporter of this version", "\"zipkin\""),
    (new, &[("NO_COLOR", "1"), ("OTEL_SIGNAL_EXPORTER", "console")], exporters, "console(no_color true)", ""),
    (new, &[("NO_COLOR", ""), ("OTEL_SIGNAL_EXPORTER", "console")], exporters, "console(no_color false)", ""),

    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], exporters, NOTHING, ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318/")], exporters, "http://h:4318/v1/signal", ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "HTTP://h:80/otlp/?k=v")], exporters, "http://h:80/otlp/v1/signal?k=v", ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1]:4318")], exporters, "http://[::1]:4318/v1/signal", ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h")], exporters, "http://h/v1/signal", ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")], exporters, "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"localhost:4318\": not a URL; write it as http://host:4318", "OTEL_EXPORTER_OTLP_ENDPOINT: \"localhost:4318\": not a URL"),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:99999")], exporters, "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"http://h:99999\": not a URL; write it as http://host:4318", "not a URL"),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:0")], exporters, "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"http://h:0\": not a URL; write it as http://host:4318", "not a URL"),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://:4318")], exporters, "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"http://:4318\": not a URL; write it as http://host:4318", "not a URL"),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://h")], exporters, "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"ftp://h\": the scheme is not known; use http://, unix:, capnp:// or capnp+unix:", "scheme"),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://h")], exporters, "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"ftp://h\": the scheme is not known; use http://, unix:, capnp:// or capnp+unix:", "scheme"),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://h"), ("OTEL_SIGNAL_EXPORTER", "otlp,console")], exporters, "console(no_color false)", "scheme"),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317")], exporters, "http://h:4317/v1/signal", "port 4317 is usually gRPC"),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")], exporters, "http://h:4317/v1/signal", ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT", "http://t:1/x/"), BASE], exporters, "http://t:1/x/", ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT", "http://t:1")], exporters, "http://t:1/", ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT", "nonsense"), BASE], exporters, "off: OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT: \"nonsense\": not a URL; write it as http://host:4318", "not a URL"),

    (new, &[("OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/protobuf"), BASE], exporters, "http://h:4318/v1/signal", ""),
    (new, &[BASE], protocol, "http/protobuf", ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_PROTOCOL", "http/json"), BASE], protocol, "http/json", ""),
    (new, &[("OTEL_EXPORTER_OTLP_PROTOCOL", " HTTP/JSON "), BASE], protocol, "http/json", ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_PROTOCOL", "http/protobuf"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"), BASE], protocol, "http/protobuf", ""),
    (new, &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/thrift"), BASE], exporters, "off: OTEL_EXPORTER_OTLP_PROTOCOL: \"http/thrift\" is not a protocol; use http/protobuf, grpc or http/json", "http/thrift"),

    (new, &[("OTEL_SIGNAL_EXPORTER", "file")], exporters, "file(standard output)", ""),
    (new, &[("OTEL_SIGNAL_EXPORTER", "otlp/stdout")], exporters, "file(standard output)", ""),
    (|signal| new(signal).with_file_directory("/var/telemetry"), &[("OTEL_SIGNAL_EXPORTER", "File,otlp_file")], exporters, "file(/var/telemetry/signal.jsonl)", ""),
    (|signal| new(signal).with_file_directory("/var/telemetry"), &[("OTEL_SIGNAL_EXPORTER", "otlp/stdout,file")], exporters, "file(standard output) file(/var/telemetry/signal.jsonl)", ""),
    (|signal| new(signal).with_file_directory("/var/telemetry"), &[BASE], exporters, "http://h:4318/v1/signal", ""),
    (|signal| new(signal).with_file_directory("d"), &[("OTEL_SIGNAL_EXPORTER", "file")], rotation, "104857600 86400s 10", ""),
    (|signal| new(signal).with_file_directory("d").with_file_rotation(7, std::time::Duration::from_secs(1), 0), &[("OTEL_SIGNAL_EXPORTER", "file")], rotation, "7 1s 0", ""),

    (new, &[("OTEL_EXPORTER_OTLP_HEADERS", "a=1, B = x%20y ,a=2,"), BASE], headers, "a=2|b=x y|", ""),
    (new, &[("OTEL_EXPORTER_OTLP_HEADERS", "k=a=b;c"), BASE], headers, "k=a=b;c|", ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_HEADERS", "t=1"), ("OTEL_EXPORTER_OTLP_HEADERS", "g=1"), BASE], headers, "t=1|", ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_HEADERS", ""), ("OTEL_EXPORTER_OTLP_HEADERS", "g=1"), BASE], headers, "g=1|", ""),
    (new, &[("OTEL_EXPORTER_OTLP_HEADERS", "x=a%0Ab,g=1"), BASE], headers, "g=1|", "entry 1 (x: ***): its value holds a control character"),
    (new, &[("OTEL_EXPORTER_OTLP_HEADERS", "g=1,x y=1"), BASE], headers, "g=1|", "entry 2 (***: ***): a header's name"),
    (new, &[("OTEL_EXPORTER_OTLP_HEADERS", "x=%q,g=1"), BASE], headers, "g=1|", "entry 1 (x: ***): its value is not percent-encoded"),
    (new, &[("OTEL_EXPORTER_OTLP_HEADERS", "alone,g=1"), BASE], headers, "g=1|", "entry 1 is not of the form"),
    (new, &[("OTEL_EXPORTER_OTLP_HEADERS", "content-length=0,g=1"), BASE], headers, "g=1|", "the exporter writes this header itself"),

    (new, &[BASE], timeout, "Some(10s)", ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_HEADERS", "alone,g=1"), BASE], headers, "g=1|", "OTEL_EXPORTER_OTLP_SIGNAL_HEADERS: entry 1 is not of the form"),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_PROTOCOL", "http/thrift"), BASE], exporters, "off: OTEL_EXPORTER_OTLP_SIGNAL_PROTOCOL: \"http/thrift\" is not a protocol; use http/protobuf, grpc or http/json", "OTEL_EXPORTER_OTLP_SIGNAL_PROTOCOL: \"http/thrift\""),
    (new, &[("OTEL_EXPORTER_OTLP_COMPRESSION", "lzma"), BASE], coding, "none", "OTEL_EXPORTER_OTLP_COMPRESSION: \"lzma\" is not one of gzip, zstd, none"),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_COMPRESSION", "lzma"), ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"), BASE], coding, "gzip", "OTEL_EXPORTER_OTLP_SIGNAL_COMPRESSION: \"lzma\" is not one of gzip, zstd, none"),
    (new, &[("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"), BASE], timeout, "Some(1.5s)", ""),
    (new, &[("OTEL_EXPORTER_OTLP_TIMEOUT", "0"), BASE], timeout, "None", ""),
    (new, &[("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"), BASE], timeout, "Some(10s)", "OTEL_EXPORTER_OTLP_TIMEOUT: \"10s\" is not a whole number"),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_TIMEOUT", "1"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "2"), BASE], timeout, "Some(1ms)", ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_TIMEOUT", "-1"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "2"), BASE], timeout, "Some(2ms)", "\"-1\""),

    (new, &[BASE], coding, "none", ""),
    // Of TLS the rest is in certificates.rs.
    (new, &[("OTEL_EXPORTER_OTLP_CERTIFICATE", "/a"), BASE], exporters, "http://h:4318/v1/signal", "OTEL_EXPORTER_OTLP_CERTIFICATE: \"/a\": not used, since there is no TLS"),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_CERTIFICATE", "/a"), BASE], exporters, "http://h:4318/v1/signal", "OTEL_EXPORTER_OTLP_SIGNAL_CERTIFICATE: \"/a\": not used, since there is no TLS"),
    (new, &[("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/a"), BASE], exporters, "http://h:4318/v1/signal", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: \"/a\": not used, since there is no TLS"),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_CLIENT_CERTIFICATE", "/a"), BASE], exporters, "http://h:4318/v1/signal", "OTEL_EXPORTER_OTLP_SIGNAL_CLIENT_CERTIFICATE: \"/a\": not used, since there is no TLS"),
    (new, &[("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/a"), BASE], exporters, "http://h:4318/v1/signal", "OTEL_EXPORTER_OTLP_CLIENT_KEY: \"/a\": not used, since there is no TLS"),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_CLIENT_KEY", "/a"), BASE], exporters, "http://h:4318/v1/signal", "OTEL_EXPORTER_OTLP_SIGNAL_CLIENT_KEY: \"/a\": not used, since there is no TLS"),
    (new, &[("OTEL_EXPORTER_OTLP_INSECURE", "true"), BASE], exporters, "http://h:4318/v1/signal", "OTEL_EXPORTER_OTLP_INSECURE: not used: it is about gRPC"),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_INSECURE", "true"), BASE], exporters, "http://h:4318/v1/signal", "OTEL_EXPORTER_OTLP_SIGNAL_INSECURE: not used: it is about gRPC"),

    (new, &[("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP"), BASE], coding, "gzip", ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_COMPRESSION", "none"), ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"), BASE], coding, "none", ""),

    (new, &[("OTEL_FANCY", "1"), BASE], exporters, "http://h:4318/v1/signal", "OTEL_FANCY is set but not honoured by this version"),
    (new, &[("OTEL_FANCY", ""), BASE], exporters, "http://h:4318/v1/signal", ""),
    (new, &[("OAAS_OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1"), ("HOME", "/")], exporters, NOTHING, ""),

    (|signal| new(signal).with_endpoint("http://a:1/"), &[BASE], exporters, "http://a:1/v1/signal", ""),
    (|signal| new(signal).with_endpoint("http://a:1"), &[("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT", "http://t:2/x")], exporters, "http://t:2/x", ""),
    (|signal| new(signal).with_endpoint("http://a:1"), &[("OTEL_SIGNAL_EXPORTER", "none")], exporters, "off: OTEL_SIGNAL_EXPORTER is none", ""),
    (|signal| new(signal).with_endpoint("http://a:1"), &[("OTEL_SDK_DISABLED", "true")], exporters, "off: OTEL_SDK_DISABLED is true", ""),
    (|signal| new(signal).with_endpoint("http://a:1").or_console(), &[], exporters, "http://a:1/v1/signal", ""),
    (|signal| new(signal).or_console(), &[], exporters, "console(no_color false)", ""),
    (|signal| new(signal).or_console(), &[("NO_COLOR", "1")], exporters, "console(no_color true)", ""),
    (|signal| new(signal).or_console(), &[BASE], exporters, "http://h:4318/v1/signal", ""),
    (|signal| new(signal).or_console(), &[("OTEL_SIGNAL_EXPORTER", "otlp")], exporters, "http://localhost:4318/v1/signal", ""),
    (|signal| new(signal).or_console(), &[("OTEL_SIGNAL_EXPORTER", "none")], exporters, "off: OTEL_SIGNAL_EXPORTER is none", ""),
    (|signal| new(signal).or_console(), &[("OTEL_SDK_DISABLED", "true")], exporters, "off: OTEL_SDK_DISABLED is true", ""),
    (|signal| (signal.switch)(new(signal).or_console(), false), &[], exporters, "off: switched off by with_signal(false)", ""),
    (|signal| (signal.switch)(new(signal), false), &[BASE], exporters, "off: switched off by with_signal(false)", ""),
    (|signal| (signal.switch)(new(signal), true), &[BASE], exporters, "http://h:4318/v1/signal", ""),
    (|signal| (signal.switch)(new(signal), true), &[], exporters, NOTHING, ""),
    (|_| TelemetryConfig::spec_defaults(), &[], exporters, "http://localhost:4318/v1/signal", ""),
    (|_| TelemetryConfig::spec_defaults(), &[BASE], exporters, "http://h:4318/v1/signal", ""),
    (|_| TelemetryConfig::spec_defaults(), &[("OTEL_SIGNAL_EXPORTER", "none")], exporters, "off: OTEL_SIGNAL_EXPORTER is none", ""),
    (|_| TelemetryConfig::spec_defaults().or_console(), &[], exporters, "console(no_color false)", ""),
    (|signal| new(signal).with_header("A", "1").with_header("a", "2"), &[BASE, ("OTEL_EXPORTER_OTLP_HEADERS", "b=3,a=4")], headers, "b=3|a=2|", ""),
    (|signal| new(signal).with_header("a", "1"), &[BASE, ("OTEL_EXPORTER_OTLP_SIGNAL_HEADERS", "a=2"), ("OTEL_EXPORTER_OTLP_HEADERS", "c=3")], headers, "a=1|", ""),
];

#[test]
fn every_row_holds_for_every_signal() {
    check(ROWS);
}

/// Each row, for each signal.
pub(super) fn check(rows: &[Row]) {
    for signal in &SIGNALS {
        for (config, variables, look, expected, diagnostic) in rows {
            let spelled: Vec<_> =
                variables.iter().map(|(name, value)| (signal.spell(name), *value)).collect();
            let spelled: Vec<_> =
                spelled.iter().map(|(name, value)| (name.as_str(), *value)).collect();
            let resolved = with(config(signal), &spelled);
            assert_eq!(look(signal, &resolved.plan), signal.spell(expected), "{spelled:?}");
            // One line, even where three signals read the variable.
            let said = resolved.report.diagnostics();
            if diagnostic.is_empty() {
                assert!(said.is_empty(), "{spelled:?}: {said:?}");
            } else {
                let diagnostic = signal.spell(diagnostic);
                assert!(
                    matches!(said, [line] if line.contains(&diagnostic)),
                    "{spelled:?}: {said:?}"
                );
            }
        }
    }
}

/// Which of the three are on, and that the report says the same.
fn on(config: TelemetryConfig, variables: &[(&str, &str)]) -> [bool; 3] {
    let resolved = with(config, variables);
    let report = resolved.report.to_string();
    SIGNALS.map(|signal| {
        let on = !(signal.exporters)(&resolved.plan).is_empty();
        let state = if on { "on:" } else { "off:" };
        let said = report.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(signal.name) && words.next() == Some(state)
        });
        assert!(said, "{} {state} is not in\n{report}", signal.name);
        on
    })
}

#[test]
fn the_eight_combinations() {
    for combination in 0..8_u8 {
        let wanted = [0, 1, 2].map(|bit| combination & 1 << bit != 0);
        let signals = || SIGNALS.iter().zip(wanted);

        let config = TelemetryConfig::default();
        let argued = signals().fold(config, |config, (signal, on)| (signal.switch)(config, on));
        assert_eq!(on(argued.clone(), &[BASE]), wanted, "by arguments");
        assert_eq!(on(argued.clone().or_console(), &[]), wanted, "on the console");
        assert_eq!(on(argued, &[]), [false; 3], "an argument names no destination");

        let names = SIGNALS.map(|signal| signal.spell("OTEL_SIGNAL_EXPORTER"));
        let values = wanted.map(|on| if on { "otlp" } else { "none" });
        let mut variables: Vec<_> = names.iter().map(String::as_str).zip(values).collect();
        assert_eq!(on(TelemetryConfig::default(), &variables), wanted, "by variables");
        variables.push(("OTEL_SDK_DISABLED", "true"));
        assert_eq!(on(TelemetryConfig::default(), &variables), [false; 3], "disabled");
    }
}

#[test]
fn an_argument_forces_off_what_a_variable_names() {
    let config = TelemetryConfig::default().with_metrics(false).with_traces(true);
    let variables = [("OTEL_METRICS_EXPORTER", "otlp"), ("OTEL_TRACES_EXPORTER", "none"), BASE];
    assert_eq!(on(config, &variables), [false, false, true]);
}

#[test]
fn a_bad_variable_of_one_signal_leaves_the_others_on() {
    for (index, signal) in SIGNALS.iter().enumerate() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT", "ftp://h"),
            ("OTEL_EXPORTER_OTLP_SIGNAL_PROTOCOL", "carrier/pigeon"),
            ("OTEL_SIGNAL_EXPORTER", "zipkin"),
        ] {
            let name = signal.spell(name);
            let expected = [0, 1, 2].map(|other| other != index);
            let variables = [(name.as_str(), value), BASE];
            assert_eq!(on(TelemetryConfig::default(), &variables), expected, "{name}");
        }
    }
}

#[test]
fn what_is_wrong_for_all_is_said_once_and_is_why_each_is_off() {
    let resolved = plan(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "h:4318")]);
    let said = resolved.report.diagnostics();
    assert!(matches!(said, [line] if line.contains("\"h:4318\"")), "{said:?}");
    for signal in &SIGNALS {
        assert_eq!(signal.why(&resolved.plan), said[0]);
    }
}

#[test]
fn each_signal_reads_its_own_variables_only() {
    let names: Vec<_> = SIGNALS
        .iter()
        .flat_map(|signal| {
            let own = |name| signal.spell(name);
            [
                (own("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT"), own("http://signal:1/own")),
                (own("OTEL_EXPORTER_OTLP_SIGNAL_HEADERS"), own("k=signal")),
            ]
        })
        .collect();
    let variables: Vec<_> = names.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let resolved = with(TelemetryConfig::default().with_endpoint("http://argument:1"), &variables);
    for signal in &SIGNALS {
        assert_eq!(exporters(signal, &resolved.plan), signal.spell("http://signal:1/own"));
        assert_eq!(headers(signal, &resolved.plan), signal.spell("k=signal|"));
    }
}
