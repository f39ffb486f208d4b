//! OTLP over gRPC: what arrives, what is counted, and over which connections.

#![cfg(feature = "grpc")]

mod support;

use std::collections::HashSet;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message as _;
use support::grpc::{Collector, Step};
use support::sdk::{span_data, wait};
use support::{SOON, assert_conserved, config, record, serial, start, wait_until};
use trackside::telemetry::{self, TelemetryConfig};

const GRPC: (&str, &str) = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");

#[test]
fn the_three_signals_arrive() {
    let _turn = serial();
    let collector = Collector::start();
    let all = [
        GRPC,
        ("OTEL_METRICS_EXPORTER", ""),
        ("OTEL_LOGS_EXPORTER", ""),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=shop"),
    ];
    let telemetry = start(&collector.url(), &all);
    record("work", 1300);
    telemetry::counter("calls").add(1, &[]);
    telemetry::forward_log(20, "a line", "host", 1, "main", &[]);
    telemetry.shutdown(SOON).unwrap();
    assert_eq!(assert_conserved(&telemetry).delivered, 1300);
    let status = telemetry.status();
    assert_eq!((status.logs.delivered, status.logs.dropped.total()), (1, 0));
    assert!(status.metrics.delivered >= 1);

    let requests = collector.requests();
    let of = |service: &str| {
        let path = format!("/opentelemetry.proto.collector.{service}/Export");
        requests.iter().filter(|one| one.path == path).cloned().collect::<Vec<_>>()
    };
    let traces = of("trace.v1.TraceService");
    assert_eq!(traces.len(), 3, "in batches");
    assert!(traces.iter().all(|one| one.is_compressed && one.header("x-tenant") == ["shop"]));
    let logs = ExportLogsServiceRequest::decode(&of("logs.v1.LogsService")[0].body[..]).unwrap();
    assert_eq!(logs.resource_logs[0].scope_logs[0].log_records.len(), 1);
    let metrics = &of("metrics.v1.MetricsService")[0].body;
    let metrics = ExportMetricsServiceRequest::decode(&metrics[..]).unwrap();
    assert_eq!(metrics.resource_metrics.len(), 1);
    assert_eq!(collector.connections(), 3, "one for each signal");
}

#[test]
fn nothing_is_lost_or_doubled_whatever_goes_wrong() {
    let _turn = serial();
    let collector = Collector::start();
    // RetryInfo of 1 ms, and a call that the peer throws away.
    let pause = "CAgaMgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIGCgQQwIQ9";
    let busy = Step::Status(8, "slowly".to_owned(), Some(pause.to_owned()));
    collector.script(vec![
        Step::status(14),
        Step::Cut,
        Step::status(4),
        Step::RefuseStream,
        Step::ResetStream,
        busy,
        Step::CutAnswer,
        Step::Trailing(10, "aborted".to_owned()),
        Step::Http(503),
        Step::GoAway,
        Step::Unread(14, "not%20now".to_owned()),
        Step::status(1),
    ]);
    let small = [GRPC, ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100")];
    let telemetry = start(&collector.url(), &small);
    record("work", 1000);
    telemetry.force_flush(SOON).unwrap();
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.recorded, traces.delivered, traces.waiting), (1000, 1000, 0), "{traces:#?}");
    let spans = collector.spans();
    let ids: HashSet<_> = spans.iter().map(|span| span.span_id.clone()).collect();
    assert_eq!((spans.len(), ids.len()), (1000, 1000));
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn what_the_peer_rejects_is_counted_and_not_sent_again() {
    let _turn = serial();
    let collector = Collector::start();
    // ExportTraceServiceResponse { partial_success { rejected_spans: 3, error_message: "no" } }
    let partial = vec![0x0a, 0x06, 0x08, 0x03, 0x12, 0x02, b'n', b'o'];
    let exhausted = Step::Status(8, "quota".to_owned(), None);
    collector.script(vec![Step::Message(partial), Step::status(3), exhausted]);
    let telemetry = start(&collector.url(), &[GRPC]);
    for (name, count) in [("partly", 5), ("refused", 4), ("exhausted", 2)] {
        record(name, count);
        telemetry.force_flush(SOON).unwrap();
    }
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.recorded, traces.delivered, traces.rejected), (11, 2, 9));
    assert_eq!(collector.requests().len(), 3);
    let said = telemetry.status().diagnostics.join("\n");
    assert!(said.contains("rejected 3 of 5") && said.contains("INVALID_ARGUMENT"), "{said}");
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn what_was_sent_and_never_answered_is_unconfirmed() {
    let _turn = serial();
    let collector = Collector::start();
    collector.script(vec![Step::NeverAnswer; 100]);
    let telemetry = start(&collector.url(), &[GRPC]);
    record("work", 7);
    assert!(telemetry.force_flush(Duration::from_millis(50)).is_err());
    wait_until("the call", || !collector.requests().is_empty());
    assert!(telemetry.shutdown(Duration::from_millis(50)).is_err());
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.unconfirmed, traces.delivered), (7, 0), "{traces:#?}");
}

