//! What leaves for each temporality, for each kind of histogram, and for each filter of exemplars.

#![cfg(feature = "telemetry")]

mod support;

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message as _;
use support::collector::Collector;
use support::metrics::METRICS;
use support::{SOON, block_on, config, serial, start};
use trackside::telemetry::rpc::{self, Call};
use trackside::telemetry::{
    self, Counter, Histogram, Telemetry, UpDownCounter, counter, histogram, up_down_counter,
};

static JOBS: Counter = counter("jobs");
static SEEN: Counter = counter("seen");
static DEPTH: UpDownCounter = up_down_counter("depth");
static LEVEL: UpDownCounter = up_down_counter("level");
static SIZES: Histogram = histogram("sizes").with_boundaries(&[1.0, 10.0]);

fn call(method: &str) {
    block_on(rpc::server(Call::method(method), async { Ok::<_, String>(()) })).expect("it does");
}

/// The metrics of the newest request, by name.
fn newest(telemetry: &Telemetry, collector: &Collector) -> BTreeMap<String, Data> {
    telemetry.force_flush(SOON).expect("the collector answers");
    let requests = collector.requests();
    let last = requests.iter().rev().find(|request| request.path == "/v1/metrics").expect("one");
    let decoded = ExportMetricsServiceRequest::decode(&last.body[..]).expect("it is OTLP");
    let scopes = decoded.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
    let metrics = scopes.flat_map(|scope| scope.metrics);
    metrics.map(|metric| (metric.name, metric.data.expect("a metric has data"))).collect()
}

