//! When Cap'n Proto is chosen, where it goes, and what it makes of OTLP's variables.

use super::signals::{Row, SIGNALS, Signal, check, exporters, new};
use super::{plan, with};
use crate::config::TelemetryConfig;
use crate::config::plan::{CapnpPlan, ExporterPlan, Plan};
use crate::export::HAS_ZSTD;
use crate::tls::SUPPORTED as TLS;

const AT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "capnp://h:4319");
const NAMED: (&str, &str) = ("OTEL_SIGNAL_EXPORTER", "capnp");
const HOME: &str = "capnp://localhost:4319";
const SHOWN: &str = "capnp://h:4319";

fn capnp<'a>(signal: &Signal, plan: &'a Plan) -> &'a CapnpPlan {
    let found = signal.exporters(plan).iter().find_map(|exporter| match exporter {
        ExporterPlan::Capnp(capnp) => Some(capnp),
        _ => None,
    });
    found.expect("an exporter of Cap'n Proto")
}
fn timeout(signal: &Signal, plan: &Plan) -> String {
    format!("{:?}", capnp(signal, plan).timeout)
}
fn token(signal: &Signal, plan: &Plan) -> String {
    let token = capnp(signal, plan).token.as_ref();
    token.map_or_else(String::new, |token| String::from_utf8_lossy(token.as_bytes()).into_owned())
}
fn compression(signal: &Signal, plan: &Plan) -> String {
    capnp(signal, plan).compression.to_string()
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (new, &[NAMED], exporters, HOME, ""),
    (new, &[("OTEL_SIGNAL_EXPORTER", "Capnp,console")], exporters, "capnp://localhost:4319 console(no_color false)", ""),
    (new, &[AT], exporters, SHOWN, ""),
    (new, &[AT, NAMED], exporters, SHOWN, ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", " CAPNP://h:4319/ ")], exporters, SHOWN, ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "capnp://127.0.0.1:1")], exporters, "capnp://127.0.0.1:1", ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "capnp://[::1]:4319")], exporters, "capnp://[::1]:4319", ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "capnp+unix:/run/t.sock")], exporters, "capnp+unix:/run/t.sock", ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "capnp+unix:///run/a b?.sock")], exporters, "capnp+unix:/run/a b?.sock", ""),

    // The exporter's name over the scheme.
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4319"), NAMED], exporters, SHOWN, "OTEL_EXPORTER_OTLP_ENDPOINT: the exporter is capnp, so Cap'n Proto is sent to that host and port"),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT", "h:4319"), NAMED], exporters, SHOWN, ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT", "[::1]:4319"), NAMED], exporters, "capnp://[::1]:4319", ""),
    (new, &[AT, ("OTEL_SIGNAL_EXPORTER", "otlp")], exporters, "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"capnp://h:4319\": Cap'n Proto's, but OTLP is to be sent; name the exporter capnp, or write it as http://host:4318", "OTLP is to be sent"),
    (new, &[AT, ("OTEL_SIGNAL_EXPORTER", "console")], exporters, "console(no_color false)", ""),
    (new, &[AT, ("OTEL_SIGNAL_EXPORTER", "none")], exporters, "off: OTEL_SIGNAL_EXPORTER is none", ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318"), ("OTEL_SIGNAL_EXPORTER", "otlp,capnp")], exporters, "http://h:4318/v1/signal capnp://localhost:4319", ""),
    (new, &[AT, ("OTEL_SIGNAL_EXPORTER", "otlp,capnp")], exporters, "http://localhost:4318/v1/signal capnp://h:4319", ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT", "capnp://t:1"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318"), ("OTEL_SIGNAL_EXPORTER", "otlp,capnp")], exporters, "http://h:4318/v1/signal capnp://t:1", ""),

    // The scheme over the protocol.
    (new, &[AT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")], exporters, SHOWN, "OTEL_EXPORTER_OTLP_PROTOCOL: not used, since Cap'n Proto is sent"),
    (new, &[AT, ("OTEL_EXPORTER_OTLP_SIGNAL_PROTOCOL", "grpc")], exporters, SHOWN, "OTEL_EXPORTER_OTLP_SIGNAL_PROTOCOL: not used"),

    // The nearest endpoint.
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT", "capnp://t:1"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], exporters, "capnp://t:1", ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT", "http://t:1/x"), AT], exporters, "http://t:1/x", ""),
    (|signal| new(signal).with_endpoint("capnp://a:1"), &[AT], exporters, "capnp://a:1", ""),
    (|signal| new(signal).with_endpoint("capnp+unix:/a"), &[AT], exporters, "capnp+unix:/a", ""),
    (|signal| new(signal).with_endpoint("capnp://a:1"), &[("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT", "http://t:2/x")], exporters, "http://t:2/x", ""),
    (|signal| new(signal).with_endpoint("a:1"), &[NAMED], exporters, "capnp://a:1", "argument: \"a:1\": not a URL"),
    (|signal| new(signal).with_endpoint("http://a:1"), &[NAMED], exporters, "capnp://a:1", "argument: the exporter is capnp"),
    (|signal| new(signal).with_endpoint("http://a:1/x"), &[NAMED], exporters, "off: argument: \"http://a:1/x\": Cap'n Proto has no paths; end it after the port", "no paths"),
    (|_| TelemetryConfig::spec_defaults(), &[AT], exporters, SHOWN, ""),

    (new, &[AT], timeout, "Some(10s)", ""),
    (new, &[AT, ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500")], timeout, "Some(1.5s)", ""),
    (new, &[AT, ("OTEL_EXPORTER_OTLP_SIGNAL_TIMEOUT", "0"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "2")], timeout, "None", ""),

    (new, &[AT], token, "", ""),
    (new, &[AT, ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc")], token, "abc", ""),
    (new, &[AT, ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=bearer%20 abc ")], token, "abc", ""),
    (new, &[AT, ("OTEL_EXPORTER_OTLP_SIGNAL_HEADERS", "authorization=Bearer own"), ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer all")], token, "own", ""),
    (|signal| new(signal).with_header("Authorization", "Bearer arg"), &[AT, ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer var")], token, "arg", ""),
    (new, &[AT, ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20abc")], token, "", "authorization: ***: not sent over Cap'n Proto: only `Bearer <token>` can be sent"),
    (new, &[AT, ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20")], token, "", "only `Bearer <token>`"),
    (new, &[AT, ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=7")], token, "", "OTEL_EXPORTER_OTLP_HEADERS: x-tenant: ***: not sent over Cap'n Proto: there are no headers"),
    (|signal| new(signal).with_header("x-tenant", "7"), &[AT], token, "", "argument: x-tenant: ***: not sent"),
    (new, &[("OTEL_SIGNAL_EXPORTER", "otlp,capnp"), ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=7")], token, "", ""),

    (new, &[NAMED], compression, "none", ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "capnp+unix:/s")], compression, "none", ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "capnp://[::1]:1")], compression, "none", ""),
    (new, &[AT, ("OTEL_EXPORTER_OTLP_COMPRESSION", "none")], compression, "none", ""),
    (new, &[NAMED, ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")], compression, "none", "OTEL_EXPORTER_OTLP_COMPRESSION: gzip is for OTLP, and Cap'n Proto is sent"),
    (new, &[("OTEL_SIGNAL_EXPORTER", "otlp,capnp"), ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")], compression, "none", ""),
];

/// Exporter; scheme; protocol; what comes of it, and the lines that say what was passed over.
#[rustfmt::skip]
const DISAGREEING: &[(&str, &str, &str, &str, &[&str])] = &[
    ("capnp", "http://h:4319", "http/json", SHOWN, &["OTEL_EXPORTER_OTLP_ENDPOINT: the exporter is capnp", "OTEL_EXPORTER_OTLP_PROTOCOL: not used, since Cap'n Proto is sent"]),
    ("capnp", "capnp://h:4319", "grpc", SHOWN, &["OTEL_EXPORTER_OTLP_PROTOCOL: not used, since Cap'n Proto is sent"]),
    ("", "capnp://h:4319", "http/json", SHOWN, &["OTEL_EXPORTER_OTLP_PROTOCOL: not used, since Cap'n Proto is sent"]),
    ("otlp", "capnp://h:4319", "http/json", "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"capnp://h:4319\": Cap'n Proto's, but OTLP is to be sent; name the exporter capnp, or write it as http://host:4318", &["OTLP is to be sent"]),
    ("console", "capnp://h:4319", "http/json", "console(no_color false)", &[]),
    ("none", "capnp://h:4319", "http/json", "off: OTEL_SIGNAL_EXPORTER is none", &[]),
    ("otlp,capnp", "capnp://h:4319", "http/json", "http://localhost:4318/v1/signal capnp://h:4319", &[]),
    ("otlp,capnp", "http://h:4318", "http/json", "http://h:4318/v1/signal capnp://localhost:4319", &[]),
];

#[test]
fn where_three_disagree_the_exporter_wins_over_the_scheme_and_that_over_the_protocol() {
    for (exporter, endpoint, protocol, expected, lines) in DISAGREEING {
        let names = SIGNALS.each_ref().map(|signal| signal.spell("OTEL_SIGNAL_EXPORTER"));
        let mut variables: Vec<_> = names.iter().map(|name| (name.as_str(), *exporter)).collect();
        variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint));
        variables.push(("OTEL_EXPORTER_OTLP_PROTOCOL", protocol));
        let resolved = plan(&variables);
        for signal in &SIGNALS {
            assert_eq!(exporters(signal, &resolved.plan), signal.spell(expected), "{variables:?}");
        }
        let said = resolved.report.diagnostics();
        assert_eq!(said.len(), lines.len(), "{variables:?}: {said:?}");
        assert!(lines.iter().zip(said).all(|(line, said)| said.contains(line)), "{said:?}");
    }
}

/// What stands behind the off switch where an endpoint cannot be used.
#[rustfmt::skip]
const BAD: &[(&str, &str)] = &[
    ("capnp://h", "the port is missing, and none is guessed; receivers listen on 4319 by default: write it as capnp://host:4319"),
    ("capnp://", "write it as capnp://host:4319 or capnp+unix:/path"),
    ("capnp://:4319", "write it as capnp://host:4319 or capnp+unix:/path"),
    ("capnp://h:0", "write it as capnp://host:4319 or capnp+unix:/path"),
    ("capnp://h:99999", "write it as capnp://host:4319 or capnp+unix:/path"),
    ("capnp://::1:4319", "write it as capnp://host:4319 or capnp+unix:/path"),
    ("capnp://h:4319/v1/traces", "Cap'n Proto has no paths; end it after the port"),
    ("capnp://h:4319?x=1", "Cap'n Proto has no paths; end it after the port"),
    ("capnp://h:4319#x", "Cap'n Proto has no paths; end it after the port"),
    ("capnp://u:p@h:4319", "set the header authorization"),
    ("capnps://h", if TLS { "the port is missing" } else { "this build has no TLS" }),
    ("capnp+tcp://h:4319", "the scheme is not known; use capnp:// or capnp+unix:"),
    ("capnp+unix:", "the absolute path of a socket"),
    ("capnp+unix:run/t.sock", "the absolute path of a socket"),
    ("capnp+unix://run/t.sock", "the absolute path of a socket"),
    ("capnp+unix:/run/", "the absolute path of a socket"),
];

/// The same, where the exporter is named.
#[rustfmt::skip]
const BAD_WHERE_NAMED: &[(&str, &str)] = &[
    ("http://h", "the port is missing"),
    ("h", "the port is missing"),
    ("http://h:4319/v1/traces", "Cap'n Proto has no paths"),
    ("https://h:4319", "https:// is not for Cap'n Proto"),
    ("ftp://h:4319", "the scheme is not known; use capnp://"),
    ("", "not an endpoint of Cap'n Proto"),
];

#[test]
fn off_this_machine_zstd_is_used_where_it_is_compiled_in() {
    let of = |variables: &[(&str, &str)]| {
        let resolved = plan(&[&[AT], variables].concat());
        let said = resolved.report.diagnostics().join(" ");
        (compression(&SIGNALS[0], &resolved.plan), said)
    };
    let expected = if HAS_ZSTD { "zstd off this machine" } else { "none" };
    assert_eq!(of(&[]), (expected.to_owned(), String::new()));
    let (chosen, said) = of(&[("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd")]);
    if HAS_ZSTD {
        assert_eq!((chosen.as_str(), said.as_str()), ("zstd", ""));
    } else {
        assert_eq!(chosen, "none");
        assert!(said.contains("this build has no zstd"), "{said}");
    }
}

#[test]
fn every_row_holds_for_every_signal() {
    check(ROWS);
}

#[test]
fn what_cannot_be_an_endpoint_says_why_as_argument_and_as_variable() {
    let named = ("OTEL_TRACES_EXPORTER", "capnp");
    let bad = BAD.iter().map(|row| (row, false));
    for (&(endpoint, why), is_named) in bad.chain(BAD_WHERE_NAMED.iter().map(|row| (row, true))) {
        let variables: &[_] = if is_named { &[named] } else { &[] };
        if !endpoint.is_empty() {
            let set = ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
            let resolved = plan(&[variables, &[set]].concat());
            assert!(resolved.plan.traces.exporters.is_empty(), "{endpoint}");
            let off = &resolved.plan.traces.why;
            assert!(off.contains("OTEL_EXPORTER_OTLP_ENDPOINT") && off.contains(why), "{off}");
        }
        let config = TelemetryConfig::default().with_endpoint(endpoint);
        let refused = crate::testing::with_variables(config, variables).plan();
        match refused {
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains("with_endpoint(") && error.contains(why), "{error}");
            }
            // Good for OTLP, which other signals may have.
            Ok(resolved) => {
                assert!(is_named && endpoint.starts_with("http"), "{endpoint}");
                assert!(resolved.plan.traces.why.contains(why), "{}", resolved.plan.traces.why);
            }
        }
    }
}

#[test]
fn a_socket_has_a_path_of_at_most_107_bytes() {
    let endpoint = |length: usize| format!("capnp+unix:/{}", "x".repeat(length - 1));
    let why = |length| {
        let endpoint = endpoint(length);
        plan(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).plan.traces.why
    };
    assert_eq!(why(107), "an endpoint is configured");
    assert!(why(108).contains("107 bytes at most"), "{}", why(108));
}

#[test]
fn no_token_shows() {
    let config = TelemetryConfig::default().with_header("authorization", "Bearer hunter2");
    let resolved = with(config, &[AT]);
    for signal in &SIGNALS {
        assert_eq!(token(signal, &resolved.plan), "hunter2");
    }
    let shown = format!("{} {:?} {:?}", resolved.report, resolved.report, resolved.plan);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(resolved.report.to_string().contains("traces.capnp.token"), "{shown}");
    let resolved = plan(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "capnp://user:hunter2@h:4319")]);
    let shown = format!("{} {:?}", resolved.report, resolved.plan);
    assert!(!shown.contains("hunter2") && shown.contains("***"), "{shown}");
}
