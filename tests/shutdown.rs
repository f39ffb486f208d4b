//! It ends by its deadline, in every runtime and in none, and says what was left.

#![cfg(feature = "telemetry")]

mod support;

use std::time::{Duration, Instant};

use support::collector::{Collector, Step};
use support::{SOON, assert_conserved, record, serial, start};
use trackside::telemetry::{self, TelemetryConfig};

/// Runs a test body in each place a host may live in.
fn everywhere(body: fn()) {
    let current =
        || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    body();
    current().block_on(async { body() });
    tokio::task::LocalSet::new().block_on(&current(), async { body() });
    let multi =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    multi.block_on(async { tokio::spawn(async move { body() }).await.expect("it passes") });
    multi.block_on(async { tokio::task::spawn_blocking(body).await.expect("it passes") });
}

#[test]
fn init_flush_and_shutdown_work_in_every_runtime_and_in_none() {
    let _turn = serial();
    everywhere(|| {
        let collector = Collector::start();
        let telemetry = start(&collector.url(), &[]);
        record("flushed", 2);
        telemetry.force_flush(SOON).unwrap();
        assert_eq!(collector.spans().len(), 2);
        record("at the end", 3);
        telemetry.shutdown(SOON).unwrap();
        assert_eq!(collector.spans().len(), 5);
        assert_eq!(assert_conserved(&telemetry).delivered, 5);
    });
}

#[test]
fn the_async_form_blocks_no_worker() {
    let _turn = serial();
    let collector = Collector::start();
    let gate = collector.gate();
    collector.script(vec![Step::Hold(gate.clone(), Box::new(Step::status(200)))]);
    let telemetry = start(&collector.url(), &[]);
    record("item", 1);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let shutdown = telemetry.shutdown_async(SOON);
        // The only thread of this runtime releases the answer that the shutdown waits for.
        let other = tokio::spawn(async move { gate.release() });
        shutdown.await.unwrap();
        other.await.unwrap();
    });
    assert_eq!(assert_conserved(&telemetry).delivered, 1);
}

#[test]
fn a_shutdown_may_be_awaited_by_many_tasks() {
    let _turn = serial();
    let collector = Collector::start();
    let gate = collector.gate();
    collector.script(vec![Step::Hold(gate.clone(), Box::new(Step::status(200)))]);
    let telemetry = start(&collector.url(), &[]);
    record("item", 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let task = || tokio::spawn(telemetry.shutdown_async(SOON));
        let tasks = [task(), task(), task()];
        // All of them wait before there is anything to be told.
        tokio::task::yield_now().await;
        gate.release();
        for task in tasks {
            let ended = tokio::time::timeout(SOON, task).await.expect("each of them is woken");
            ended.unwrap().unwrap();
        }
    });
    assert_eq!(assert_conserved(&telemetry).delivered, 1);
}

#[test]
fn a_hung_collector_holds_nobody_past_the_deadline() {
    let _turn = serial();
    for step in [Step::NeverAnswer, Step::NeverRead] {
        let collector = Collector::start();
        collector.script(vec![step.clone()]);
        let telemetry = start(&collector.url(), &[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")]);
        record("item", 10);
        let began = Instant::now();
        let error = telemetry.shutdown(Duration::from_millis(300)).unwrap_err().to_string();
        assert!(began.elapsed() < Duration::from_millis(800), "{:?}", began.elapsed());
        assert!(error.contains("10 items"), "{error}");
        let traces = assert_conserved(&telemetry);
        assert_eq!((traces.unconfirmed, traces.dropped.shutdown), (4, 6), "{step:?}: {traces:?}");
    }
}

#[test]
fn a_name_that_cannot_be_looked_up_holds_nobody() {
    let _turn = serial();
    let telemetry = start("http://no-such-host.invalid:4318", &[]);
    record("item", 1);
    let began = Instant::now();
    assert!(telemetry.shutdown(Duration::from_millis(200)).is_err());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(assert_conserved(&telemetry).dropped.shutdown, 1);
}

#[test]
fn a_second_shutdown_is_ok_and_later_spans_are_counted() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    let open = telemetry::span("ends later");
    record("item", 1);
    telemetry.shutdown(SOON).unwrap();
    drop(open);
    record("after", 2);
    telemetry.shutdown(SOON).unwrap();
    telemetry.force_flush(SOON).unwrap();
    let status = telemetry.status();
    assert!(!status.traces.on);
    assert_eq!(status.traces.why, "shut down");
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.recorded, traces.delivered, traces.dropped.shutdown), (2, 1, 1));
}