#[test]
fn exporters_for_the_sdk_speak_it_too() {
    use opentelemetry_sdk::trace::SpanExporter as _;

    let collector = Collector::start();
    let spans = trackside::export::sdk::SpanExporter::builder()
        .with_protocol("grpc")
        .with_endpoint(&collector.url())
        .with_timeout(SOON)
        .build()
        .unwrap();
    wait(spans.export(vec![span_data("one")])).unwrap();
    assert_eq!(collector.spans().len(), 1);
    let shown = format!("{spans:?}");
    assert!(shown.contains(&collector.url()) && !shown.contains("TraceService"), "{shown}");
}

#[test]
fn the_report_says_what_is_spoken_and_where() {
    let variables = [GRPC, ("OTEL_TRACES_EXPORTER", "otlp")];
    let report = config(&variables).resolve().to_string();
    let line = |name: &str| {
        let line = report.lines().find(|line| line.starts_with(name)).expect("a line");
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("traces.otlp.protocol"), "grpc OTEL_EXPORTER_OTLP_PROTOCOL");
    assert_eq!(line("traces.otlp.endpoint"), "http://localhost:4317 default");
    let argued = TelemetryConfig::default().with_protocol("grpc").with_endpoint("http://h:4317");
    assert!(argued.resolve().to_string().contains("http://h:4317"));
}

#[cfg(all(feature = "tls", feature = "receive"))]
mod secured {
    use std::sync::Arc;

    use rustls::ServerConfig;

    use super::support::certificates::{Authority, Directory, Pair};
    use super::support::terminator::{self, Terminator};
    use super::*;

    const ROOTS: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
    const SHOWN: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
    const KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";

    fn server_config(pair: &Pair, clients: Option<&Authority>, speaks: &[u8]) -> Arc<ServerConfig> {
        let mut config = ServerConfig::clone(&terminator::config(pair, clients));
        config.alpn_protocols = vec![speaks.to_vec()];
        Arc::new(config)
    }

    #[test]
    fn over_tls_with_a_certificate_that_is_read_again() {
        let _turn = serial();
        let (directory, authority) = (Directory::new(), Authority::new("here"));
        let (clients, collector) = (Authority::new("clients"), Collector::start());
        let roots = directory.write("ca.pem", &authority.pem);
        let config = server_config(&authority.issue("localhost"), Some(&clients), b"h2");
        let server = Terminator::to(collector.address(), config);
        let first = clients.issue("host");
        let (certificate, key) = first.write(&directory, "client");
        // Host and port alone mean TLS.
        let bare = server.url("https").replace("https://", "");
        let variables = [GRPC, (ROOTS, &*roots), (SHOWN, &*certificate), (KEY, &*key)];
        let telemetry = start(&bare, &variables);
        record("work", 10);
        telemetry.force_flush(SOON).unwrap();
        let second = clients.issue("host");
        second.write(&directory, "client");
        server.cut();
        record("work", 10);
        telemetry.force_flush(SOON).unwrap();
        assert_eq!(assert_conserved(&telemetry).delivered, 20);
        let seen = server.seen().clients;
        assert_eq!(seen.first(), Some(&Some(first.der)));
        assert_eq!(seen.last(), Some(&Some(second.der)), "renewed without a restart");
        telemetry.shutdown(SOON).unwrap();
        assert_eq!(collector.spans().len(), 20);
    }

    #[test]
    fn a_server_that_speaks_http_1_alone_is_said_to() {
        let _turn = serial();
        let (directory, authority) = (Directory::new(), Authority::new("here"));
        let collector = Collector::start();
        let roots = directory.write("ca.pem", &authority.pem);
        let config = server_config(&authority.issue("localhost"), None, b"http/1.1");
        let server = Terminator::to(collector.address(), config);
        let telemetry = start(&server.url("https"), &[GRPC, (ROOTS, &roots)]);
        record("work", 1);
        assert!(telemetry.force_flush(Duration::from_millis(50)).is_err());
        wait_until("the failure", || telemetry.status().traces.last_error.is_some());
        let error = telemetry.status().traces.last_error.unwrap();
        assert!(error.contains("TLS") && error.contains("protocol"), "{error}");
        assert!(telemetry.shutdown(Duration::ZERO).is_err());
    }
}
