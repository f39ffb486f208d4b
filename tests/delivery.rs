//! What is recorded arrives, or is counted.

#![cfg(feature = "telemetry")]

mod support;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use support::collector::{Collector, Step};
use support::{SOON, assert_conserved, record, serial, start, wait_until};
use trackside::telemetry::{self, Pace};

#[test]
fn a_batch_holds_at_most_its_size_and_nothing_is_lost() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    record("item", 1300);
    telemetry.force_flush(SOON).unwrap();
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.recorded, traces.delivered, traces.waiting), (1300, 1300, 0));
    let sizes: Vec<usize> = collector
        .requests()
        .iter()
        .map(|request| request.decode().resource_spans[0].scope_spans[0].spans.len())
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 1300);
    assert!(sizes.iter().all(|size| *size <= 512), "{sizes:?}");
    let ids: HashSet<_> = collector.spans().into_iter().map(|span| span.span_id).collect();
    assert_eq!(ids.len(), 1300);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn the_last_export_keeps_the_batch_size_too() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "7")]);
    record("item", 30);
    telemetry.shutdown(SOON).unwrap();
    let sizes: Vec<usize> = collector
        .requests()
        .iter()
        .map(|request| request.decode().resource_spans[0].scope_spans[0].spans.len())
        .collect();
    assert_eq!(sizes, [7, 7, 7, 7, 2]);
    assert_eq!(assert_conserved(&telemetry).delivered, 30);
}

#[test]
fn a_failed_batch_is_sent_again_and_arrives_once() {
    let _turn = serial();
    let collector = Collector::start();
    collector.script(vec![Step::status(503), Step::status(429), Step::Close]);
    let telemetry = start(&collector.url(), &[]);
    record("item", 5);
    telemetry.force_flush(SOON).unwrap();
    assert_eq!(collector.spans().len(), 5);
    let bodies: Vec<_> = collector.requests().into_iter().map(|request| request.body).collect();
    assert!(bodies.len() >= 3 && bodies.iter().all(|body| *body == bodies[0]), "the same frame");
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.delivered, traces.waiting), (5, 0));
    assert!(traces.last_error.is_some() && traces.last_success.is_some());
    let said = telemetry.status().diagnostics;
    assert_eq!(said.iter().filter(|line| line.contains("cannot export")).count(), 1, "{said:?}");
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn what_the_peer_rejects_is_counted_and_not_sent_again() {
    let _turn = serial();
    let collector = Collector::start();
    // ExportTraceServiceResponse { partial_success { rejected_spans: 3, error_message: "no" } }
    let partial = vec![0x0a, 0x06, 0x08, 0x03, 0x12, 0x02, b'n', b'o'];
    collector.script(vec![
        Step::Answer { status: 200, headers: Vec::new(), body: partial },
        Step::status(400),
    ]);
    let telemetry = start(&collector.url(), &[]);
    record("partly", 5);
    telemetry.force_flush(SOON).unwrap();
    record("refused", 4);
    telemetry.force_flush(SOON).unwrap();
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.recorded, traces.delivered, traces.rejected), (9, 2, 7));
    assert_eq!(collector.requests().len(), 2);
    let said = telemetry.status().diagnostics.join("\n");
    assert!(said.contains("rejected 3 of 5") && said.contains("refused 4"), "{said}");
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn a_full_queue_drops_the_newest_and_counts_them() {
    let _turn = serial();
    let collector = Collector::start();
    let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{refused}");
    let small = [("OTEL_BSP_MAX_QUEUE_SIZE", "20"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")];
    let telemetry = start(&url, &small);
    record("first", 20);
    assert!(telemetry.force_flush(Duration::from_millis(100)).is_err());
    record("second", 30);
    assert!(telemetry.force_flush(Duration::from_millis(100)).is_err());
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.waiting, traces.dropped.queue_full), (20, 30));
    let error = telemetry.shutdown(Duration::from_millis(50)).unwrap_err().to_string();
    assert!(error.contains("20"), "{error}");
    let traces = assert_conserved(&telemetry);
    assert_eq!(
        (traces.waiting, traces.dropped.shutdown),
        (0, 20),
        "never sent, so not unconfirmed"
    );
    drop(collector);
}

