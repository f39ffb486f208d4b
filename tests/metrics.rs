//! Metrics: the host's instruments and the six of the RPC set, as a collector gets them.

#![cfg(feature = "telemetry")]

mod support;

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use support::collector::{Collector, Step};
use support::metrics::{METRICS, collect, series};
use support::{SOON, assert_conserved, block_on, serial, start};
use trackside::telemetry::rpc::{self, Call, Direction};
use trackside::telemetry::{self, Counter, Gauge, Histogram, MetricNames, UpDownCounter};

#[test]
fn the_rpc_set_has_its_names_and_attributes() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &METRICS);
    let call = || Call::method("get").cls_id("Store").object_id("7");
    for _ in 0..3 {
        block_on(rpc::server(call(), rpc::handler(async { Ok::<_, String>(1) }))).unwrap();
    }
    let failing = rpc::server(call(), async { Err::<(), _>("late") }).error_kind(|_| "timeout");
    block_on(failing).unwrap_err();
    block_on(rpc::client(call(), async { Ok::<_, String>(()) })).unwrap();
    rpc::payload(Direction::In, 100);
    rpc::payload(Direction::Out, 200);
    drop(rpc::storage("get"));
    let session = rpc::session();
    let up = collect(&telemetry, &collector);
    assert_eq!(up["active_sessions{}"], 1.0);
    drop(session);
    let all = collect(&telemetry, &collector);
    let expected = [
        ("active_handlers{}", 0.0),
        ("active_sessions{}", 0.0),
        ("rpc.client.call.duration{rpc.method=Store/get,rpc.system.name=trackside}", 1.0),
        (
            "rpc.server.call.duration{error.type=timeout,rpc.method=Store/get,rpc.system.name=trackside}",
            1.0,
        ),
        ("rpc.server.call.duration{rpc.method=Store/get,rpc.system.name=trackside}", 3.0),
        ("rpc_errors_total{cls_id=Store,error_kind=timeout,method=get}", 1.0),
        ("rpc_payload_bytes{direction=IN}", 1.0),
        ("rpc_payload_bytes{direction=OUT}", 1.0),
        ("rpc_request_duration_ms{cls_id=Store,method=get}", 4.0),
        ("rpc_requests_total{cls_id=Store,method=get,success=false}", 1.0),
        ("rpc_requests_total{cls_id=Store,method=get,success=true}", 3.0),
        ("storage_op_latency_ms{operation=get}", 1.0),
    ];
    let expected: BTreeMap<_, _> = expected.map(|(key, value)| (key.to_owned(), value)).into();
    assert_eq!(all, expected);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn names_can_be_chosen() {
    let _turn = serial();
    for (names, classic, semconv) in
        [(MetricNames::Classic, true, false), (MetricNames::Semconv, false, true)]
    {
        let collector = Collector::start();
        let config = support::config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
        let telemetry = telemetry::init(config.with_metric_names(names)).unwrap();
        block_on(rpc::server(Call::method("m"), async { Ok::<_, String>(()) })).unwrap();
        let all = collect(&telemetry, &collector);
        assert_eq!(all.keys().any(|key| key.starts_with("rpc_request")), classic, "{all:?}");
        assert_eq!(all.keys().any(|key| key.starts_with("rpc.server.call")), semconv, "{all:?}");
        telemetry.shutdown(SOON).unwrap();
    }
}

#[test]
fn cancellation_and_panic_are_kinds_and_counters_come_down() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &METRICS);
    {
        let handler = rpc::handler(pending::<Result<(), String>>());
        let mut call = pin!(rpc::server(Call::method("m"), handler));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(collect(&telemetry, &collector)["active_handlers{}"], 1.0);
    }
    let panics = rpc::handler(async {
        let text = format!("broken {}", telemetry::current().is_recording());
        if !text.is_empty() {
            panic!("{text}");
        }
        Ok::<(), String>(())
    });
    let call = rpc::server(Call::method("m"), panics);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| block_on(call))).unwrap_err();
    assert_eq!(rpc::handler_fn(|| Err::<(), _>("no")), Err("no"));
    drop(rpc::server(Call::method("never polled"), async { Ok::<_, String>(()) }));
    let all = collect(&telemetry, &collector);
    assert_eq!(all["active_handlers{}"], 0.0);
    assert_eq!(all["rpc_errors_total{cls_id=,error_kind=cancelled,method=m}"], 1.0);
    assert_eq!(all["rpc_errors_total{cls_id=,error_kind=panic,method=m}"], 1.0);
    assert_eq!(all["rpc_requests_total{cls_id=,method=m,success=false}"], 2.0);
    assert!(!all.keys().any(|key| key.contains("never polled")), "{all:?}");
    telemetry.shutdown(SOON).unwrap();
}

static JOBS: Counter = telemetry::counter("jobs").with_unit("{job}").with_description("done");
static OPEN: UpDownCounter = telemetry::up_down_counter("open");
static LEVEL: Gauge = telemetry::gauge("level");
static TIMES: Histogram = telemetry::histogram("times").with_boundaries(&[1.0, 10.0]);

