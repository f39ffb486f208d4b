//! OTLP through proxies, over sockets, and compressed with zstd.

#![cfg(feature = "telemetry")]

mod support;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use support::collector::Collector;
use support::proxy::{Proxy, socket};
use support::{SOON, assert_conserved, record, serial, start, wait_until};

/// A place for a socket, short enough for its address.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("trackside-{}-{name}", std::process::id()));
        // What an earlier process of this number left.
        let _ = std::fs::remove_file(&path);
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn address(url: &str) -> SocketAddr {
    url.replace("http://", "").parse().expect("an address")
}

#[test]
fn a_proxy_is_asked_for_what_only_it_can_find() {
    let _turn = serial();
    let collector = Collector::start();
    let proxy = Proxy::to(address(&collector.url()), None);
    let url = proxy.url("user:p%20w@");
    let telemetry = start("http://collector.invalid:4318", &[("http_proxy", &url)]);
    record("work", 5);
    telemetry.force_flush(SOON).unwrap();
    record("work", 5);
    telemetry.shutdown(SOON).unwrap();
    assert_eq!(assert_conserved(&telemetry).delivered, 10);
    let requests = collector.requests();
    let paths: Vec<_> = requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["http://collector.invalid:4318/v1/traces"; 2], "the whole URL");
    for request in &requests {
        assert_eq!(request.header("host"), ["collector.invalid:4318"]);
        assert_eq!(request.header("proxy-authorization"), ["Basic dXNlcjpwIHc="]);
    }
    assert_eq!(proxy.heads().len(), 1, "over one connection");
    let report = telemetry.report().to_string();
    assert!(report.contains("traces.otlp.proxy") && !report.contains("p%20w"), "{report}");
}

#[test]
fn a_host_that_needs_no_proxy_is_reached_without() {
    let _turn = serial();
    let collector = Collector::start();
    let proxy = Proxy::to(address(&collector.url()), None);
    // An address of this machine is one by itself.
    let telemetry = start(&collector.url(), &[("HTTP_PROXY", &proxy.url(""))]);
    record("work", 5);
    telemetry.shutdown(SOON).unwrap();
    assert_eq!((collector.spans().len(), proxy.heads().len()), (5, 0));
}

#[test]
fn a_socket_is_a_way_as_good_as_a_port() {
    let _turn = serial();
    let (collector, place) = (Collector::start(), Place::new("otlp.sock"));
    for endpoint in [format!("http+unix:{}", place.path()), format!("unix://{}", place.path())] {
        let seen = collector.spans().len();
        let telemetry = start(&endpoint, &[]);
        record("work", 5);
        if seen == 0 {
            // There is none yet: the reason names it.
            assert!(telemetry.force_flush(Duration::from_millis(50)).is_err());
            wait_until("the failure", || telemetry.status().traces.last_error.is_some());
            let error = telemetry.status().traces.last_error.unwrap();
            assert!(error.contains(place.path()) && error.contains("No such file"), "{error}");
            socket(place.path(), address(&collector.url()));
        }
        telemetry.shutdown(SOON).unwrap();
        assert_eq!(assert_conserved(&telemetry).delivered, 5);
        assert_eq!(collector.spans().len(), seen + 5);
    }
    let request = collector.requests().remove(0);
    assert_eq!((request.path.as_str(), request.header("host")), ("/v1/traces", vec!["localhost"]));
}

#[cfg(feature = "zstd")]
#[test]
fn zstd_is_smaller_and_holds_the_same() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd")]);
    record("work", 300);
    telemetry.shutdown(SOON).unwrap();
    let request = collector.requests().remove(0);
    assert_eq!(request.header("content-encoding"), ["zstd"]);
    let plain = zstd::decode_all(&request.body[..]).expect("it is zstd");
    assert!(request.raw_length * 2 < plain.len());
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use prost::Message as _;
    let decoded = ExportTraceServiceRequest::decode(&plain[..]).expect("it is OTLP");
    assert_eq!(decoded.resource_spans[0].scope_spans[0].spans.len(), 300);
}

