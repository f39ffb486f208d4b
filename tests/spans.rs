//! Spans say what happened: names, parents, times, attributes, outcomes, in every mix.

#![cfg(feature = "telemetry")]

mod support;

use std::future::{Future, pending};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use support::block_on;
use trackside::telemetry::{self, Kind, Parent, Value};
use trackside::testing::{Capture, CapturedStatus, CapturedValue, ManualClock};

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Returns `Pending` once, and does something each time.
fn twice(mut each: impl FnMut()) -> impl Future<Output = ()> {
    let mut polls = 0;
    std::future::poll_fn(move |_| {
        each();
        polls += 1;
        if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
    })
}

#[test]
fn the_span_covers_every_poll_from_the_first() {
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000));
    let capture = Capture::builder().clock(&clock).start();
    let future = telemetry::instrument(twice(|| clock.advance(Duration::from_millis(20))), "work");
    clock.advance(Duration::from_secs(5));
    let mut future = pin!(future);
    assert!(poll_once(future.as_mut()).is_pending());
    clock.advance(Duration::from_millis(2));
    assert!(poll_once(future.as_mut()).is_ready());
    let span = capture.span("work");
    assert_eq!(span.start, SystemTime::UNIX_EPOCH + Duration::from_secs(1_005));
    assert_eq!(span.duration, Duration::from_millis(42));
    assert_eq!(
        (span.kind, span.parent, span.status),
        (Kind::Internal, None, CapturedStatus::Unset)
    );
}

#[test]
fn a_future_that_is_never_polled_makes_no_span() {
    let capture = Capture::start();
    drop(telemetry::instrument(async {}, "idle").with(|span| {
        span.set("k", 1_i64);
    }));
    assert!(capture.spans().is_empty());
}

#[test]
fn parents_follow_polls_not_lexical_order() {
    let capture = Capture::start();
    let outer = async {
        telemetry::instrument(twice(|| drop(telemetry::span("leaf"))), "inner").await;
        drop(telemetry::span("after"));
    };
    block_on(telemetry::instrument(outer, "outer"));
    let (outer, inner) = (capture.span("outer"), capture.span("inner"));
    assert_eq!(inner.parent, Some(outer.span_id));
    assert_eq!(capture.span("after").parent, Some(outer.span_id));
    let leaves: Vec<_> = capture.spans().into_iter().filter(|span| span.name == "leaf").collect();
    assert_eq!(leaves.len(), 2);
    assert!(leaves.iter().all(|leaf| leaf.parent == Some(inner.span_id)));
    assert!(capture.spans().iter().all(|span| span.trace_id == outer.trace_id));
}

#[test]
fn interleaved_futures_keep_their_own_children() {
    let capture = Capture::start();
    let mut a = pin!(telemetry::instrument(twice(|| drop(telemetry::span("of a"))), "a"));
    let mut b = pin!(telemetry::instrument(twice(|| drop(telemetry::span("of b"))), "b"));
    for _ in 0..2 {
        let _ = poll_once(a.as_mut());
        let _ = poll_once(b.as_mut());
    }
    let (a, b) = (capture.span("a"), capture.span("b"));
    for span in capture.spans() {
        match &*span.name {
            "of a" => assert_eq!(span.parent, Some(a.span_id)),
            "of b" => assert_eq!(span.parent, Some(b.span_id)),
            _ => assert_eq!(span.parent, None),
        }
    }
    assert_ne!(a.trace_id, b.trace_id);
}

#[test]
fn every_kind_of_value_arrives_and_the_last_wins() {
    let capture = Capture::start();
    let items = [Value::from("a"), Value::from(1_i64), Value::Array(&[])];
    drop(telemetry::span("values").with(|span| {
        span.set("flag", true)
            .set("number", -7_i64)
            .set("huge", u64::MAX)
            .set("ratio", 0.5)
            .set("text", "first")
            .set("bytes", &b"\x00\xff"[..])
            .set("made", format_args!("{}-{}", 1, 2))
            .set("list", &items[..])
            .set_dynamic(&String::from("dynamic"), 1_u32)
            .set("text", "second");
    }));
    let span = capture.span("values");
    let expected: [(&str, CapturedValue); 9] = [
        ("flag", true.into()),
        ("number", (-7_i64).into()),
        ("huge", i64::MAX.into()),
        ("ratio", 0.5.into()),
        ("bytes", CapturedValue::Bytes(vec![0, 255])),
        ("made", "1-2".into()),
        ("list", (&items[..]).into()),
        ("dynamic", 1_i64.into()),
        ("text", "second".into()),
    ];
    let expected: Vec<_> =
        expected.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    assert_eq!(span.attributes, expected);
}

