//! Bad input: a row a case, with what comes of it beside it.

#![cfg(feature = "telemetry")]

mod support;

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::trace::v1::Span;
use support::collector::Collector;
use support::{SOON, assert_conserved, config, record, serial, start};
use trackside::telemetry::{self, TelemetryConfig};

use Expected::{Arrives, Noted, Refused};
use Input::{Argument, InitIn, Recorded, Variable};

enum Input {
    /// Given to `init`.
    Argument(fn(TelemetryConfig) -> TelemetryConfig),
    /// Set beside a good endpoint, unless it is the endpoint.
    Variable(&'static str, &'static str),
    /// Written by the host, as one span.
    Recorded(fn()),
    /// A place where the host calls `init`, records one span, and shuts down.
    InitIn(fn(fn())),
}

enum Expected {
    /// `init` is an error with these words.
    Refused(&'static [&'static str]),
    /// `init` succeeds and says these words once; whether traces are on.
    Noted(bool, &'static [&'static str]),
    /// One span reaches the collector, and is like this.
    Arrives(fn(&Span) -> bool),
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const ON: bool = true;
const OFF: bool = false;

#[rustfmt::skip]
const TABLE: &[(&str, Input, Expected)] = &[
    ("endpoint is no URL", Argument(|c| c.with_endpoint("::::")), Refused(&["with_endpoint", "::::", "http://host:4318"])),
    ("endpoint is no URL", Variable(ENDPOINT, "::::"), Noted(OFF, &[ENDPOINT, "::::", "http://host:4318"])),
    ("endpoint without scheme", Variable(ENDPOINT, "localhost:4318"), Noted(OFF, &[ENDPOINT, "localhost:4318", "not a URL"])),
    ("unknown scheme", Argument(|c| c.with_endpoint("ftp://host")), Refused(&["with_endpoint", "ftp", "http://"])),
    ("unknown scheme", Variable(ENDPOINT, "ftp://host"), Noted(OFF, &[ENDPOINT, "ftp", "http://"])),
    ("certificate is not there", Argument(|c| c.with_certificate("/no/such")), Refused(&["with_certificate", "/no/such", "path"])),
    ("certificate without TLS", Variable("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such"), Noted(ON, &["OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such", "https://"])),
    ("unknown protocol", Variable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/thrift"), Noted(OFF, &["OTEL_EXPORTER_OTLP_PROTOCOL", "http/thrift"])),
    ("header with a newline", Argument(|c| c.with_header("x-key", "a\nsecret")), Refused(&["with_header", "x-key", "newline"])),
    ("header with a newline", Variable("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%0Asecret"), Noted(ON, &["OTEL_EXPORTER_OTLP_HEADERS", "x-key", "newline"])),
    ("header name", Argument(|c| c.with_header("bad name", "v")), Refused(&["with_header", "letters"])),
    ("ratio NaN", Argument(|c| c.with_sampler("traceidratio", Some(f64::NAN))), Refused(&["with_sampler", "NaN"])),
    ("ratio NaN", Variable("OTEL_TRACES_SAMPLER_ARG", "NaN"), Noted(ON, &["OTEL_TRACES_SAMPLER_ARG", "NaN", "from 0 to 1"])),
    ("ratio 2", Argument(|c| c.with_sampler("traceidratio", Some(2.0))), Refused(&["with_sampler", "2"])),
    ("ratio 2", Variable("OTEL_TRACES_SAMPLER_ARG", "2"), Noted(ON, &["OTEL_TRACES_SAMPLER_ARG", "2", "from 0 to 1"])),
    ("ratio -0.1", Argument(|c| c.with_sampler("traceidratio", Some(-0.1))), Refused(&["with_sampler", "-0.1"])),
    ("ratio of nothing", Argument(|c| c.with_sampler("always_on", Some(0.5))), Refused(&["with_sampler", "always_on"])),
    ("unknown sampler", Argument(|c| c.with_sampler("sometimes", None)), Refused(&["with_sampler", "sometimes"])),
    ("unknown sampler", Variable("OTEL_TRACES_SAMPLER", "sometimes"), Noted(ON, &["OTEL_TRACES_SAMPLER", "sometimes"])),
    ("no memory", Argument(|c| c.with_memory_limit(0)), Refused(&["with_memory_limit", "0"])),
    ("little memory", Argument(|c| c.with_memory_limit(1000)), Refused(&["with_memory_limit", "1000"])),
    ("queue size 0", Variable("OTEL_BSP_MAX_QUEUE_SIZE", "0"), Noted(ON, &["OTEL_BSP_MAX_QUEUE_SIZE", "\"0\"", "from 1"])),
    ("delay 0", Variable("OTEL_BSP_SCHEDULE_DELAY", "0"), Noted(ON, &["OTEL_BSP_SCHEDULE_DELAY", "\"0\"", "from 1"])),
    ("batch size 0", Variable("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0"), Noted(ON, &["OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "\"0\""])),
    ("batch over queue", Variable("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"), Noted(ON, &["OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096", "2048 is used"])),
    ("time-out in words", Variable("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"), Noted(ON, &["OTEL_EXPORTER_OTLP_TIMEOUT", "soon"])),
    ("unknown compression", Variable("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"), Noted(ON, &["OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"])),
    ("negative limit", Variable("OTEL_SPAN_EVENT_COUNT_LIMIT", "-1"), Noted(ON, &["OTEL_SPAN_EVENT_COUNT_LIMIT", "-1"])),
    ("invalid percent-encoding", Variable("OTEL_RESOURCE_ATTRIBUTES", "a=%zz"), Noted(ON, &["OTEL_RESOURCE_ATTRIBUTES", "%zz"])),
    ("unknown exporter name", Variable("OTEL_TRACES_EXPORTER", "carrier-pigeon"), Noted(OFF, &["OTEL_TRACES_EXPORTER", "carrier-pigeon"])),
    ("unknown propagator", Variable("OTEL_PROPAGATORS", "smoke"), Noted(ON, &["OTEL_PROPAGATORS", "smoke"])),
    ("neither true nor false", Variable("OTEL_SDK_DISABLED", "yes"), Noted(ON, &["OTEL_SDK_DISABLED", "yes"])),
    ("unknown variable", Variable("OTEL_NO_SUCH_THING", "1"), Noted(ON, &["OTEL_NO_SUCH_THING", "not honoured"])),
    ("attribute of 10 MB", Recorded(ten_megabytes), Arrives(|span| text(span, "text").len() == 10_000_000)),
    ("1,000 attributes", Recorded(thousand_attributes), Arrives(|span| (span.attributes.len(), span.dropped_attributes_count) == (128, 872))),
    ("control characters in names", Recorded(control_characters), Arrives(|span| span.name == CONTROL && span.events[0].name == CONTROL && text(span, CONTROL) == CONTROL)),
    ("init without a runtime", InitIn(|host| std::thread::spawn(host).join().expect("the host lives")), Arrives(|span| span.name == "host")),
    ("init in current_thread", InitIn(|host| current_thread().block_on(async { host() })), Arrives(|span| span.name == "host")),
    ("init in a LocalSet", InitIn(|host| tokio::task::LocalSet::new().block_on(&current_thread(), async { host() })), Arrives(|span| span.name == "host")),
];

const CONTROL: &str = "nul\0 bell\x07 escape\x1b[31m newline\r\n";

fn ten_megabytes() {
    let text = "x".repeat(10_000_000);
    drop(telemetry::span("large").with(|span| {
        span.set("text", &text);
    }));
}

fn thousand_attributes() {
    drop(telemetry::span("many").with(|span| {
        for number in 0..1_000 {
            span.set_dynamic(&format!("key {number}"), number);
        }
    }));
}

fn control_characters() {
    drop(telemetry::span(CONTROL).with(|span| {
        span.set(CONTROL, CONTROL).event(CONTROL, &[]);
    }));
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

/// The text of one attribute.
fn text<'a>(span: &'a Span, key: &str) -> &'a str {
    use opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue;
    let pair = span.attributes.iter().find(|pair| pair.key == key).expect("the key is there");
    match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(StringValue(text)) => text,
        other => panic!("{key:?} is {other:?}"),
    }
}