#[test]
fn shutdowns_at_once_from_many_threads() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    record("item", 100);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| telemetry.shutdown(SOON).unwrap());
        }
    });
    assert_eq!(assert_conserved(&telemetry).delivered, 100);
    assert_eq!(collector.spans().len(), 100);
}

#[test]
fn dropping_the_last_handle_flushes_within_its_deadline() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    let second = telemetry.clone();
    record("item", 3);
    drop(telemetry);
    assert!(second.status().traces.on);
    drop(second);
    assert_eq!(collector.spans().len(), 3);

    let hung = Collector::start();
    hung.script(vec![Step::NeverAnswer]);
    let config = support::config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &hung.url())]);
    let telemetry = telemetry::init(config.with_drop_deadline(Duration::from_millis(200))).unwrap();
    record("item", 1);
    let began = Instant::now();
    drop(telemetry);
    assert!(began.elapsed() < Duration::from_millis(800), "{:?}", began.elapsed());
}

#[test]
fn the_thread_is_gone_after_a_shutdown_and_init_may_follow() {
    let _turn = serial();
    // Others may have ended one without waiting for the thread itself.
    #[cfg(target_os = "linux")]
    support::wait_until("the end of earlier threads", || our_threads() == 0);
    for _ in 0..3 {
        let collector = Collector::start();
        let telemetry = start(&collector.url(), &[]);
        record("item", 1);
        #[cfg(target_os = "linux")]
        support::wait_until("the one thread", || our_threads() == 1);
        telemetry.shutdown(SOON).unwrap();
        #[cfg(target_os = "linux")]
        assert_eq!(our_threads(), 0, "joined");
        assert_eq!(assert_conserved(&telemetry).delivered, 1);
    }
    let idle = telemetry::init(support::config(&[])).unwrap();
    assert!(!idle.status().traces.on);
}

#[cfg(target_os = "linux")]
fn our_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "trackside").count()
}

#[test]
fn a_callback_cannot_deadlock_the_thread_it_runs_on() {
    let _turn = serial();
    let collector = Collector::start();
    collector.script(vec![Step::status(400)]);
    let (sender, answers) = std::sync::mpsc::channel();
    let handle: std::sync::Arc<std::sync::Mutex<Option<telemetry::Telemetry>>> = Default::default();
    let inner = std::sync::Arc::clone(&handle);
    let config = support::config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
    let config: TelemetryConfig = config.on_diagnostic(move |_| {
        record("inside", 1);
        if let Some(telemetry) = &*inner.lock().unwrap() {
            let _ = sender.send(telemetry.force_flush(SOON).is_err());
        }
    });
    let telemetry = telemetry::init(config).unwrap();
    *handle.lock().unwrap() = Some(telemetry.clone());
    record("outside", 1);
    telemetry.force_flush(SOON).unwrap();
    assert!(answers.recv_timeout(SOON).unwrap(), "it is told no instead of waiting for itself");
    handle.lock().unwrap().take();
    telemetry.shutdown(SOON).unwrap();
    assert_eq!(assert_conserved(&telemetry).recorded, 1, "our own thread records nothing");
}

#[test]
fn what_was_said_too_often_is_summed_at_the_shutdown() {
    let _turn = serial();
    let collector = Collector::start();
    collector.script(vec![Step::status(400), Step::status(400), Step::status(400)]);
    let telemetry = start(&collector.url(), &[]);
    for _ in 0..3 {
        record("refused", 1);
        telemetry.force_flush(SOON).unwrap();
    }
    let refused = |lines: &[String]| {
        lines.iter().filter(|line| line.contains("refused 1 span")).cloned().collect::<Vec<_>>()
    };
    let first = refused(&telemetry.status().diagnostics);
    assert_eq!(first.len(), 1, "{first:?}");
    telemetry.shutdown(SOON).unwrap();
    let [_, sum] = &refused(&telemetry.status().diagnostics)[..] else {
        panic!("{:#?}", telemetry.status().diagnostics)
    };
    assert!(sum.ends_with(" (the newest of 2 that were not said until now)"), "{sum}");
    assert_conserved(&telemetry);
}