#[test]
fn events_links_and_status() {
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(9));
    let capture = Capture::builder().clock(&clock).start();
    let earlier = {
        let _guard = telemetry::span("earlier");
        Parent::current()
    };
    drop(telemetry::span("work").with(|span| {
        clock.advance(Duration::from_millis(3));
        span.event("checked", &[("rules", 3_i64.into())]).link(&earlier).link(&Parent::root());
        span.event_dynamic(&"again".repeat(2), &[]);
        span.ok().error("timeout", &"too late");
    }));
    let span = capture.span("work");
    assert_eq!(span.events.len(), 2);
    assert_eq!((&*span.events[0].name, &*span.events[1].name), ("checked", "againagain"));
    assert_eq!(span.events[0].time, span.start + Duration::from_millis(3));
    assert_eq!(span.events[0].attributes, [("rules".to_owned(), 3_i64.into())]);
    assert_eq!(span.links.len(), 1, "a root links to nothing");
    assert_eq!(Some(span.links[0].span_id), earlier.span_id());
    assert_eq!(span.status, CapturedStatus::Ok, "Ok is final");
}

#[test]
fn errors_become_status_and_exception() {
    let capture = Capture::start();
    let error = std::io::Error::other("disk gone");
    let wrapped = std::io::Error::other(error);
    drop(telemetry::span("io").with(|span| {
        span.record_error(&wrapped);
    }));
    let span = capture.span("io");
    assert_eq!(span.status, CapturedStatus::Error("disk gone".into()));
    assert_eq!(span.events[0].name, "exception");
    assert_eq!(span.events[0].attributes[1], ("exception.message".to_owned(), "disk gone".into()));

    let failing = telemetry::instrument(async { Err::<(), _>("refused") }, "failing").errors();
    assert!(block_on(failing).is_err());
    let span = capture.span("failing");
    assert_eq!(span.status, CapturedStatus::Error("refused".into()));
    assert_eq!(span.attribute("error.type"), Some(&"_OTHER".into()));
}

#[test]
fn outputs_can_be_read_into_the_span() {
    let capture = Capture::start();
    let future = telemetry::instrument(async { 41 }, "count")
        .named(|| format!("count {}", 7))
        .with_kind(Kind::Producer)
        .on_output(|output, span| {
            span.set("output", *output + 1);
        });
    block_on(future);
    let span = capture.span("count 7");
    assert_eq!(span.kind, Kind::Producer);
    assert_eq!(span.attribute("output"), Some(&42_i64.into()));
}

#[test]
fn an_error_is_read_first_and_then_the_hooks_in_their_order() {
    let capture = Capture::start();
    let words = [String::from("late")];
    let future = telemetry::instrument(async { Err::<(), _>("refused") }, "fails")
        .on_output(move |_, span| {
            // Moved in, moved out: it is called once.
            span.error(["refusal"][words.len() - 1], &words.concat());
        })
        .errors()
        .on_output(|output, span| {
            span.set("error.type", "last").set("was", output.is_err());
        });
    assert!(block_on(future).is_err());
    let span = capture.span("fails");
    assert_eq!(span.status, CapturedStatus::Error("late".into()));
    assert_eq!(span.attribute("error.type"), Some(&"last".into()));
    assert_eq!(span.attribute("was"), Some(&true.into()));
}

#[test]
fn a_dropped_future_says_so_and_its_destructors_belong_to_it() {
    struct Speaks;
    impl Drop for Speaks {
        fn drop(&mut self) {
            drop(telemetry::span("cleanup"));
        }
    }
    let capture = Capture::start();
    {
        let mut future = Box::pin(telemetry::instrument(
            async {
                let _speaks = Speaks;
                pending::<()>().await;
            },
            "waits",
        ));
        assert!(poll_once(future.as_mut()).is_pending());
    }
    let span = capture.span("waits");
    assert_eq!(span.attribute("cancelled"), Some(&true.into()));
    assert_eq!(capture.span("cleanup").parent, Some(span.span_id));
}