#[test]
fn instruments_made_before_init_work_after_it_and_after_the_next() {
    let _turn = serial();
    let bound = JOBS.bind(&[("queue", "a".into())]);
    bound.add(99, &[]);
    for _ in 0..2 {
        let collector = Collector::start();
        let telemetry = start(&collector.url(), &METRICS);
        bound.add(2, &[]);
        bound.add(1, &[("retry", true.into())]);
        JOBS.add(5, &[("queue", "b".into())]);
        OPEN.add(3, &[]);
        OPEN.add(-1, &[]);
        LEVEL.record(0.5, &[("tank", 1_i64.into())]);
        for value in [0.5, 5.0, 50.0] {
            TIMES.record(value, &[]);
        }
        let all = collect(&telemetry, &collector);
        assert_eq!(all["jobs{queue=a}"], 2.0);
        assert_eq!(all["jobs{queue=a,retry=true}"], 1.0);
        assert_eq!(all["jobs{queue=b}"], 5.0);
        assert_eq!(all["open{}"], 2.0);
        assert_eq!(all["times{}"], 3.0);
        assert_eq!(all.len(), 6, "{all:?}");
        telemetry.shutdown(SOON).unwrap();
    }
}

#[test]
fn delta_starts_anew_and_cumulative_goes_on() {
    let _turn = serial();
    for (preference, second) in [("cumulative", 5.0), ("delta", 3.0)] {
        let collector = Collector::start();
        let name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
        let telemetry = start(&collector.url(), &[METRICS[0], (name, preference)]);
        JOBS.add(2, &[]);
        assert_eq!(collect(&telemetry, &collector)["jobs{}"], 2.0);
        JOBS.add(3, &[]);
        assert_eq!(collect(&telemetry, &collector)["jobs{}"], second, "{preference}");
        telemetry.shutdown(SOON).unwrap();
    }
}

#[test]
fn the_interval_collects_and_the_shutdown_collects_last() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[METRICS[0], ("OTEL_METRIC_EXPORT_INTERVAL", "30")]);
    JOBS.add(1, &[]);
    collector.wait_for(2, SOON);
    JOBS.add(41, &[]);
    telemetry.shutdown(SOON).unwrap();
    let last = collector.requests().last().map(series).unwrap();
    assert_eq!(last["jobs{}"], 42.0);
    assert_conserved(&telemetry);
    let metrics = telemetry.status().metrics;
    assert!(metrics.delivered >= 3 && metrics.delivered == metrics.recorded, "{metrics:?}");
}

#[test]
fn nothing_is_collected_after_the_last_time() {
    let _turn = serial();
    let collector = Collector::start();
    let gate = collector.gate();
    collector.script(vec![Step::Hold(gate.clone(), Box::new(Step::status(200)))]);
    let telemetry = start(&collector.url(), &[METRICS[0], ("OTEL_METRIC_EXPORT_INTERVAL", "1")]);
    JOBS.add(1, &[]);
    collector.wait_for(1, SOON);
    let shutdown = telemetry.shutdown_async(SOON);
    // Fifty more times it would have been due; none of them is left behind unanswered.
    std::thread::sleep(Duration::from_millis(50));
    gate.release();
    block_on(shutdown).unwrap();
    assert_conserved(&telemetry);
    let metrics = telemetry.status().metrics;
    assert_eq!((metrics.delivered, metrics.unconfirmed), (metrics.recorded, 0), "{metrics:?}");
}

#[test]
fn a_refused_collection_is_sent_again_and_nothing_is_doubled() {
    let _turn = serial();
    let collector = Collector::start();
    collector.script(vec![Step::status(503), Step::Close]);
    let telemetry = start(&collector.url(), &METRICS);
    JOBS.add(7, &[]);
    assert_eq!(collect(&telemetry, &collector)["jobs{}"], 7.0);
    let metrics = telemetry.status().metrics;
    assert_eq!((metrics.recorded, metrics.delivered), (1, 1));
    telemetry.shutdown(SOON).unwrap();
}

#[derive(Debug)]
struct Kind(&'static str);

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

#[test]
fn series_are_bounded_and_said_once() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &METRICS);
    for number in 0..2_100 {
        let method = format!("m{number}");
        block_on(rpc::server(Call::method(&method), async { Ok::<_, String>(()) })).unwrap();
    }
    for number in 0..40 {
        let kind = Kind(format!("kind {number}").leak());
        let failing = rpc::server(Call::method("m0"), async { Err::<(), _>(kind) });
        block_on(failing.error_kind(|kind| kind.0)).unwrap_err();
    }
    let all = collect(&telemetry, &collector);
    let calls = all.keys().filter(|key| key.starts_with("rpc_requests_total")).count();
    assert!(calls <= 2_002, "{calls}");
    // The 100 methods beyond the limit, and the failures of `m0`: the SDK's own limit is the same.
    assert_eq!(all["rpc_requests_total{otel.metric.overflow=true}"], 140.0);
    let kinds = all.iter().filter(|(key, _)| key.starts_with("rpc_errors_total"));
    assert_eq!(kinds.clone().count(), 33);
    assert_eq!(kinds.map(|(_, count)| count).sum::<f64>(), 40.0);
    assert_eq!(all["rpc_errors_total{cls_id=,error_kind=_OTHER,method=m0}"], 8.0);
    let said = telemetry.status().diagnostics;
    assert_eq!(said.iter().filter(|line| line.contains("overflow")).count(), 1, "{said:?}");
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn metrics_switch_off_alone() {
    let _turn = serial();
    for (name, value) in [("OTEL_METRICS_EXPORTER", "none"), ("OTEL_SDK_DISABLED", "true")] {
        let collector = Collector::start();
        let telemetry = start(&collector.url(), &[(name, value)]);
        JOBS.add(1, &[]);
        block_on(rpc::server(Call::method("m"), async { Ok::<_, String>(()) })).unwrap();
        assert!(!telemetry.status().metrics.on);
        telemetry.shutdown(SOON).unwrap();
        assert_conserved(&telemetry);
        assert!(collector.requests().iter().all(|request| request.path != "/v1/metrics"));
    }
}
