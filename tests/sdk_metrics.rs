//! The SDK's own metrics say what `status()` says.

#![cfg(feature = "telemetry")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use support::collector::{Collector, Step};
use support::{SOON, assert_conserved, config, metrics, record, serial, wait_until};
use trackside::telemetry::{self, Signal, Telemetry};

/// Spans and logs to one collector, metrics to another.
fn start(data: &Collector, metrics: &Collector, more: &[(&str, &str)]) -> Telemetry {
    let (data, metrics) = (data.url(), metrics.url() + "/v1/metrics");
    let mut variables = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", data.as_str()),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", metrics.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "600000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "600000"),
    ];
    variables.extend(more);
    let config = config(&variables).with_sdk_metrics(true);
    telemetry::init(config).expect("the configuration is good")
}

/// By name and kind of error, the newest that a collector has.
fn newest(collector: &Collector) -> BTreeMap<String, f64> {
    let requests = collector.requests();
    let mut sums = BTreeMap::new();
    for (key, value) in requests.last().map(metrics::series).unwrap_or_default() {
        let (name, attributes) = key.split_once('{').expect("a name and attributes");
        let error = attributes.trim_end_matches('}').split(',').find(|it| it.starts_with("error."));
        *sums.entry(format!("{name} {}", error.unwrap_or(""))).or_insert(0.0) += value;
    }
    sums
}

/// Whether the numbers of a signal are those of its status.
#[track_caller]
fn assert_same(found: &BTreeMap<String, f64>, noun: &str, status: &Signal) {
    let get = |name: String| found.get(&name).copied().unwrap_or(0.0) as u64;
    let exported = |error: &str| get(format!("otel.sdk.exporter.{noun}.exported {error}"));
    let processed = |error: &str| get(format!("otel.sdk.processor.{noun}.processed {error}"));
    let inflight = get(format!("otel.sdk.exporter.{noun}.inflight "));
    assert_eq!(exported(""), status.delivered, "{found:#?}");
    assert_eq!(exported("error.type=rejected"), status.rejected, "{found:#?}");
    assert_eq!(exported("error.type=unconfirmed"), status.unconfirmed, "{found:#?}");
    assert_eq!(exported("error.type=too_large"), status.dropped.too_large, "{found:#?}");
    if noun == "metric_data_point" {
        return;
    }
    let queue = get(format!("otel.sdk.processor.{noun}.queue.size "));
    let dropped = status.dropped.ring_full + status.dropped.queue_full;
    assert_eq!(queue + inflight, status.waiting, "{found:#?}");
    assert_eq!(processed("error.type=queue_full"), dropped, "{found:#?}");
    assert_eq!(processed("error.type=shutdown"), status.dropped.shutdown, "{found:#?}");
    let all = processed("") + dropped + status.dropped.shutdown + queue;
    assert_eq!(all, status.recorded, "{found:#?}");
}

fn log(count: usize) {
    (0..count).for_each(|_| telemetry::forward_log(30, "message", "shop", 1, "", &[]));
}

#[test]
fn the_numbers_are_those_of_the_status() {
    let _turn = serial();
    let (data, points) = (Collector::start(), Collector::start());
    let telemetry = start(&data, &points, &[]);
    record("work", 20);
    log(5);
    telemetry.force_flush(SOON).expect("all is taken");
    // From here on one batch is refused.
    data.script(vec![Step::status(400)]);
    record("refused", 7);
    telemetry.force_flush(SOON).expect("all is answered");
    let status = telemetry.status();
    assert_eq!((status.traces.delivered, status.traces.rejected), (20, 7));
    assert_eq!(status.logs.delivered, 5);

    telemetry.force_flush(SOON).expect("all is taken");
    let found = newest(&points);
    assert_same(&found, "span", &status.traces);
    assert_same(&found, "log", &status.logs);
    assert_same(&found, "metric_data_point", &status.metrics);
    assert_eq!(found["otel.sdk.processor.span.queue.capacity "], 2048.0);
    assert_eq!(found["otel.sdk.exporter.operation.duration error.type=rejected"], 1.0);
    let exports = found["otel.sdk.exporter.operation.duration "] as usize;
    // Spans and logs once, metrics twice; this collection is not answered yet.
    assert_eq!(exports, 4, "{found:#?}");
    telemetry.shutdown(SOON).expect("all is taken");
    assert_conserved(&telemetry);
}

#[test]
fn what_is_under_way_is_in_flight() {
    let _turn = serial();
    let (data, points) = (Collector::start(), Collector::start());
    let gate = data.gate();
    data.script(vec![Step::Hold(gate.clone(), Box::new(Step::status(200)))]);
    let batches = [("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4"), ("OTEL_BSP_MAX_QUEUE_SIZE", "100")];
    let telemetry = start(&data, &points, &batches);
    record("work", 10);
    let brief = Duration::from_millis(1);
    assert!(telemetry.force_flush(brief).is_err(), "the first batch is held");
    data.wait_for(1, SOON);
    assert!(telemetry.force_flush(brief).is_err(), "and so are the others");
    wait_until("the metrics say so", || {
        let found = newest(&points);
        let of = |name: &str| found.get(name).copied().unwrap_or(0.0);
        of("otel.sdk.exporter.span.inflight ") == 4.0
            && of("otel.sdk.processor.span.queue.size ") == 6.0
            && of("otel.sdk.processor.span.processed ") == 4.0
    });
    gate.release();
    telemetry.force_flush(SOON).expect("all is taken");
    telemetry.force_flush(SOON).expect("all is taken");
    let found = newest(&points);
    assert_eq!(found["otel.sdk.exporter.span.inflight "], 0.0);
    assert_eq!(found["otel.sdk.exporter.span.exported "], 10.0);
    telemetry.shutdown(SOON).expect("all is taken");
    assert_conserved(&telemetry);
}

#[test]
fn a_delta_is_what_came_since() {
    const PREFERENCE: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    let _turn = serial();
    let (data, points) = (Collector::start(), Collector::start());
    let telemetry = start(&data, &points, &[(PREFERENCE, "delta")]);
    let exported = |spans| {
        record("work", spans);
        telemetry.force_flush(SOON).expect("all is taken");
        telemetry.force_flush(SOON).expect("all is taken");
        let requests = points.requests();
        let all = requests.iter().flat_map(metrics::series);
        let own = all.filter(|(key, _)| key.starts_with("otel.sdk.exporter.span.exported"));
        own.map(|(_, value)| value).sum::<f64>()
    };
    assert_eq!(exported(3), 3.0);
    assert_eq!(exported(4), 7.0, "what was told once is not told again");
    let found = newest(&points);
    assert_eq!(
        found["otel.sdk.processor.span.queue.capacity "], 2048.0,
        "a level is no difference"
    );
    telemetry.shutdown(SOON).expect("all is taken");
}

#[test]
fn there_are_none_unless_asked_for() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = support::start(&collector.url(), &metrics::METRICS);
    record("work", 3);
    let found = metrics::collect(&telemetry, &collector);
    assert!(!found.keys().any(|key| key.starts_with("otel.sdk.")), "{found:#?}");
    telemetry.shutdown(SOON).expect("all is taken");
}
