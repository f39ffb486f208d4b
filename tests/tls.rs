//! OTLP over https and Cap'n Proto over capnps: what arrives, what is refused and with which words, and
//! certificates that change.

#![cfg(all(feature = "tls", feature = "receive"))]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::trace::SpanExporter as _;
use rustls::ServerConfig;
use support::certificates::{Authority, Directory};
use support::collector::Collector;
use support::sdk::{span_data, wait};
use support::terminator::{Terminator, config};
use support::{SOON, assert_conserved, receiver, record, serial, start, wait_until};
use trackside::receive::Running;
use trackside::telemetry::{self, Telemetry};

const ROOTS: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const SHOWN: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
const KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";
const SCHEMES: [&str; 2] = ["https", "capnps"];

fn address(url: &str) -> SocketAddr {
    url.split_once("://").expect("a scheme").1.parse().expect("an address")
}

/// A collector, directly or behind a receiver, and TLS in front of it.
struct Backend {
    collector: Collector,
    receiver: Running,
}

impl Backend {
    fn new() -> Self {
        let collector = Collector::start();
        let receiver = receiver::start(&collector.url());
        Self { collector, receiver }
    }

    fn behind(&self, scheme: &str, config: Arc<ServerConfig>) -> Terminator {
        let server = match scheme {
            "https" => address(&self.collector.url()),
            _ => address(&receiver::endpoint(&self.receiver)),
        };
        Terminator::to(server, config)
    }

    fn end(&self) {
        receiver::end(&self.receiver);
    }
}