#[test]
fn an_endpoint_that_appears_later_gets_everything() {
    let _turn = serial();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let telemetry = start(&format!("http://{address}"), &[]);
    record("early", 3);
    assert!(telemetry.force_flush(Duration::from_millis(50)).is_err());
    assert_eq!(assert_conserved(&telemetry).waiting, 3);
    let collector = Collector::at(address);
    telemetry.force_flush(SOON).unwrap();
    assert_eq!(collector.spans().len(), 3);
    let said = telemetry.status().diagnostics;
    assert_eq!(said.len(), 2, "one warning, one recovery: {said:?}");
    assert_eq!(assert_conserved(&telemetry).delivered, 3);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn a_quiet_threads_records_leave_within_the_schedule() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[("OTEL_BSP_SCHEDULE_DELAY", "50")]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            record("quiet", 2);
            let spans = collector.wait_for(1, SOON);
            assert_eq!(spans[0].decode().resource_spans[0].scope_spans[0].spans.len(), 2);
        });
    });
    wait_until("the answer", || telemetry.status().traces.delivered == 2);
    assert_conserved(&telemetry);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn dead_threads_leave_nothing_behind() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[("OTEL_BSP_MAX_QUEUE_SIZE", "100000")]);
    for _ in 0..20 {
        std::thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| record("short", 10));
            }
        });
        telemetry.force_flush(SOON).unwrap();
    }
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.recorded, traces.delivered), (2000, 2000));
    assert_eq!(collector.spans().len(), 2000);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn a_flood_is_delivered_or_counted_while_the_peer_is_slow() {
    let _turn = serial();
    let collector = Collector::start();
    let gate = collector.gate();
    collector.script(vec![Step::Hold(gate.clone(), Box::new(Step::status(200)))]);
    let telemetry = start(&collector.url(), &[]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| record("flood", 10_000));
        }
    });
    gate.release();
    telemetry.force_flush(SOON).unwrap();
    let traces = assert_conserved(&telemetry);
    assert_eq!(traces.recorded, 40_000);
    assert!(traces.dropped.ring_full > 0, "the flood was larger than all buffers: {traces:?}");
    assert_eq!(traces.delivered as usize, collector.spans().len());
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn memory_is_bounded_in_bytes() {
    let _turn = serial();
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = support::config(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{address}")),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1000000"),
    ]);
    let telemetry = telemetry::init(config.with_memory_limit(2 << 20)).unwrap();
    let long = "x".repeat(100_000);
    for _ in 0..100 {
        drop(telemetry::span("long").with(|span| {
            span.set("text", &long);
        }));
    }
    assert!(telemetry.force_flush(Duration::from_millis(50)).is_err());
    let traces = assert_conserved(&telemetry);
    assert!((1..=20).contains(&traces.waiting), "2 MiB hold 20 of them: {traces:?}");
    assert_eq!(traces.waiting + traces.dropped.total(), 100);
    assert!(telemetry.shutdown(Duration::from_millis(50)).is_err());
    assert_conserved(&telemetry);
}

