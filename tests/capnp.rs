//! The pipeline over Cap'n Proto: what is recorded arrives once, or is counted.

#![cfg(all(feature = "telemetry", feature = "receive"))]

mod support;

use std::collections::{BTreeSet, HashSet};
use std::net::TcpListener;
use std::time::Duration;

use support::collector::Collector;
use support::relay::Relay;
use support::{SOON, assert_conserved, receiver, record, serial, start, wait_until};
use trackside::telemetry::{self, Telemetry};

/// Name and attributes of each span, and what else a host would miss.
fn shape(collector: &Collector) -> BTreeSet<String> {
    let spans = collector.spans();
    spans
        .iter()
        .map(|span| {
            let (kind, attributes, events) = (span.kind, &span.attributes, span.events.len());
            format!("{} {kind} {attributes:?} {events} {:?}", span.name, span.status)
        })
        .collect()
}

fn ids(collector: &Collector) -> HashSet<Vec<u8>> {
    collector.spans().into_iter().map(|span| span.span_id).collect()
}

/// A host that knows nothing of where its telemetry goes.
fn host() {
    record("work", 20);
    let mut span = telemetry::span("outer");
    span = span.with(|span| {
        span.set("text", "värde");
        span.set("ratio", 0.5);
        span.event("half way", &[]);
    });
    drop(span);
}

fn everything(url: &str) -> Telemetry {
    start(url, &[("OTEL_METRICS_EXPORTER", ""), ("OTEL_LOGS_EXPORTER", "")])
}

#[test]
fn one_setting_chooses_the_backend_and_the_same_arrives() {
    let _turn = serial();
    let collectors = [Collector::start(), Collector::start()];
    let receiver = receiver::start(&collectors[1].url());
    for url in [collectors[0].url(), receiver::endpoint(&receiver)] {
        let telemetry = start(&url, &[]);
        host();
        telemetry.force_flush(SOON).unwrap();
        let traces = assert_conserved(&telemetry);
        assert_eq!((traces.delivered, traces.waiting), (21, 0), "{url}");
        telemetry.shutdown(SOON).unwrap();
    }
    assert_eq!(shape(&collectors[0]), shape(&collectors[1]));
    assert_eq!(ids(&collectors[1]).len(), 21);
    receiver::end(&receiver);
}

#[test]
fn three_signals_share_one_connection() {
    let _turn = serial();
    let collector = Collector::start();
    let receiver = receiver::start(&collector.url());
    let telemetry = everything(&receiver::endpoint(&receiver));
    let calls = telemetry::counter("calls");
    for round in 0..5 {
        record("work", 100);
        telemetry::forward_log(20, "a round", "host", round, "main", &[]);
        calls.add(1, &[]);
        telemetry.force_flush(SOON).unwrap();
    }
    assert_conserved(&telemetry);
    let status = telemetry.status();
    assert_eq!(status.traces.delivered, 500);
    assert_eq!(status.logs.delivered, 5);
    assert!(status.metrics.delivered >= 5, "{:?}", status.metrics);
    let counts = receiver.counts();
    assert_eq!(counts.connections.accepted, 1, "{:?}", counts.connections);
    assert_eq!(counts.traces.taken, 500);
    assert_eq!(counts.logs.taken, 5);
    assert_eq!(counts.metrics.taken, status.metrics.delivered);
    telemetry.shutdown(SOON).unwrap();
    wait_until("the farewell", || receiver.counts().connections.open == 0);
    assert_eq!(receiver.counts().connections.failed, 0, "a clean end");
    receiver::end(&receiver);
}

#[test]
fn a_receiver_that_appears_later_gets_everything() {
    let _turn = serial();
    let collector = Collector::start();
    // A port that nobody else is given meanwhile, and that refuses.
    let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = held.local_addr().unwrap();
    drop(held);
    let telemetry = start(&format!("capnp://{address}"), &[]);
    record("early", 30);
    assert!(telemetry.force_flush(Duration::from_millis(200)).is_err());
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.waiting, traces.delivered), (30, 0));
    let said = telemetry.status().diagnostics;
    assert_eq!(said.iter().filter(|line| line.contains("cannot export")).count(), 1, "{said:?}");
    let receiver = receiver::forwarding(&address.to_string(), &collector.url()).start().unwrap();
    telemetry.force_flush(SOON).unwrap();
    assert_eq!(assert_conserved(&telemetry).delivered, 30);
    assert_eq!(ids(&collector).len(), 30);
    telemetry.shutdown(SOON).unwrap();
    receiver::end(&receiver);
}