/// An attempt that fails: all is kept, and the reason is this.
#[track_caller]
fn assert_kept(telemetry: &Telemetry, items: u64, why: &[&str]) {
    assert!(telemetry.force_flush(Duration::from_millis(50)).is_err());
    wait_until("the failure", || telemetry.status().traces.last_error.is_some());
    let traces = assert_conserved(telemetry);
    assert_eq!((traces.waiting, traces.delivered), (items, 0), "{traces:#?}");
    let error = traces.last_error.expect("it is there");
    for word in why {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
    let said = telemetry.status().diagnostics;
    assert!(said.iter().any(|line| line.contains(why[0])), "{said:?}");
}

#[test]
fn all_signals_arrive_and_the_end_is_said() {
    let _turn = serial();
    let (directory, authority, backend) =
        (Directory::new(), Authority::new("here"), Backend::new());
    let roots = directory.write("ca.pem", &authority.pem);
    for scheme in SCHEMES {
        let server = backend.behind(scheme, config(&authority.issue("localhost"), None));
        let others = [("OTEL_METRICS_EXPORTER", ""), ("OTEL_LOGS_EXPORTER", "")];
        let telemetry = start(&server.url(scheme), &[(ROOTS, &roots), others[0], others[1]]);
        let shown = format!("{}", telemetry.report());
        assert!(shown.contains(&roots) && shown.contains(&server.url(scheme)), "{shown}");
        record("work", 300);
        telemetry::counter("calls").add(1, &[]);
        telemetry::forward_log(20, "a line", "host", 1, "main", &[]);
        telemetry.force_flush(SOON).unwrap();
        assert_eq!(assert_conserved(&telemetry).delivered, 300, "{scheme}");
        let status = telemetry.status();
        assert_eq!(status.logs.delivered, 1, "{scheme}");
        assert!(status.metrics.delivered >= 1, "{scheme}");
        telemetry.shutdown(SOON).unwrap();
        let connections = server.seen().clients.len();
        assert_eq!(connections, if scheme == "https" { 3 } else { 1 });
        wait_until("the end", || {
            let seen = server.seen();
            seen.goodbyes + seen.silent == connections
        });
        assert_eq!(server.seen().silent, 0, "{scheme}: each end is a close_notify");
    }
    assert_eq!(backend.collector.spans().len(), 600);
    backend.end();
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_and_nothing_is_lost_until_it_is_right() {
    let _turn = serial();
    let (directory, authority, backend) =
        (Directory::new(), Authority::new("here"), Backend::new());
    let roots = directory.write("ca.pem", &authority.pem);
    let good = config(&authority.issue("localhost"), None);
    let bad = [
        (
            config(&Authority::new("elsewhere").issue("localhost"), None),
            vec!["unknown authority", ROOTS, &roots],
        ),
        (
            config(&authority.issue_until("localhost", 2020), None),
            vec!["certificate expired", "days ago", "renew it"],
        ),
        (
            config(&authority.issue("collector.example"), None),
            vec!["wrong name", "collector.example", "not for localhost"],
        ),
    ];
    for scheme in SCHEMES {
        for (config, why) in &bad {
            let server = backend.behind(scheme, Arc::clone(config));
            let telemetry = start(&server.url(scheme), &[(ROOTS, &roots)]);
            record("work", 10);
            assert_kept(&telemetry, 10, why);
            server.set(Arc::clone(&good));
            telemetry.force_flush(SOON).unwrap();
            let traces = assert_conserved(&telemetry);
            assert_eq!((traces.delivered, traces.waiting), (10, 0), "{scheme} {why:?}");
            telemetry.shutdown(SOON).unwrap();
        }
    }
    backend.end();
}

#[test]
fn the_system_is_trusted_where_nothing_is_named() {
    let _turn = serial();
    let (authority, backend) = (Authority::new("unheard of"), Backend::new());
    let server = backend.behind("https", config(&authority.issue("localhost"), None));
    let telemetry = start(&server.url("https"), &[]);
    record("work", 1);
    // Also where a system has no authorities at all.
    assert_kept(&telemetry, 1, &["TLS: ", ROOTS]);
    assert!(telemetry.shutdown(Duration::ZERO).is_err());
    backend.end();
}

#[test]
fn a_client_shows_its_certificate_and_the_one_that_is_on_disk() {
    let _turn = serial();
    let (directory, authority, backend) =
        (Directory::new(), Authority::new("here"), Backend::new());
    let clients = Authority::new("clients");
    let roots = directory.write("ca.pem", &authority.pem);
    for scheme in SCHEMES {
        let server = backend.behind(scheme, config(&authority.issue("localhost"), Some(&clients)));
        let first = clients.issue("host");
        let (certificate, key) = first.write(&directory, "client");
        let variables = [(ROOTS, &*roots), (SHOWN, &certificate), (KEY, &key)];
        let telemetry = start(&server.url(scheme), &variables);
        record("work", 10);
        telemetry.force_flush(SOON).unwrap();
        let second = clients.issue("host");
        second.write(&directory, "client");
        server.cut();
        record("work", 10);
        telemetry.force_flush(SOON).unwrap();
        assert_eq!(assert_conserved(&telemetry).delivered, 20, "{scheme}");
        let seen = server.seen().clients;
        assert_eq!(seen.first(), Some(&Some(first.der)), "{scheme}");
        assert_eq!(seen.last(), Some(&Some(second.der)), "{scheme}: renewed without a restart");

        // A file that is gone is waited for.
        let fresh = std::fs::read_to_string(&certificate).unwrap();
        std::fs::remove_file(&certificate).unwrap();
        server.cut();
        record("work", 10);
        assert!(telemetry.force_flush(Duration::from_millis(100)).is_err());
        wait_until("the failure", || {
            let error = telemetry.status().traces.last_error;
            error.is_some_and(|error| error.contains(SHOWN) && error.contains("no such file"))
        });
        std::fs::write(&certificate, fresh).unwrap();
        telemetry.force_flush(SOON).unwrap();
        assert_eq!(assert_conserved(&telemetry).delivered, 30, "{scheme}");
        telemetry.shutdown(SOON).unwrap();
    }
    backend.end();
}

#[test]
fn a_client_without_a_certificate_or_with_a_wrong_one_is_told() {
    let _turn = serial();
    let (directory, authority, backend) =
        (Directory::new(), Authority::new("here"), Backend::new());
    let clients = Authority::new("clients");
    let roots = directory.write("ca.pem", &authority.pem);
    let (certificate, key) = Authority::new("others").issue("host").write(&directory, "client");
    for scheme in SCHEMES {
        let server = backend.behind(scheme, config(&authority.issue("localhost"), Some(&clients)));
        let none: &[(&str, &str)] = &[(ROOTS, &roots)];
        let wrong: &[(&str, &str)] = &[(ROOTS, &roots), (SHOWN, &certificate), (KEY, &key)];
        for (variables, words) in [
            (none, ["CertificateRequired", SHOWN]),
            (wrong, ["refused the client's", &certificate]),
        ] {
            let telemetry = start(&server.url(scheme), variables);
            record("work", 10);
            assert_kept(&telemetry, 10, &words);
            assert!(telemetry.shutdown(Duration::ZERO).is_err());
        }
    }
    assert_eq!(backend.collector.spans().len(), 0);
    backend.end();
}

#[test]
fn exporters_for_the_sdk_do_the_same() {
    let (directory, authority, backend) =
        (Directory::new(), Authority::new("here"), Backend::new());
    let clients = Authority::new("clients");
    let roots = directory.write("ca.pem", &authority.pem);
    let (certificate, key) = clients.issue("host").write(&directory, "client");
    let asks = config(&authority.issue("localhost"), Some(&clients));
    let server = backend.behind("https", Arc::clone(&asks));
    let spans = trackside::export::sdk::SpanExporter::builder()
        .with_endpoint(&server.url("https"))
        .with_certificate(&roots)
        .with_client_certificate(&certificate, &key)
        .build()
        .unwrap();
    wait(spans.export(vec![span_data("one")])).unwrap();
    let server = backend.behind("capnps", asks);
    let builder = || {
        let builder = trackside::export::CapnpSpanExporter::builder();
        builder.with_endpoint(server.url("capnps")).with_certificate(&roots)
    };
    let whole = builder().with_client_certificate(&certificate, &key).build().unwrap();
    wait(whole.export(vec![span_data("two")])).unwrap();
    assert_eq!(backend.collector.spans().len(), 2);
    let hasty = builder().with_timeout(Duration::from_secs(1)).build().unwrap();
    let error = wait(hasty.export(vec![span_data("three")])).unwrap_err().to_string();
    assert!(error.contains("wants a certificate of the client"), "{error}");
    backend.end();
}