#[test]
fn a_dropped_future_whose_destructor_panics_says_that_too() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            drop(telemetry::span("cleanup"));
            panic!("wanted");
        }
    }
    let capture = Capture::start();
    let mut future = Box::pin(telemetry::instrument(
        async {
            let _panics = Panics;
            pending::<()>().await;
        },
        "waits",
    ));
    assert!(poll_once(future.as_mut()).is_pending());
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(future)));
    assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"wanted"));
    let span = capture.span("waits");
    assert_eq!(span.attribute("cancelled"), Some(&true.into()));
    assert_eq!(span.attribute("error.type"), Some(&"panic".into()));
    assert_eq!(capture.span("cleanup").parent, Some(span.span_id));
    assert!(telemetry::current().trace_id().is_none(), "nothing stays current");
}

#[test]
fn a_panic_is_recorded_and_goes_on() {
    let capture = Capture::start();
    let panicking = telemetry::instrument(
        async {
            let _open = telemetry::span("inside");
            if true {
                panic!("no luck {}", telemetry::current().is_recording());
            }
        },
        "panics",
    );
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| block_on(panicking)));
    assert_eq!(caught.unwrap_err().downcast_ref::<String>().unwrap(), "no luck true");
    let span = capture.span("panics");
    assert_eq!(span.status, CapturedStatus::Error("no luck true".into()));
    assert_eq!(span.attribute("error.type"), Some(&"panic".into()));
    assert_eq!(span.events[0].name, "exception");
    assert_eq!(capture.span("inside").attribute("error.type"), Some(&"panic".into()));
    assert!(!telemetry::current().is_recording(), "nothing stays current");
}

#[test]
fn a_hook_that_panics_does_not_lose_the_span() {
    struct Mute;
    impl std::fmt::Display for Mute {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("no words")
        }
    }
    let capture = Capture::start();
    let future = telemetry::instrument(async { Err::<(), _>(Mute) }, "fails").errors();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| block_on(future)));
    assert!(caught.is_err(), "the panic is the host's");
    assert_eq!(capture.span("fails").status, CapturedStatus::Error("no words".into()));
}

#[test]
fn with_parent_decides_anew_and_keeps_what_was_written() {
    let capture = Capture::start();
    let far = telemetry::span("far");
    let parent = Parent::current();
    drop(far);
    let _near = telemetry::span("near");
    let future = telemetry::instrument(async {}, "moved")
        .with(|span| {
            span.set("kept", 1_i64);
        })
        .with_kind(Kind::Consumer)
        .with_parent(parent);
    block_on(future);
    block_on(telemetry::instrument(async {}, "root").with_parent(Parent::root()));
    let moved = capture.span("moved");
    assert_eq!(moved.parent, Some(capture.span("far").span_id));
    assert_eq!(moved.kind, Kind::Consumer);
    assert_eq!(moved.attribute("kept"), Some(&1_i64.into()));
    let spans = capture.spans();
    assert!(spans.iter().all(|span| span.name != "near"));
}

#[test]
fn wrappers_nest_as_they_are_written() {
    let capture = Capture::start();
    let inner = telemetry::instrument(async { drop(telemetry::span("leaf")) }, "inner");
    block_on(telemetry::instrument(inner, "outer"));
    assert_eq!(capture.span("inner").parent, Some(capture.span("outer").span_id));
    assert_eq!(capture.span("leaf").parent, Some(capture.span("inner").span_id));
    assert_eq!(capture.span("outer").parent, None);
    assert!(capture.spans().iter().all(|span| span.trace_id == capture.span("outer").trace_id));
}

#[test]
fn a_future_of_another_trace_keeps_the_parent_of_its_call() {
    let capture = Capture::start();
    let future = {
        let _home = telemetry::span("home");
        telemetry::instrument(async {}, "guest")
    };
    block_on(telemetry::instrument(future, "executor"));
    assert_eq!(capture.span("guest").parent, Some(capture.span("home").span_id));
}
