//! The predefined metrics across threads and collections, as a collector gets them, and their exemplars.

#![cfg(feature = "telemetry")]

mod support;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, metric::Data};
use prost::Message as _;
use support::collector::{Collector, Received};
use support::metrics::{METRICS, collect, series};
use support::{SOON, assert_conserved, block_on, serial, start};
use trackside::telemetry::rpc::{self, Call, Direction};

const DELTA: (&str, &str) = ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta");

fn call(method: &str) {
    block_on(rpc::server(Call::method(method), async { Ok::<_, String>(()) }))
        .expect("it succeeds");
}

#[test]
fn every_call_of_every_thread_is_counted_once() {
    const CALLS: u64 = 5_000;
    const THREADS: u64 = 300;
    let _turn = serial();
    let collector = Collector::start();
    let quick = ("OTEL_METRIC_EXPORT_INTERVAL", "5");
    let telemetry = start(&collector.url(), &[METRICS[0], DELTA, quick]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..CALLS).for_each(|_| call("busy")));
        }
        scope.spawn(|| {
            for _ in 0..THREADS {
                std::thread::scope(|inner| drop(inner.spawn(|| call("short"))));
            }
        });
    });
    rpc::payload(Direction::In, 1);
    telemetry.shutdown(SOON).unwrap();
    assert_conserved(&telemetry);
    let requests = collector.requests();
    let sum = |name: &str| {
        let all = requests.iter().filter(|request| request.path == "/v1/metrics").map(series);
        all.filter_map(|all| all.get(name).copied()).sum::<f64>()
    };
    assert_eq!(sum("rpc_requests_total{cls_id=,method=busy,success=true}"), (2 * CALLS) as f64);
    assert_eq!(sum("rpc_requests_total{cls_id=,method=short,success=true}"), THREADS as f64);
    assert_eq!(sum("rpc_request_duration_ms{cls_id=,method=short}"), THREADS as f64);
    // What the shutdown collects last.
    assert_eq!(sum("rpc_payload_bytes{direction=IN}"), 1.0);
}

#[test]
fn a_call_may_begin_on_one_thread_and_end_on_another() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &METRICS);
    let begun = rpc::server(Call::method("moved"), rpc::handler(async { Ok::<_, String>(()) }));
    let session = rpc::session();
    let moved = std::thread::spawn(move || {
        block_on(begun).unwrap();
        drop(session);
    });
    moved.join().unwrap();
    let all = collect(&telemetry, &collector);
    assert_eq!(all["rpc_requests_total{cls_id=,method=moved,success=true}"], 1.0);
    assert_eq!(all["active_sessions{}"], 0.0);
    assert_eq!(all["active_handlers{}"], 0.0);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn a_session_of_the_last_pipeline_does_not_come_down_in_this_one() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &METRICS);
    let old = rpc::session();
    let begun = rpc::server(Call::method("old"), async { Ok::<_, String>(()) });
    telemetry.shutdown(SOON).unwrap();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &METRICS);
    let new = rpc::session();
    drop(old);
    block_on(begun).unwrap();
    let all = collect(&telemetry, &collector);
    assert_eq!(all["active_sessions{}"], 1.0);
    assert_eq!(all.len(), 1, "{all:?}");
    drop(new);
    telemetry.shutdown(SOON).unwrap();
}

/// The exemplars of a metric's points, in order.
fn exemplars(request: &Received, name: &str) -> Vec<Exemplar> {
    let decoded = ExportMetricsServiceRequest::decode(&request.body[..]).expect("it is OTLP");
    let scopes = decoded.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
    let metrics = scopes.flat_map(|scope| scope.metrics).filter(|metric| metric.name == name);
    let points = metrics.flat_map(|metric| match metric.data {
        Some(Data::Histogram(histogram)) => histogram.data_points,
        other => panic!("{other:?}"),
    });
    points.flat_map(|point| point.exemplars).collect()
}

#[test]
fn a_duration_names_the_newest_sampled_span() {
    let _turn = serial();
    for filter in ["trace_based", "always_off"] {
        let collector = Collector::start();
        let given = ("OTEL_METRICS_EXEMPLAR_FILTER", filter);
        let telemetry = start(&collector.url(), &[METRICS[0], DELTA, given]);
        for _ in 0..2 {
            (0..3).for_each(|_| call("get"));
            let failing =
                rpc::client(Call::method("get").cls_id("Store"), async { Err::<(), _>("no") });
            block_on(failing.error_kind(|_| "refused")).unwrap_err();
            drop(collect(&telemetry, &collector));
            let requests = collector.requests();
            let newest = |path| requests.iter().rev().find(|request| request.path == path).unwrap();
            let spans = ExportTraceServiceRequest::decode(&newest("/v1/traces").body[..]).unwrap();
            let spans = &spans.resource_spans[0].scope_spans[0].spans;
            for (metric, span, unit) in [
                ("rpc.server.call.duration", &spans[2], 1e9),
                ("rpc_request_duration_ms", &spans[2], 1e6),
                ("rpc.client.call.duration", &spans[3], 1e9),
            ] {
                let found = exemplars(newest("/v1/metrics"), metric);
                if filter == "always_off" {
                    assert!(found.is_empty(), "{found:?}");
                    continue;
                }
                let [exemplar] = &found[..] else { panic!("{metric}: {found:?}") };
                assert_eq!(
                    (&exemplar.trace_id, &exemplar.span_id),
                    (&span.trace_id, &span.span_id)
                );
                assert_eq!(exemplar.time_unix_nano, span.end_time_unix_nano);
                let nanos = (span.end_time_unix_nano - span.start_time_unix_nano) as f64;
                let value = format!("{:?}", exemplar.value);
                assert!(value.contains(&format!("{:?}", nanos / unit)), "{value}, {nanos}");
            }
        }
        telemetry.shutdown(SOON).unwrap();
    }
}