/// OTLP's number of a metric's temporality: 1 is delta, 2 cumulative.
fn temporality(data: &Data) -> i32 {
    match data {
        Data::Sum(sum) => sum.aggregation_temporality,
        Data::Histogram(histogram) => histogram.aggregation_temporality,
        Data::ExponentialHistogram(histogram) => histogram.aggregation_temporality,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_preference_by_the_kind_of_instrument() {
    const PREFERENCE: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    let _turn = serial();
    SEEN.observe(|| 5);
    LEVEL.observe(|| 7);
    // Counter, observed counter, up-down counter, observed up-down counter, histogram, the set's sum and histogram.
    for (preference, expected) in [
        ("Cumulative", [2, 2, 2, 2, 2, 2, 2]),
        ("Delta", [1, 1, 2, 2, 1, 1, 1]),
        ("LowMemory", [1, 2, 2, 2, 1, 1, 1]),
    ] {
        let collector = Collector::start();
        let telemetry = start(&collector.url(), &[METRICS[0], (PREFERENCE, preference)]);
        JOBS.add(1, &[]);
        DEPTH.add(1, &[]);
        SIZES.record(2.0, &[]);
        call("get");
        let found = newest(&telemetry, &collector);
        let names = [
            "jobs",
            "seen",
            "depth",
            "level",
            "sizes",
            "rpc_requests_total",
            "rpc.server.call.duration",
        ];
        let told = names.map(|name| temporality(&found[name]));
        assert_eq!(told, expected, "{preference}");
        telemetry.shutdown(SOON).expect("all is taken");
    }
}

#[test]
fn histograms_are_explicit_or_exponential() {
    const AGGREGATION: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    let _turn = serial();
    let collector = Collector::start();
    let explicit = (AGGREGATION, "explicit_bucket_histogram");
    let telemetry = start(&collector.url(), &[METRICS[0], explicit]);
    SIZES.record(2.0, &[]);
    let found = newest(&telemetry, &collector);
    let Data::Histogram(sizes) = &found["sizes"] else { panic!("{found:#?}") };
    assert_eq!(sizes.data_points[0].explicit_bounds, [1.0, 10.0]);
    assert_eq!(sizes.data_points[0].bucket_counts, [0, 1, 0]);
    telemetry.shutdown(SOON).expect("all is taken");

    let exponential = (AGGREGATION, "BASE2_EXPONENTIAL_BUCKET_HISTOGRAM");
    let telemetry = start(&collector.url(), &[METRICS[0], exponential]);
    for value in [0.0, 1.5, 2.0, 3.0, 1000.0] {
        SIZES.record(value, &[]);
    }
    JOBS.add(1, &[]);
    (0..4).for_each(|_| call("get"));
    let found = newest(&telemetry, &collector);
    let Data::ExponentialHistogram(sizes) = &found["sizes"] else { panic!("{found:#?}") };
    let [point] = &sizes.data_points[..] else { panic!("{sizes:#?}") };
    assert_eq!((point.count, point.zero_count, point.sum), (5, 1, Some(1006.5)));
    assert_eq!((point.min, point.max), (Some(0.0), Some(1000.0)));
    let positive = point.positive.as_ref().expect("four are above 0");
    assert!(positive.bucket_counts.len() <= 160, "{positive:?}");
    // Each value is in the bucket that the formula gives it: (base^index, base^(index + 1)].
    let base = 2_f64.powf(2_f64.powi(-point.scale));
    let mut left = vec![1.5, 2.0, 3.0, 1000.0];
    for (at, count) in positive.bucket_counts.iter().enumerate() {
        let index = positive.offset + i32::try_from(at).expect("a small number");
        let (above, upto) = (base.powi(index), base.powi(index + 1));
        let inside = |value: &f64| *value > above * (1.0 - 1e-9) && *value <= upto * (1.0 + 1e-9);
        for _ in 0..*count {
            let at = left.iter().position(inside);
            left.remove(at.unwrap_or_else(|| panic!("nothing of {left:?} in {above}..{upto}")));
        }
    }
    assert!(left.is_empty(), "{left:?}");
    for name in ["rpc.server.call.duration", "rpc_request_duration_ms"] {
        let Data::ExponentialHistogram(calls) = &found[name] else { panic!("{found:#?}") };
        assert_eq!(calls.data_points[0].count, 4, "{name}");
    }
    let Data::Sum(requests) = &found["rpc_requests_total"] else { panic!("{found:#?}") };
    assert_eq!(requests.data_points.len(), 1);
    assert!(matches!(found["jobs"], Data::Sum(_)));
    telemetry.shutdown(SOON).expect("all is taken");
}

/// Trace ids of the exemplars of the duration of calls.
fn exemplars(variables: &[(&str, &str)]) -> Vec<Vec<u8>> {
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[&METRICS, variables].concat());
    call("get");
    let found = newest(&telemetry, &collector);
    let Data::Histogram(calls) = &found["rpc.server.call.duration"] else { panic!("{found:#?}") };
    let [point] = &calls.data_points[..] else { panic!("{calls:#?}") };
    assert!(point.exemplars.len() <= 1);
    for exemplar in &point.exemplars {
        assert!(exemplar.time_unix_nano > 0 && exemplar.value.is_some());
        assert_eq!(exemplar.trace_id.is_empty(), exemplar.span_id.is_empty());
    }
    telemetry.shutdown(SOON).expect("all is taken");
    point.exemplars.iter().map(|exemplar| exemplar.trace_id.clone()).collect()
}

#[test]
fn the_filter_says_what_may_be_an_exemplar() {
    const FILTER: &str = "OTEL_METRICS_EXEMPLAR_FILTER";
    let _turn = serial();
    // The filter; with a sampled call; with one that is not.
    for (filter, sampled, unsampled) in [
        ("trace_based", Some(16), None),
        ("always_on", Some(16), Some(0)),
        ("always_off", None, None),
    ] {
        for (sampler, expected) in [("always_on", sampled), ("always_off", unsampled)] {
            let found = exemplars(&[(FILTER, filter), ("OTEL_TRACES_SAMPLER", sampler)]);
            let ids: Vec<_> = found.iter().map(Vec::len).collect();
            assert_eq!(ids, expected.into_iter().collect::<Vec<_>>(), "{filter} {sampler}");
        }
    }
}

#[test]
fn the_names_of_calls_follow_the_conventions_generation() {
    let _turn = serial();
    for (generation, has_classic) in [("rpc", false), ("rpc/dup", true)] {
        let collector = Collector::start();
        let url = collector.url();
        let variables = [
            ("OTEL_SEMCONV_STABILITY_OPT_IN", generation),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
            ("OTEL_METRIC_EXPORT_INTERVAL", "600000"),
        ];
        let telemetry = telemetry::init(config(&variables)).expect("it is good");
        call("get");
        let found = newest(&telemetry, &collector);
        assert!(found.contains_key("rpc.server.call.duration"));
        assert_eq!(found.contains_key("rpc_requests_total"), has_classic, "{generation}");
        telemetry.shutdown(SOON).expect("all is taken");
    }
}