#[test]
fn a_ten_megabyte_attribute_arrives_whole() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    let long = "ü".repeat(5 << 20);
    drop(telemetry::span("large").with(|span| {
        span.set("text", &long);
    }));
    telemetry.force_flush(SOON).unwrap();
    assert_eq!(assert_conserved(&telemetry).delivered, 1);
    assert!(collector.requests()[0].body.len() > 10 << 20);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn two_destinations_have_an_account_each() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[("OTEL_TRACES_EXPORTER", "otlp,console")]);
    record("both", 2);
    telemetry.force_flush(SOON).unwrap();
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.recorded, traces.delivered), (4, 4));
    assert_eq!(collector.spans().len(), 2);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn a_wait_that_the_peer_asked_for_is_kept() {
    let _turn = serial();
    let collector = Collector::start();
    let wait = vec![("retry-after", "1".to_owned())];
    collector.script(vec![Step::Answer { status: 503, headers: wait, body: Vec::new() }]);
    let telemetry = start(&collector.url(), &[]);
    record("item", 1);
    let began = Instant::now();
    telemetry.force_flush(SOON).unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(assert_conserved(&telemetry).delivered, 1);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn a_failing_peer_is_not_hammered() {
    let _turn = serial();
    let collector = Collector::start();
    collector.script(vec![Step::status(503); 10_000]);
    let telemetry = start(&collector.url(), &[]);
    record("item", 1);
    assert!(telemetry.force_flush(Duration::from_millis(700)).is_err());
    let attempts = collector.requests().len();
    assert!((1..30).contains(&attempts), "{attempts} attempts, where waits double from 250 ms");
    assert!(telemetry.shutdown(Duration::from_millis(50)).is_err());
    assert_conserved(&telemetry);
}

#[test]
fn success_resets_the_backoff() {
    let _turn = serial();
    let collector = Collector::start();
    collector.script(vec![Step::status(503); 7]);
    let telemetry = start(&collector.url(), &[("OTEL_BSP_SCHEDULE_DELAY", "10")]);
    record("first", 1);
    wait_until("the end of a long outage", || {
        // Each flush ends one wait.
        telemetry.force_flush(Duration::from_millis(20)).is_ok()
            && telemetry.status().traces.delivered == 1
    });
    collector.script(vec![Step::status(503)]);
    record("second", 1);
    let began = Instant::now();
    wait_until("the second try", || telemetry.status().traces.delivered == 2);
    // The first wait is 250 ms at most; the eighth would be up to 30 s.
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_conserved(&telemetry);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn a_shutdown_ends_a_long_backoff_with_one_more_try() {
    let _turn = serial();
    let collector = Collector::start();
    collector.script(vec![Step::status(503)]);
    let config = support::config(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ]);
    let telemetry = telemetry::init(config.with_pace(Pace::Patient)).unwrap();
    record("item", 1);
    wait_until("the first failure", || telemetry.status().traces.last_error.is_some());
    let began = Instant::now();
    telemetry.shutdown(SOON).unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "the wait alone is 7.5 s or more");
    assert_eq!(assert_conserved(&telemetry).delivered, 1);
}

#[test]
fn nothing_recorded_sends_nothing() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    telemetry.force_flush(SOON).unwrap();
    telemetry.force_flush(SOON).unwrap();
    telemetry.shutdown(SOON).unwrap();
    assert_eq!((collector.connections(), assert_conserved(&telemetry).recorded), (0, 0));
}

#[test]
fn a_refused_record_gives_its_memory_back() {
    let _turn = serial();
    let collector = Collector::start();
    let gate = collector.gate();
    collector.script(vec![Step::Hold(gate.clone(), Box::new(Step::status(200)))]);
    let url = collector.url();
    let config = support::config(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
    ]);
    let telemetry = telemetry::init(config.with_memory_limit(8 << 20)).unwrap();
    record("blocks the queue", 1);
    assert!(telemetry.force_flush(Duration::from_millis(50)).is_err());
    // The ring holds what the queue cannot take, and refuses large records once it is full.
    record("fills the ring", 8_000);
    let large = "x".repeat(100_000);
    let write = || {
        drop(telemetry::span("large").with(|span| {
            span.set("text", &large);
        }));
    };
    // Ten times the memory limit, if refusals kept it.
    (0..1_000).for_each(|_| write());
    assert!(telemetry.status().traces.dropped.ring_full >= 1_000);
    gate.release();
    telemetry.force_flush(SOON).unwrap();
    let before = telemetry.status().traces.delivered;
    write();
    telemetry.force_flush(SOON).unwrap();
    assert_eq!(assert_conserved(&telemetry).delivered, before + 1, "there is memory again");
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn while_somebody_waits_the_tries_are_close() {
    let _turn = serial();
    let collector = Collector::start();
    collector.script(vec![Step::status(503); 12]);
    let telemetry = start(&collector.url(), &[]);
    record("item", 1);
    let began = Instant::now();
    telemetry.force_flush(SOON).unwrap();
    // Twelve first steps of 250 ms at most; the policy's own steps would add up to more than a minute.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(assert_conserved(&telemetry).delivered, 1);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn rings_leave_half_of_the_memory_to_what_waits() {
    let _turn = serial();
    let collector = Collector::start();
    let config = support::config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
    // Room for two rings, and two threads that each want one for spans and one for logs.
    let telemetry = telemetry::init(config.with_memory_limit(1 << 20)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                record("item", 10);
                (0..10).for_each(|_| telemetry::forward_log(20, "text", "", 0, "", &[]));
            });
        }
    });
    telemetry.force_flush(SOON).unwrap();
    assert_conserved(&telemetry);
    let status = telemetry.status();
    assert_eq!((status.traces.delivered, status.logs.delivered), (20, 20));
    telemetry.shutdown(SOON).unwrap();
}