#[test]
fn every_bad_input_has_its_answer() {
    let _turn = serial();
    for (case, input, expected) in TABLE {
        match (input, expected) {
            (Argument(bad), Refused(words)) => refused(case, *bad, words),
            (Variable(name, value), Noted(on, words)) => noted(case, (name, value), *on, words),
            (Recorded(write), Arrives(holds)) => {
                let collector = Collector::start();
                let telemetry = start(&collector.url(), &[]);
                write();
                telemetry.shutdown(SOON).unwrap();
                assert_eq!(assert_conserved(&telemetry).delivered, 1, "{case}");
                assert!(holds(&collector.spans()[0]), "{case}");
            }
            (InitIn(place), Arrives(holds)) => {
                let collector = Collector::start();
                *HOST_SENDS_TO.lock().unwrap() = collector.url();
                place(host);
                assert!(holds(&collector.spans()[0]), "{case}");
            }
            _ => unreachable!("{case}: a row in the wrong shape"),
        }
    }
}

static HOST_SENDS_TO: Mutex<String> = Mutex::new(String::new());

fn host() {
    let telemetry = start(&HOST_SENDS_TO.lock().expect("nothing panics under it"), &[]);
    record("host", 1);
    telemetry.force_flush(SOON).expect("all is answered");
    telemetry.shutdown(SOON).expect("all is answered");
    assert_eq!(assert_conserved(&telemetry).delivered, 1);
}

fn refused(case: &str, bad: fn(TelemetryConfig) -> TelemetryConfig, words: &[&str]) {
    let base = config(&[(ENDPOINT, "http://127.0.0.1:1")]);
    let error = telemetry::init(bad(base)).expect_err(case).to_string();
    for word in words {
        assert!(error.contains(word), "{case}: {error:?} does not say {word:?}");
    }
    assert!(!error.contains("secret"), "{case}: {error}");
}

fn noted(case: &str, (name, value): (&str, &str), on: bool, words: &[&str]) {
    let collector = Collector::start();
    let url = collector.url();
    let mut variables = vec![(name, value)];
    for (other, good) in [(ENDPOINT, &*url), ("OTEL_TRACES_SAMPLER", "traceidratio")] {
        if other != name {
            variables.push((other, good));
        }
    }
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&said);
    let config = config(&variables).on_diagnostic(move |line| {
        heard.lock().expect("nothing panics under it").push(line.to_owned())
    });
    let telemetry = telemetry::init(config).expect("a variable is no error");
    let status = telemetry.status();
    assert_eq!(status.traces.on, on, "{case}: {}", status.traces.why);
    let says_all = |line: &&String| words.iter().all(|word| line.contains(word));
    let lines = status.diagnostics.iter().filter(says_all).count();
    assert_eq!(lines, 1, "{case}: {:?}", status.diagnostics);
    assert_eq!(
        *said.lock().expect("nothing panics under it"),
        status.diagnostics,
        "{case}: the callback hears the same"
    );
    let report = telemetry.report().to_string();
    assert!(report.contains(name) && !report.contains("secret"), "{case}: {report}");
    record("item", 1);
    telemetry.shutdown(SOON).expect("all is answered");
    assert_eq!(assert_conserved(&telemetry).delivered, u64::from(on), "{case}");
}