#[cfg(feature = "grpc")]
mod grpc {
    use super::support::grpc::Collector;
    use super::*;

    const GRPC: (&str, &str) = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");

    #[test]
    fn a_proxy_opens_a_way_for_it() {
        let _turn = serial();
        let collector = Collector::start();
        let proxy = Proxy::to(collector.address(), None);
        let url = proxy.url("");
        let telemetry = start("http://collector.invalid:4317", &[GRPC, ("HTTP_PROXY", &url)]);
        record("work", 5);
        telemetry.shutdown(SOON).unwrap();
        assert_eq!(assert_conserved(&telemetry).delivered, 5);
        let expected =
            "CONNECT collector.invalid:4317 HTTP/1.1\r\nHost: collector.invalid:4317\r\n\r\n";
        assert_eq!(proxy.heads(), [expected]);
        assert_eq!(collector.requests()[0].authority, "collector.invalid:4317");
    }

    #[test]
    fn a_proxy_that_opens_none_is_named() {
        let _turn = serial();
        let collector = Collector::start();
        for (answer, words) in [
            ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "it wants other credentials"),
            ("HTTP/1.1 403 Forbidden\r\n\r\n", "answered 403 and opens no way"),
            ("SSH-2.0-OpenSSH\r\n\r\n", "does not speak HTTP"),
        ] {
            let proxy = Proxy::to(collector.address(), Some(answer));
            let (url, endpoint) = (proxy.url("user:s3cret@"), "http://collector.invalid:4317");
            let telemetry = start(endpoint, &[GRPC, ("HTTP_PROXY", &url)]);
            record("work", 5);
            assert!(telemetry.force_flush(Duration::from_millis(50)).is_err());
            wait_until("the failure", || telemetry.status().traces.last_error.is_some());
            let error = telemetry.status().traces.last_error.unwrap();
            assert!(error.contains(words) && !error.contains("s3cret"), "{error}");
            assert!(telemetry.shutdown(Duration::ZERO).is_err());
            assert_eq!(assert_conserved(&telemetry).unconfirmed, 0, "nothing was sent");
        }
    }

    #[test]
    fn a_socket_carries_it() {
        let _turn = serial();
        let (collector, place) = (Collector::start(), Place::new("grpc.sock"));
        socket(place.path(), collector.address());
        let telemetry = start(&format!("unix:{}", place.path()), &[GRPC]);
        record("work", 5);
        telemetry.shutdown(SOON).unwrap();
        assert_eq!(assert_conserved(&telemetry).delivered, 5);
        assert_eq!((collector.spans().len(), collector.connections()), (5, 1));
    }
}

#[cfg(all(feature = "tls", feature = "receive"))]
#[test]
fn tls_goes_through_a_proxy_and_ends_at_the_server() {
    use support::certificates::{Authority, Directory};
    use support::terminator::{Terminator, config};

    let _turn = serial();
    let (directory, authority) = (Directory::new(), Authority::new("here"));
    let (roots, collector) = (directory.write("ca.pem", &authority.pem), Collector::start());
    let pair = authority.issue("collector.invalid");
    let server = Terminator::to(address(&collector.url()), config(&pair, None));
    let port = server.url("").rsplit_once(':').unwrap().1.parse().unwrap();
    let proxy = Proxy::to(SocketAddr::from(([127, 0, 0, 1], port)), None);
    let (url, roots) = (proxy.url(""), ("OTEL_EXPORTER_OTLP_CERTIFICATE", roots.as_str()));
    let telemetry = start("https://collector.invalid", &[("HTTPS_PROXY", &url), roots]);
    record("work", 5);
    telemetry.shutdown(SOON).unwrap();
    assert_eq!(assert_conserved(&telemetry).delivered, 5);
    assert!(proxy.heads()[0].starts_with("CONNECT collector.invalid:443 HTTP/1.1\r\n"));
    let request = collector.requests().remove(0);
    assert_eq!(request.path, "/v1/traces", "the server is spoken to as if there were no proxy");
    assert!(request.header("proxy-authorization").is_empty());
}
