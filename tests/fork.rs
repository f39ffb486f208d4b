//! `fork` without `exec`: the child exports what is its own, once; the parent is as if nothing had been.

#![cfg(all(feature = "telemetry", unix))]

mod support;

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use support::collector::Collector;
use support::metrics::{METRICS, collect};
use support::{SOON, assert_conserved, record, serial, start};
use trackside::telemetry::rpc::{self, Call};
use trackside::telemetry::{self, Parent, Telemetry};

/// Runs `child` in a fork of this process, and waits until it has ended, well.
#[track_caller]
fn in_fork(child: impl FnOnce()) {
    wait_for(fork(child));
}

/// The child's number. It ends without a word to the parent's test harness.
#[track_caller]
fn fork(child: impl FnOnce()) -> libc::pid_t {
    // SAFETY: the child runs on with this thread alone, and leaves by `_exit`.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", std::io::Error::last_os_error());
    if pid == 0 {
        // What hangs does not hang the test.
        // SAFETY: no handler of this process's is set for it.
        unsafe { libc::alarm(60) };
        let ended = catch_unwind(AssertUnwindSafe(child));
        // SAFETY: it ends here.
        unsafe { libc::_exit(i32::from(ended.is_err())) };
    }
    pid
}

#[track_caller]
fn wait_for(pid: libc::pid_t) {
    let mut status = 0;
    // SAFETY: `status` is a place for it.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!((waited, status), (pid, 0), "the child failed: its panic is above");
}

/// Names of all that arrived, in alphabetical order.
fn names(collector: &Collector) -> Vec<String> {
    let mut names: Vec<_> = collector.spans().into_iter().map(|span| span.name).collect();
    names.sort_unstable();
    names
}

/// Threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

#[track_caller]
fn flush(telemetry: &Telemetry) {
    telemetry.force_flush(SOON).expect("all of it is answered");
    assert_conserved(telemetry);
}

#[test]
fn a_child_exports_its_own_and_the_parent_goes_on() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    record("before", 3);
    in_fork(|| {
        record("child", 2);
        flush(&telemetry);
        let traces = telemetry.status().traces;
        assert_eq!((traces.recorded, traces.delivered), (2, 2));
        assert!(telemetry.report().to_string().contains("service.name"));
    });
    record("parent", 1);
    flush(&telemetry);
    assert_eq!(names(&collector), ["before", "before", "before", "child", "child", "parent"]);
    assert_eq!(telemetry.status().traces.delivered, 4);
    let ids: HashSet<_> = collector.spans().into_iter().map(|span| span.span_id).collect();
    assert_eq!(ids.len(), 6, "ids repeat");
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn ids_differ_between_a_parent_and_its_children() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    record("warm", 1);
    for _ in 0..4 {
        in_fork(|| {
            record("child", 5);
            flush(&telemetry);
        });
        record("parent", 5);
    }
    flush(&telemetry);
    let ids: HashSet<_> =
        collector.spans().into_iter().map(|span| (span.trace_id, span.span_id)).collect();
    assert_eq!(ids.len(), 41);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn an_open_span_is_the_parents_and_a_parent_all_the_same() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    let open = telemetry::span("open");
    let place = Parent::current();
    in_fork(|| {
        drop(telemetry::span("below"));
        drop(open);
        flush(&telemetry);
        assert_eq!(telemetry.status().traces.recorded, 1);
    });
    drop(telemetry::span("parent").with_parent(place.clone()));
    flush(&telemetry);
    // The guard went with the closure: in the parent it is ended by its place on the stack.
    let spans = collector.spans();
    let below = spans.iter().find(|span| span.name == "below").expect("the child's span");
    let id = place.span_id().expect("a span").0.to_be_bytes();
    assert_eq!(below.parent_span_id, id);
    assert!(spans.iter().filter(|span| span.name == "open").count() <= 1, "sent twice");
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn logs_and_metrics_begin_anew() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[("OTEL_LOGS_EXPORTER", "otlp"), METRICS[0]]);
    let jobs = telemetry::counter("jobs");
    let work = || {
        jobs.add(1, &[("queue", "mail".into())]);
        telemetry::forward_log(30, "text", "logger", 1, "main", &[]);
        support::block_on(rpc::server(Call::method("echo"), async { Ok::<_, String>(()) }))
            .unwrap();
    };
    for _ in 0..3 {
        work();
    }
    flush(&telemetry);
    in_fork(|| {
        work();
        let of_child = collect(&telemetry, &collector);
        assert!(!of_child.is_empty());
        let status = telemetry.status();
        assert_eq!((status.logs.recorded, status.logs.delivered), (1, 1));
        assert_eq!(status.traces.delivered, 1);
        telemetry.shutdown(SOON).unwrap();
    });
    work();
    flush(&telemetry);
    let status = telemetry.status();
    assert_eq!((status.logs.delivered, status.traces.delivered), (4, 4));
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn a_child_says_who_it_is_and_keeps_what_was_changed() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    record("parent", 1);
    flush(&telemetry);
    telemetry.set_sampler("always_off", None).unwrap();
    in_fork(|| {
        record("unsampled", 1);
        telemetry.set_sampler("always_on", None).unwrap();
        record("child", 1);
        flush(&telemetry);
    });
    assert_eq!(names(&collector), ["child", "parent"]);
    let [parents, childs] = [0, 1].map(|at| identity(&collector, at));
    for key in ["process.pid", "service.instance.id"] {
        assert_ne!(parents[key], childs[key], "{key}");
    }
    assert_eq!(parents["process.pid"], std::process::id().to_string());
    assert_eq!(parents["service.name"], childs["service.name"]);
    telemetry.shutdown(SOON).unwrap();
}

