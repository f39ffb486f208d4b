//! Guards and the current span: any order, any thread, and what is forgotten.

#![cfg(feature = "telemetry")]

mod support;

use support::block_on;
use trackside::telemetry::{self, Parent, Value};
use trackside::testing::{Capture, CapturedStatus, CapturedValue};

#[test]
fn guards_may_be_dropped_in_any_order() {
    let capture = Capture::start();
    let (a, b, c) = (telemetry::span("a"), telemetry::span("b"), telemetry::span("c"));
    drop(b);
    drop(telemetry::span("d"));
    drop(a);
    drop(c);
    let names: Vec<_> = capture.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["b", "d", "a", "c"]);
    assert_eq!(capture.span("d").parent, Some(capture.span("c").span_id));
    assert!(telemetry::current().trace_id().is_none());
}

#[test]
fn a_forgotten_guard_is_ended_with_the_scope_below_it() {
    let capture = Capture::start();
    let poll = telemetry::instrument(
        async {
            std::mem::forget(telemetry::span("forgotten"));
        },
        "scope",
    );
    block_on(poll);
    assert_eq!(capture.span("forgotten").parent, Some(capture.span("scope").span_id));
    assert!(telemetry::current().trace_id().is_none());
}

#[test]
fn context_is_carried_to_threads_tasks_and_back() {
    let capture = Capture::start();
    let guard = telemetry::span("origin");
    let here = Parent::current();
    let of_thread = telemetry::in_context_fn(|| drop(telemetry::span("thread")));
    let of_task = telemetry::in_context(async { drop(telemetry::span("task")) });
    std::thread::spawn(of_thread).join().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.block_on(runtime.spawn(of_task)).unwrap();
    let elsewhere = telemetry::in_context(async { drop(telemetry::span("root")) });
    block_on(elsewhere.with_parent(Parent::root()));
    drop(guard);
    let origin = capture.span("origin");
    assert_eq!(here.span_id(), Some(origin.span_id));
    for name in ["thread", "task"] {
        assert_eq!(capture.span(name).parent, Some(origin.span_id), "{name}");
        assert!(!capture.span(name).parent_is_remote);
    }
    assert_eq!(capture.span("root").parent, None);
    assert_ne!(capture.span("root").trace_id, origin.trace_id);
}

#[test]
fn writing_to_a_carried_span_is_counted() {
    let capture = Capture::start();
    let telemetry = telemetry::init(telemetry::TelemetryConfig::default()).unwrap();
    let before = telemetry.status().late_writes;
    let guard = telemetry::span("origin");
    std::thread::spawn(telemetry::in_context_fn(|| {
        assert!(!telemetry::current().is_recording());
        telemetry::current().set("late", true);
        telemetry::current().with(|span| {
            span.set("late", true);
        });
    }))
    .join()
    .unwrap();
    drop(guard);
    assert_eq!(capture.span("origin").attributes, []);
    assert_eq!(telemetry.status().late_writes, before + 2);
}

#[test]
fn with_stays_usable_inside_itself() {
    let capture = Capture::start();
    let guard = telemetry::span("outer").with(|span| {
        telemetry::current().set("inner", 1_i64);
        drop(telemetry::span("child"));
        span.set("outer", 2_i64);
    });
    telemetry::current().with(|span| {
        span.set("late", format_args!("{}", telemetry::current().is_recording()));
    });
    drop(guard);
    let outer = capture.span("outer");
    assert_eq!(outer.attribute("inner"), Some(&1_i64.into()));
    assert_eq!(outer.attribute("outer"), Some(&2_i64.into()));
    assert_eq!(outer.attribute("late"), Some(&"true".into()));
    assert_eq!(capture.span("child").parent, Some(outer.span_id));
}

#[test]
fn a_display_that_panics_leaves_the_span_in_place() {
    struct Bad;
    impl std::fmt::Display for Bad {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("bad display")
        }
    }
    let capture = Capture::start();
    let guard = telemetry::span("survivor");
    let set = || telemetry::current().set("bad", Value::Format(format_args!("{Bad}")));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(set)).is_err());
    let set = || telemetry::current().set("bad", &[Value::Format(format_args!("{Bad}"))][..]);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(set)).is_err());
    assert!(telemetry::current().is_recording());
    telemetry::current().set("good", 1_i64);
    drop(guard);
    assert_eq!(capture.span("survivor").attributes, [("good".to_owned(), 1_i64.into())]);
}

#[test]
fn a_guard_keeps_what_was_written_before_it_moved() {
    let capture = Capture::start();
    let far = telemetry::span("far");
    let parent = Parent::current();
    drop(far);
    let guard = telemetry::span("moved").with(|span| {
        span.set("kept", 1_i64);
    });
    drop(guard.with_parent(parent));
    let moved = capture.span("moved");
    assert_eq!(moved.parent, Some(capture.span("far").span_id));
    assert_eq!(moved.attribute("kept"), Some(&1_i64.into()));
}

#[test]
fn a_guard_forgotten_on_a_thread_ends_with_the_thread() {
    let capture = Capture::start();
    let origin = telemetry::span("origin");
    let parent = Parent::current();
    let thread = std::thread::spawn(move || {
        std::mem::forget(telemetry::span("leaked").with_parent(parent));
    });
    thread.join().unwrap();
    drop(origin);
    assert_eq!(capture.span("leaked").parent, Some(capture.span("origin").span_id));
}

#[test]
fn a_text_inside_a_list_may_open_spans() {
    struct Spanned;
    impl std::fmt::Display for Spanned {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            drop(telemetry::span("inside"));
            f.write_str("text")
        }
    }
    let capture = Capture::start();
    let guard = telemetry::span("outer");
    telemetry::current().set("list", &[Value::Format(format_args!("{Spanned}"))][..]);
    drop(guard);
    let outer = capture.span("outer");
    assert_eq!(outer.attribute("list"), Some(&CapturedValue::Array(vec!["text".into()])));
    assert_eq!(capture.span("inside").parent, Some(outer.span_id));
}

#[test]
fn a_destructor_that_a_panic_runs_has_not_failed() {
    struct CleansUp;
    impl Drop for CleansUp {
        fn drop(&mut self) {
            drop(telemetry::span("cleanup"));
        }
    }
    let capture = Capture::start();
    let caught = std::panic::catch_unwind(|| {
        let _failed = telemetry::span("failed");
        let _cleans_up = CleansUp;
        panic!("unwinds");
    });
    assert!(caught.is_err());
    assert_eq!(capture.span("cleanup").status, CapturedStatus::Unset);
    assert_eq!(capture.span("failed").attribute("error.type"), Some(&"panic".into()));
}
