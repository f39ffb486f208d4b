//! Law 3: in the steady state nothing on the host's threads allocates.

#![cfg(feature = "telemetry")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use support::collector::Collector;
use support::{SOON, assert_conserved, block_on, serial};
use trackside::telemetry::rpc::{self, Call, Direction};
use trackside::telemetry::{self, Counter, Histogram};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is being torn down is not measured.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of this thread in the second of two equal rounds.
fn steady(round: impl Fn()) -> u64 {
    (0..200).for_each(|_| round());
    let before = ALLOCATIONS.get();
    (0..200).for_each(|_| round());
    ALLOCATIONS.get() - before
}

static JOBS: Counter = telemetry::counter("jobs");
static TIMES: Histogram = telemetry::histogram("times");

#[test]
fn a_recording_host_does_not_allocate_for_it() {
    let _turn = serial();
    let collector = Collector::start();
    let url = collector.url();
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*url), ("OTEL_METRIC_EXPORT_INTERVAL", "600000")];
    let telemetry = telemetry::init(support::config(&variables)).unwrap();
    assert!(telemetry.status().metrics.on && telemetry.status().logs.on);
    let bound = JOBS.bind(&[("queue", "mail".into())]);
    let queues = ["mail", "sms"].map(String::from);
    let parent = telemetry::Parent::root();
    let error = Err::<(), _>("late");
    let rounds: [(&str, &dyn Fn()); 8] = [
        ("guard with attributes and an event", &|| {
            drop(telemetry::span("guard").with(|span| {
                span.set("text", "value")
                    .set("number", 1_i64)
                    .event("event", &[("k", 1_i64.into())]);
            }));
        }),
        ("nested futures", &|| {
            let inner =
                telemetry::instrument(async { telemetry::current().set("k", 1_i64) }, "inner");
            block_on(telemetry::instrument(inner, "outer").with(|span| {
                span.set("text", "a value that is copied");
            }));
        }),
        ("an RPC with its metrics", &|| {
            let call = Call::method("get").cls_id("Store").object_id("7");
            let handler = rpc::handler(async {
                rpc::payload(Direction::In, 10);
                drop(rpc::storage("get"));
                Ok::<_, &str>(1)
            });
            block_on(rpc::dispatch(rpc::server(call, handler)).with_parent(parent.clone()))
                .unwrap();
        }),
        ("a failing RPC", &|| {
            let failing = rpc::client(Call::method("get"), async { error }).error_kind(|_| "late");
            block_on(failing).unwrap_err();
        }),
        ("bound instruments", &|| {
            bound.add(1, &[]);
            TIMES.record(1.0, &[]);
        }),
        ("instruments with attributes", &|| {
            for queue in &queues {
                bound.add(1, &[("to", queue.as_str().into()), ("retry", true.into())]);
                TIMES.record(1.0, &[("queue", queue.as_str().into()), ("size", 3_i64.into())]);
            }
        }),
        ("a session", &|| drop(rpc::session())),
        ("a log record", &|| {
            telemetry::forward_log(20, "a message", "logger", 1, "main", &[("k", "v".into())]);
        }),
    ];
    for (what, round) in rounds {
        assert_eq!(steady(round), 0, "{what}");
    }
    // What did not fit is counted; that nothing was measured at all would show here.
    telemetry.force_flush(SOON).unwrap();
    assert_conserved(&telemetry);
    assert!(telemetry.status().traces.recorded >= 7 * 200);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn an_unsampled_span_does_not_allocate() {
    let _turn = serial();
    let collector = Collector::start();
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url()), ("OTEL_TRACES_SAMPLER", "always_off")];
    let telemetry = telemetry::init(support::config(&variables)).unwrap();
    let round = || {
        let future = telemetry::instrument(async { drop(telemetry::span("inner")) }, "outer");
        block_on(future.with(|_| panic!("nothing is evaluated")));
    };
    assert_eq!(steady(round), 0);
    telemetry.shutdown(SOON).unwrap();
    assert_eq!(telemetry.status().traces.recorded, 0);
    assert_conserved(&telemetry);
}