/// The resource of a request.
fn identity(collector: &Collector, at: usize) -> HashMap<String, String> {
    let request = collector.requests()[at].decode();
    let resource = request.resource_spans[0].resource.clone().expect("each request has one");
    resource.attributes.iter().map(|pair| (pair.key.clone(), text(pair))).collect()
}

fn text(pair: &KeyValue) -> String {
    match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => panic!("{}: {other:?}", pair.key),
    }
}

#[test]
fn a_child_that_records_nothing_starts_nothing() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    record("before", 1);
    let handle = telemetry.clone();
    in_fork(|| {
        let begin = Instant::now();
        assert_eq!(threads(), 1);
        drop(handle);
        assert!(begin.elapsed() < Duration::from_secs(2));
        assert_eq!(threads(), 1);
    });
    flush(&telemetry);
    assert_eq!(names(&collector), ["before"]);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn the_last_handle_of_a_child_flushes() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    let mut telemetry = Some(telemetry);
    in_fork(|| {
        record("child", 1);
        drop(telemetry.take());
    });
    let telemetry = telemetry.expect("the parent's stays");
    assert_eq!(names(&collector), ["child"]);
    telemetry.shutdown(SOON).unwrap();
    // What was over stays over.
    in_fork(|| {
        record("late", 1);
        telemetry.force_flush(SOON).unwrap();
        telemetry.shutdown(SOON).unwrap();
        assert_eq!(threads(), 1);
    });
    assert_eq!(names(&collector), ["child"]);
}

#[test]
fn children_of_children_too_whether_their_parents_have_begun_or_not() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    in_fork(|| {
        in_fork(|| {
            record("of a child that has not begun", 1);
            flush(&telemetry);
        });
        record("child", 1);
        in_fork(|| {
            record("of a child that has", 1);
            flush(&telemetry);
        });
        flush(&telemetry);
    });
    record("parent", 1);
    flush(&telemetry);
    assert_eq!(
        names(&collector),
        ["child", "of a child that has", "of a child that has not begun", "parent"]
    );
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn init_in_a_child_gives_the_childs_handle_and_its_shutdown_is_its_own() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    in_fork(|| {
        let again = start("http://127.0.0.1:9", &[]);
        record("child", 1);
        again.shutdown(SOON).unwrap();
        assert!(!telemetry.status().traces.on);
        let anew = start(&collector.url(), &[]);
        record("anew", 1);
        flush(&anew);
        anew.shutdown(SOON).unwrap();
    });
    assert!(telemetry.status().traces.on);
    record("parent", 1);
    flush(&telemetry);
    assert_eq!(names(&collector), ["anew", "child", "parent"]);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn forks_while_other_threads_record_lose_nothing_and_hang_nobody() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[("OTEL_BSP_SCHEDULE_DELAY", "1")]);
    let is_over = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let is_over = Arc::clone(&is_over);
            std::thread::spawn(move || {
                let mut made = 0;
                while !is_over.load(Ordering::Acquire) {
                    record("parent", 10);
                    made += 10;
                    std::thread::yield_now();
                }
                made
            })
        })
        .collect();
    for _ in 0..10 {
        in_fork(|| {
            record("child", 10);
            flush(&telemetry);
        });
    }
    is_over.store(true, Ordering::Release);
    let made: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    flush(&telemetry);
    let traces = telemetry.status().traces;
    assert_eq!(traces.recorded, made as u64);
    let arrived = names(&collector);
    assert_eq!(arrived.iter().filter(|name| *name == "child").count(), 100);
    let parents = arrived.iter().filter(|name| *name == "parent").count() as u64;
    assert_eq!(parents, traces.delivered);
    telemetry.shutdown(SOON).unwrap();
}
