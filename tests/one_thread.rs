//! Law 6: `init` and the SDK's exporters share one thread, started by the first of them, ended with the last.

#![cfg(all(feature = "telemetry", target_os = "linux"))]

mod support;

use std::time::{Duration, Instant};

use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanExporter as _};
use support::collector::{Collector, Step};
use support::sdk::{span_data, spans_to, wait};
use support::{SOON, assert_conserved, config, record, serial, start, wait_until};
use trackside::export::sdk::{CapnpMetricExporter, LogExporter, SpanExporter, WithExporters as _};
use trackside::telemetry;

/// The threads of this process that are ours; not the helper, which comes and goes.
fn ours() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    let names = names.filter(|name| name.starts_with("trackside"));
    names.filter(|name| name.trim() != "trackside-helper").count()
}

/// Waits for the end of what an earlier test has dropped.
fn begin() {
    wait_until("the end of earlier threads", || ours() == 0);
}

fn export(exporter: &SpanExporter) -> OTelSdkResult {
    wait(exporter.export(vec![span_data("one")]))
}

#[test]
fn init_and_three_exporters_have_one_thread() {
    let _turn = serial();
    begin();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    let spans = spans_to(&collector.url());
    let logs = LogExporter::builder().with_endpoint(&collector.url()).build().unwrap();
    let metrics = CapnpMetricExporter::new("localhost:4319").unwrap();
    export(&spans).unwrap();
    record("item", 1);
    telemetry.force_flush(SOON).unwrap();
    assert_eq!(ours(), 1, "{spans:?} {logs:?} {metrics:?}");
    telemetry.shutdown(SOON).unwrap();
    assert_eq!(ours(), 1, "the exporters still have it");
    export(&spans).expect("it is served on");
    drop((logs, metrics));
    export(&spans).expect("and on");
    spans.shutdown_with_timeout(SOON).unwrap();
    wait_until("the thread's end", || ours() == 0);
    assert_eq!(collector.spans().len(), 4);
}

#[test]
fn whoever_comes_first_starts_it() {
    let _turn = serial();
    begin();
    let collector = Collector::start();
    let exporter = spans_to(&collector.url());
    export(&exporter).unwrap();
    for _ in 0..3 {
        let telemetry = start(&collector.url(), &[]);
        record("item", 1);
        assert_eq!(ours(), 1);
        telemetry.shutdown(SOON).unwrap();
        assert_eq!(assert_conserved(&telemetry).delivered, 1);
    }
    let telemetry = start(&collector.url(), &[]);
    record("item", 1);
    drop(exporter);
    telemetry.shutdown(SOON).unwrap();
    wait_until("the thread's end", || ours() == 0);
    // A new one, made by a new first.
    let exporter = spans_to(&collector.url());
    export(&exporter).unwrap();
    assert_eq!(ours(), 1);
    assert_eq!(collector.spans().len(), 6);
}

#[test]
fn a_silent_destination_holds_up_nobody_and_no_shutdown() {
    let _turn = serial();
    begin();
    let (silent, brisk) = (Collector::start(), Collector::start());
    silent.script(vec![Step::NeverAnswer, Step::NeverAnswer]);
    let slow = spans_to(&silent.url());
    let waiting = slow.export(vec![span_data("one")]);
    let telemetry = start(&silent.url(), &[]);
    record("item", 1);
    let fast = spans_to(&brisk.url());
    for _ in 0..10 {
        export(&fast).expect("its peer answers");
    }
    let begin = Instant::now();
    telemetry.shutdown(Duration::from_millis(200)).unwrap_err();
    slow.shutdown_with_timeout(Duration::from_millis(200)).unwrap_err();
    wait(waiting).unwrap_err();
    assert!(begin.elapsed() < SOON / 2, "{:?}", begin.elapsed());
    export(&fast).expect("it is served on");
    assert_eq!(assert_conserved(&telemetry).unconfirmed, 1);
}

#[test]
fn providers_flush_from_threads_of_their_own() {
    let _turn = serial();
    begin();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[("OTEL_METRICS_EXPORTER", "none")]);
    let provider =
        SdkTracerProvider::builder().with_batch_exporter(spans_to(&collector.url())).build();
    for _ in 0..100 {
        drop(provider.tracer("theirs").start("work"));
        record("item", 1);
    }
    provider.force_flush().unwrap();
    telemetry.force_flush(SOON).unwrap();
    assert_eq!(ours(), 1);
    assert_eq!(collector.spans().len(), 200);
    provider.shutdown().unwrap();
    telemetry.shutdown(SOON).unwrap();
    wait_until("the thread's end", || ours() == 0);
}

#[test]
fn an_exporter_of_ours_in_our_pipeline_does_not_wait_for_itself() {
    let _turn = serial();
    begin();
    let (collector, silent) = (Collector::start(), Collector::start());
    silent.script(vec![Step::NeverAnswer]);
    let variables =
        [("OTEL_BSP_SCHEDULE_DELAY", "600000"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "600000")];
    let config = config(&variables).with_metrics(false).with_logs(false);
    let config = config.with_span_exporter(spans_to(&collector.url()));
    let telemetry = telemetry::init(config.with_span_exporter(spans_to(&silent.url()))).unwrap();
    record("item", 1);
    let begin = Instant::now();
    telemetry.shutdown(Duration::from_secs(1)).unwrap_err();
    assert!(begin.elapsed() < SOON / 2, "{:?}", begin.elapsed());
    assert_eq!(collector.spans().len(), 1);
    let counts = assert_conserved(&telemetry);
    assert_eq!((counts.delivered, counts.unconfirmed), (1, 1));
    drop(telemetry);
    wait_until("the thread's end", || ours() == 0);
}
