//! Who is whose parent, where our spans and those of the OpenTelemetry API meet; `matrix.rs` has every mix.

#![cfg(feature = "telemetry")]

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context as Task, Poll, Waker};

use trackside::otel::api::Context;
use trackside::otel::api::propagation::TextMapPropagator as _;
use trackside::otel::api::trace::{
    FutureExt as _, Span as _, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use trackside::otel::{self, Tracer};
use trackside::telemetry::{self, SpanId};
use trackside::testing::Capture;

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Task::from_waker(Waker::noop())) {
            return output;
        }
    }
}

fn tracer() -> Tracer {
    otel::tracer_provider().tracer("api")
}

fn parent_of(capture: &Capture, name: &str) -> Option<SpanId> {
    capture.span(name).parent
}

#[track_caller]
fn assert_below(capture: &Capture, child: &str, parent: &str) {
    let (child, parent) = (capture.span(child), capture.span(parent));
    assert_eq!(child.parent, Some(parent.span_id), "{} below {}", child.name, parent.name);
    assert_eq!(child.trace_id, parent.trace_id);
}

fn ours<R>(name: &'static str, run: impl FnOnce() -> R) -> R {
    block_on(telemetry::instrument(async { run() }, name))
}

#[test]
fn whoever_was_entered_last_is_the_parent() {
    let capture = Capture::start();
    ours("o1", || {
        drop(tracer().start("unattached"));
        drop(telemetry::span("after unattached"));
        tracer().in_span("a1", |_| {
            drop(tracer().start("leaf of a1"));
            drop(telemetry::span("guard in a1"));
            ours("o2", || {
                drop(tracer().start("leaf of o2"));
                tracer().in_span("a2", |_| drop(telemetry::span("guard in a2")));
                drop(telemetry::span("after a2"));
            });
            drop(tracer().start("after o2"));
        });
        drop(telemetry::span("after a1"));
        drop(tracer().start("leaf of o1"));
    });
    for (child, parent) in [
        ("unattached", "o1"),
        ("after unattached", "o1"),
        ("a1", "o1"),
        ("leaf of a1", "a1"),
        ("guard in a1", "a1"),
        ("o2", "a1"),
        ("leaf of o2", "o2"),
        ("a2", "o2"),
        ("guard in a2", "a2"),
        ("after a2", "o2"),
        ("after o2", "a1"),
        ("after a1", "o1"),
        ("leaf of o1", "o1"),
    ] {
        assert_below(&capture, child, parent);
    }
    assert_eq!(parent_of(&capture, "o1"), None);
}

#[test]
fn a_context_that_is_given_counts_and_an_empty_one_is_a_root() {
    let capture = Capture::start();
    let elsewhere = Context::new().with_span(tracer().start("elsewhere"));
    ours("o", || {
        drop(tracer().start_with_context("explicit", &elsewhere));
        drop(tracer().start_with_context("root", &Context::new()));
        tracer().in_span("a", |_| {
            drop(tracer().start_with_context("explicit in a", &elsewhere));
            drop(tracer().start_with_context("root in a", &Context::new()));
            let _guard = telemetry::span("given").with_parent(telemetry::Parent::root());
            drop(tracer().start("below given"));
        });
    });
    elsewhere.span().end();
    assert_below(&capture, "explicit", "elsewhere");
    assert_below(&capture, "explicit in a", "elsewhere");
    assert_below(&capture, "below given", "given");
    for root in ["root", "root in a", "given", "elsewhere", "o"] {
        assert_eq!(parent_of(&capture, root), None, "{root}");
    }
}

#[test]
fn a_future_takes_the_context_of_its_first_poll() {
    let capture = Capture::start();
    let made_before = telemetry::instrument(async {}, "made before");
    let of_o = telemetry::span("o");
    let below_o = telemetry::instrument(async {}, "made in o");
    let inner = tracer().start("a");
    block_on(
        async { (made_before.await, below_o.await) }.with_context(Context::new().with_span(inner)),
    );
    drop(of_o);
    assert_below(&capture, "a", "o");
    assert_below(&capture, "made before", "a");
    assert_below(&capture, "made in o", "a");
}

#[test]
fn the_current_span_may_be_the_contexts() {
    let capture = Capture::start();
    ours("o", || {
        tracer().in_span("a", |cx| {
            let id = telemetry::current().span_id().unwrap();
            assert_eq!(cx.span().span_context().span_id().to_string(), id.to_string());
            assert!(telemetry::current().is_recording());
            telemetry::current().set("made", format_args!("{}", 1 + 1));
            telemetry::current().with(|span| {
                span.event("e", &[("k", 1_i64.into())]).error("timeout", &"late");
            });
        });
        let remote =
            Context::new().with_remote_span_context(tracer().start("x").span_context().clone());
        let _attached = remote.attach();
        assert!(!telemetry::current().is_recording());
        telemetry::current().set("lost", true);
    });
    let a = capture.span("a");
    assert_eq!(a.attribute("made"), Some(&"2".into()));
    assert_eq!(a.attribute("error.type"), Some(&"timeout".into()));
    assert_eq!((a.events.len(), &*a.events[0].name), (1, "e"));
    assert!(capture.span("o").attributes.is_empty());
}

type Headers = HashMap<String, String>;

#[test]
fn a_context_carries_its_span_to_another_thread_and_ends_it_there() {
    let capture = Capture::start();
    let attached = Context::new().with_span(tracer().start("a"));
    std::thread::spawn(move || {
        let _attached = attached.attach();
        drop(telemetry::span("guard"));
        ours("o", || drop(tracer().start("leaf")));
    })
    .join()
    .unwrap();
    for (child, parent) in [("guard", "a"), ("o", "a"), ("leaf", "o")] {
        assert_below(&capture, child, parent);
    }
}

#[test]
fn a_thread_that_ends_is_not_asked_for_its_context() {
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            telemetry::current().set("k", 1_i64);
            assert_eq!(telemetry::current().span_id(), None);
            drop(telemetry::span("late"));
            telemetry::forward_log(20, "late", "logger", 0, "", &[]);
        }
    }
    thread_local!(static LATE: Late = const { Late });
    // A panic in a destructor of a thread's own would end the process.
    let thread = std::thread::spawn(|| {
        LATE.with(|_| ());
        let capture = Capture::start();
        drop(telemetry::span("in time"));
        assert_eq!(capture.spans().len(), 1);
    });
    thread.join().unwrap();
}

#[test]
fn baggage_crosses_from_one_to_the_other() {
    use trackside::otel::api::KeyValue;
    use trackside::otel::api::baggage::BaggageExt as _;
    let _capture = Capture::start();
    let parent = telemetry::Parent::root().with_baggage("tenant", "acme");
    let _guard = telemetry::span("o").with_parent(parent);
    tracer().in_span("a", |cx| {
        assert_eq!(telemetry::Parent::current().baggage("tenant"), Some("acme"));
        let _attached = cx.with_baggage([KeyValue::new("user", "ann é")]).attach();
        let mut headers = Headers::new();
        otel::propagator().inject(&mut headers);
        assert_eq!(headers["baggage"], "tenant=acme,user=ann%20%C3%A9");
        let there = otel::propagator().extract_with_context(&Context::new(), &headers);
        assert_eq!(there.baggage().get("user").unwrap().as_str(), "ann é");
        assert_eq!(there.span().span_context().trace_id(), cx.span().span_context().trace_id());
        assert!(there.span().span_context().is_remote());
    });
}