#[test]
fn a_wire_cut_under_load_loses_nothing_and_doubles_nothing() {
    let _turn = serial();
    let collector = Collector::start();
    let receiver = receiver::start(&collector.url());
    let server = receiver::endpoint(&receiver).trim_start_matches("capnp://").parse().unwrap();
    let relay = Relay::to(server);
    let small = ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10");
    let delay = ("OTEL_BSP_SCHEDULE_DELAY", "1");
    let telemetry = start(&format!("capnp://{}", relay.address()), &[small, delay]);
    let mut cuts = 0;
    for _ in 0..10 {
        record("work", 200);
        cuts += relay.cut();
        let delivered = telemetry.status().traces.delivered;
        // On and on: the next wire is there and at work before it is cut.
        wait_until("something arrives", || {
            let traces = telemetry.status().traces;
            traces.delivered > delivered || traces.waiting == 0
        });
    }
    telemetry.force_flush(SOON).unwrap();
    assert!(cuts >= 3, "{cuts} wires were cut");
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.recorded, traces.delivered), (2000, 2000), "{traces:?}");
    assert_eq!(collector.spans().len(), 2000, "nothing twice: the receiver knows what it had");
    assert_eq!(ids(&collector).len(), 2000);
    telemetry.shutdown(SOON).unwrap();
    receiver::end(&receiver);
}

#[test]
fn a_receiver_restarted_under_load_is_found_again() {
    let _turn = serial();
    let collector = Collector::start();
    let mut running = receiver::start(&collector.url());
    let endpoint = receiver::endpoint(&running);
    let address = endpoint.trim_start_matches("capnp://").to_owned();
    let small = ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10");
    let telemetry = start(&endpoint, &[small, ("OTEL_BSP_SCHEDULE_DELAY", "1")]);
    for _ in 0..4 {
        record("work", 300);
        receiver::end(&running);
        record("meanwhile", 100);
        running = receiver::forwarding(&address, &collector.url()).start().expect("the same port");
        telemetry.force_flush(SOON).unwrap();
    }
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.recorded, traces.delivered), (1600, 1600), "{traces:?}");
    assert_eq!(ids(&collector).len(), 1600);
    assert_eq!(collector.spans().len(), 1600, "a drained receiver leaves no doubt");
    telemetry.shutdown(SOON).unwrap();
    receiver::end(&running);
}

#[test]
fn a_receiver_killed_under_load_loses_nothing_that_it_was_given() {
    let _turn = serial();
    let collector = Collector::start();
    let mut running = receiver::start(&collector.url());
    let endpoint = receiver::endpoint(&running);
    let address = endpoint.trim_start_matches("capnp://").to_owned();
    let small = ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10");
    let telemetry = start(&endpoint, &[small, ("OTEL_BSP_SCHEDULE_DELAY", "1")]);
    for _ in 0..4 {
        record("work", 300);
        // What it holds at this moment is lost with it, and was never acknowledged.
        let _ = running.shutdown(Duration::ZERO);
        record("meanwhile", 100);
        running = receiver::forwarding(&address, &collector.url()).start().expect("the same port");
        telemetry.force_flush(SOON).unwrap();
    }
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.recorded, traces.delivered), (1600, 1600), "{traces:?}");
    // A new receiver cannot know what the old one had forwarded, so the collector may have some twice.
    assert_eq!(ids(&collector).len(), 1600);
    telemetry.shutdown(SOON).unwrap();
    receiver::end(&running);
}

#[test]
fn a_hanging_receiver_costs_no_more_than_the_deadline() {
    let _turn = serial();
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let telemetry = start(&format!("capnp://{}", silent.local_addr().unwrap()), &[]);
    record("work", 10);
    let begin = std::time::Instant::now();
    assert!(telemetry.shutdown(Duration::from_millis(300)).is_err());
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    let traces = assert_conserved(&telemetry);
    assert_eq!(traces.unconfirmed + traces.dropped.shutdown, 10, "{traces:?}");
}

#[test]
fn a_wrong_token_is_said_at_both_ends_and_shown_at_none() {
    let _turn = serial();
    let collector = Collector::start();
    let receiver = receiver::forwarding("127.0.0.1:0", &collector.url());
    let receiver = receiver.token("right-token").start().unwrap();
    let header = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20wrong-token");
    let telemetry = start(&receiver::endpoint(&receiver), &[header]);
    record("work", 5);
    telemetry.force_flush(SOON).unwrap();
    let status = telemetry.status();
    let said = format!("{status:?} {} {:?}", telemetry.report(), receiver.diagnostics());
    assert!(said.contains("unauthorized"), "{said}");
    assert!(!said.contains("wrong-token") && !said.contains("right-token"), "{said}");
    assert!(receiver.counts().connections.unauthorized > 0);
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.rejected, traces.delivered), (5, 0), "as a status 401 of OTLP is");
    telemetry.shutdown(SOON).unwrap();
    receiver::end(&receiver);
}
