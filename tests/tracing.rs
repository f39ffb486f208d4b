//! `tracing` spans: what is recorded of them, and how they live and end.

#![cfg(feature = "telemetry")]

mod support;

use support::layer::{assert_nested, attribute, failed, recorded};
use tracing::subscriber::with_default;
use tracing::{Dispatch, dispatcher, info_span};
use tracing_subscriber::layer::SubscriberExt;
use trackside::telemetry::{self, Kind, Parent};
use trackside::testing::{Capture, CapturedSpan, CapturedStatus, CapturedValue};

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn caller() -> Parent {
    telemetry::extract(|name| (name == "traceparent").then_some(CALLER))
}

#[test]
fn fields_keep_their_kinds() {
    let capture = recorded(|| {
        let span = info_span!(
            "work",
            signed = -3_i64,
            unsigned = 7_u64,
            huge = u64::MAX,
            wide = i128::MAX,
            float = 0.5,
            yes = true,
            text = "t",
            debug = ?Some(1),
            display = %"d",
            later = tracing::field::Empty,
            error = &failed() as &(dyn std::error::Error + 'static),
        );
        span.record("later", 9);
    });
    let span = capture.span("work");
    let expected: [(&str, CapturedValue); 11] = [
        ("signed", (-3_i64).into()),
        ("unsigned", 7_u64.into()),
        ("huge", i64::MAX.into()),
        ("wide", i128::MAX.to_string().as_str().into()),
        ("float", 0.5.into()),
        ("yes", true.into()),
        ("text", "t".into()),
        ("debug", "Some(1)".into()),
        ("display", "d".into()),
        ("error", "failed".into()),
        ("later", 9.into()),
    ];
    for (key, value) in &expected {
        assert_eq!(span.attribute(key), Some(value), "{key}");
    }
    assert_eq!(span.attributes.len(), expected.len());
    let exception = &span.events[0];
    assert_eq!(exception.name, "exception");
    assert_eq!(attribute(&exception.attributes, "exception.message"), Some(&"failed".into()));
    assert_eq!(
        attribute(&exception.attributes, "exception.stacktrace"),
        Some(&"failed\ncaused by: the disk is full".into())
    );
}

#[test]
fn a_place_says_each_time_what_it_said_first() {
    let capture = recorded(|| {
        let long = "x".repeat(300);
        for _ in 0..4 {
            let _span = info_span!(
                "place",
                first = 1,
                second = "two",
                third = long,
                fourth = ?[4],
                a.name.that.is.longer.than.what.is.ready = true,
                otel.kind = "client",
            )
            .entered();
            tracing::info!(
                first = -1,
                second = "",
                third = long,
                fourth = u64::MAX,
                error = "bad",
                exception.message = "worse",
                yes = true,
                half = 0.5,
                "said"
            );
        }
    });
    let (spans, logs) = (capture.spans(), capture.logs());
    assert_eq!((spans.len(), logs.len()), (4, 4));
    let (span, log) = (&spans[0], &logs[0]);
    assert_eq!((span.attributes.len(), span.kind), (5, Kind::Client));
    for (key, value) in [("fourth", i64::MAX.into()), ("second", "".into()), ("half", 0.5.into())] {
        assert_eq!(attribute(&log.attributes, key), Some(&value), "{key}");
    }
    // The last one under a key.
    assert_eq!(attribute(&log.attributes, "exception.message"), Some(&"worse".into()));
    for (other, of) in spans.iter().zip(&logs) {
        assert_eq!((&other.attributes, other.kind), (&span.attributes, span.kind));
        assert_eq!((&of.attributes, &of.body), (&log.attributes, &log.body));
    }
}

#[test]
fn a_limit_holds_where_keys_are_ready() {
    let capture = Capture::builder()
        .variable("OTEL_ATTRIBUTE_COUNT_LIMIT", "2")
        .variable("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3")
        .start();
    let subscriber = tracing_subscriber::registry().with(trackside::layer());
    with_default(subscriber, || {
        for _ in 0..3 {
            let _span = info_span!("place", first = "long text", second = 2, third = 3).entered();
            tracing::info!(first = "long text", second = 2, third = 3, "said");
        }
    });
    let expected = [("first".to_owned(), "lon".into()), ("second".to_owned(), 2.into())];
    let (spans, logs) = (capture.spans(), capture.logs());
    assert_eq!((spans.len(), logs.len()), (3, 3));
    for (span, log) in spans.iter().zip(&logs) {
        assert_eq!((&span.attributes[..], span.dropped_attributes), (&expected[..], 1));
        assert_eq!(log.attributes, expected);
    }
}

#[test]
fn names_that_mean_something_become_it() {
    let capture = recorded(|| {
        let _ = info_span!("a", otel.name = "GET /", otel.kind = ?Kind::Server, otel.status_code = "OK");
        let kept = info_span!(
            "b",
            otel.kind = "odd",
            otel.name = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
            otel.status_description = tracing::field::Empty
        );
        kept.record("otel.name", "renamed");
        kept.record("otel.status_description", "why");
        kept.record("otel.status_code", "ERROR");
    });
    let get = capture.span("GET /");
    assert_eq!((get.kind, get.status), (Kind::Server, CapturedStatus::Ok));
    assert!(get.attributes.is_empty(), "{:?}", get.attributes);
    let renamed = capture.span("renamed");
    assert_eq!(renamed.status, CapturedStatus::Error("why".to_owned()));
    assert_eq!(renamed.attributes, [("otel.kind".to_owned(), "odd".into())]);
}

#[test]
fn explicit_parents_roots_and_links_are_kept() {
    let capture = recorded(|| {
        let (a, b) = (info_span!("a"), info_span!("b"));
        let _in_a = a.enter();
        let _ = info_span!("child", x = 1);
        let _ = info_span!(parent: &b, "of b");
        let _ = info_span!(parent: None, "root");
        info_span!("follower").follows_from(&b);
    });
    assert_nested(&capture, &["child", "a"]);
    assert_nested(&capture, &["of b", "b"]);
    let root = capture.span("root");
    assert_eq!(root.parent, None);
    assert_ne!(root.trace_id, capture.span("a").trace_id);
    let links = capture.span("follower").links;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].span_id, capture.span("b").span_id);
}

#[test]
fn a_remote_parent_can_be_set_before_the_span_is_entered() {
    let capture = recorded(|| {
        let span = info_span!("request", kept = 1);
        assert!(trackside::set_parent(&span, caller()));
        let id = trackside::context_of(&span).span_id();
        span.in_scope(|| assert_eq!(telemetry::Parent::current().span_id(), id));
        assert!(!trackside::set_parent(&span, Parent::root()), "it was entered");
        let parent = info_span!("parent");
        drop(info_span!(parent: &parent, "child"));
        assert!(!trackside::set_parent(&parent, caller()), "it has a child");
        let _in = parent.enter();
        let root = info_span!("made root");
        assert!(trackside::set_parent(&root, Parent::root()));
        assert!(!trackside::set_parent(&tracing::Span::none(), caller()));
    });
    let request = capture.span("request");
    assert!(request.parent_is_remote);
    assert_eq!(format!("{:?}", request.parent), format!("{:?}", caller().span_id()));
    assert_eq!(Some(request.trace_id), caller().trace_id());
    assert_eq!(request.attribute("kept"), Some(&1.into()));
    assert_nested(&capture, &["child", "parent"]);
    assert_eq!(capture.span("made root").parent, None);
}

#[test]
fn a_span_on_two_threads_is_one_span() {
    let capture = recorded(|| {
        let dispatch = dispatcher::get_default(Dispatch::clone);
        let span = info_span!("shared", late = tracing::field::Empty);
        let here = span.enter();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                dispatcher::with_default(&dispatch, || {
                    let _there = span.enter();
                    span.record("late", "written there");
                    drop(info_span!("there"));
                    drop(telemetry::span("ours"));
                });
            });
        });
        telemetry::current().set("here", true);
        drop(here);
        span.in_scope(|| drop(info_span!("again")));
    });
    for name in ["there", "ours", "again"] {
        assert_nested(&capture, &[name, "shared"]);
    }
    let shared = capture.span("shared");
    assert_eq!(shared.attribute("late"), Some(&"written there".into()));
    assert_eq!(shared.attribute("here"), Some(&true.into()));
}

#[test]
fn a_span_may_close_on_another_thread_and_guards_in_any_order() {
    let capture = recorded(|| {
        let (a, b) = (info_span!("a"), info_span!("b"));
        let in_a = a.enter();
        let in_b = b.enter();
        let again = b.enter();
        drop(in_a);
        drop(in_b);
        drop(info_span!("inner"));
        drop(again);
        assert!(telemetry::current().trace_id().is_none());
        std::thread::spawn(move || drop((a, b))).join().unwrap();
    });
    assert_nested(&capture, &["inner", "b"]);
    assert_eq!(capture.span("a").parent, None);
    assert_eq!(capture.spans().len(), 3);
}

/// The ids of both are the same numbers.
#[test]
fn spans_of_two_registries_are_not_mistaken_for_each_other() {
    let capture = recorded(|| {
        let other = Dispatch::new(tracing_subscriber::registry().with(trackside::layer()));
        let first = info_span!("first", late = tracing::field::Empty);
        let second = dispatcher::with_default(&other, || {
            let second = info_span!("second", late = tracing::field::Empty);
            assert_eq!(first.id(), second.id());
            second
        });
        for round in 0..3 {
            let _in_first = first.enter();
            dispatcher::with_default(&other, || {
                second.in_scope(|| drop(telemetry::span("inner")));
                second.record("late", round);
            });
            first.record("late", -round);
        }
        drop(other);
    });
    let second = capture.span("second");
    assert_eq!(capture.span("first").attribute("late"), Some(&(-2_i64).into()));
    assert_eq!(second.attribute("late"), Some(&2_i64.into()));
    let inner: Vec<_> = capture.spans().into_iter().filter(|span| span.name == "inner").collect();
    assert_eq!(inner.len(), 3);
    assert!(inner.iter().all(|span| span.parent == Some(second.span_id)));
}

#[test]
fn two_layers_of_one_registry_record_a_span_once() {
    let capture = Capture::start();
    let both = tracing_subscriber::registry().with(trackside::layer()).with(trackside::layer());
    with_default(both, || {
        let outer = info_span!("outer", late = tracing::field::Empty);
        outer.in_scope(|| info_span!("inner").in_scope(|| drop(telemetry::span("ours"))));
        outer.in_scope(|| outer.record("late", 1));
    });
    assert_eq!(capture.spans().len(), 3);
    assert_nested(&capture, &["ours", "inner", "outer"]);
    assert_eq!(capture.span("outer").attribute("late"), Some(&1.into()));
}

#[test]
fn no_span_of_a_layer_that_is_replaced_is_lost() {
    let capture = Capture::start();
    let (layer, handle) = tracing_subscriber::reload::Layer::new(trackside::layer());
    with_default(tracing_subscriber::registry().with(layer), || {
        let before = info_span!("before", x = 1);
        before.in_scope(|| ());
        handle.reload(trackside::layer()).unwrap();
        before.in_scope(|| info_span!("after").in_scope(|| ()));
    });
    assert_eq!(capture.span("before").attribute("x"), Some(&1.into()));
    assert_eq!(capture.spans().len(), 2, "each once");
}

#[test]
fn more_spans_are_open_than_have_a_place_of_their_own() {
    let count = 3_000_i64;
    let capture = recorded(|| {
        let spans: Vec<_> = (0..count)
            .map(|number| info_span!("one", number, again = tracing::field::Empty))
            .collect();
        // Each is entered and left, here and elsewhere, while all others are open.
        spans.iter().for_each(|span| span.in_scope(|| ()));
        let dispatch = dispatcher::get_default(Dispatch::clone);
        let elsewhere = std::thread::spawn(move || {
            dispatcher::with_default(&dispatch, || {
                for (number, span) in spans.iter().enumerate() {
                    span.in_scope(|| telemetry::current().set("entered", number as i64));
                    span.record("again", number as i64);
                }
                drop(spans);
            });
        });
        elsewhere.join().unwrap();
    });
    let spans = capture.spans();
    assert_eq!(spans.len(), count as usize);
    for span in &spans {
        let number = span.attribute("number");
        assert!(number.is_some());
        assert_eq!([span.attribute("again"), span.attribute("entered")], [number; 2]);
    }
}

#[test]
fn what_comes_after_the_end_is_ignored() {
    let capture = recorded(|| {
        let dispatch = dispatcher::get_default(Dispatch::clone);
        let span = info_span!("ended", x = tracing::field::Empty);
        let id = span.id().expect("the span is enabled");
        let metadata = span.metadata().expect("the span is enabled");
        drop(span);
        let field = metadata.fields().field("x").expect("it has this field");
        let value: [(&_, Option<&dyn tracing::Value>); 1] = [(&field, Some(&1))];
        dispatch.record(&id, &tracing::span::Record::new(&metadata.fields().value_set(&value)));
    });
    assert!(capture.span("ended").attributes.is_empty());
}

#[test]
fn a_span_starts_when_it_is_made() {
    use std::time::{Duration, SystemTime};
    let clock =
        trackside::testing::ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(9));
    let capture = Capture::builder().clock(&clock).start();
    with_default(tracing_subscriber::registry().with(trackside::layer()), || {
        let span = info_span!("x");
        clock.advance(Duration::from_millis(5));
        span.in_scope(|| clock.advance(Duration::from_millis(7)));
    });
    assert_eq!(capture.span("x").duration, Duration::from_millis(12));
}

#[test]
fn nothing_is_recorded_below_a_span_that_is_sampled_out() {
    let capture = Capture::builder().variable("OTEL_TRACES_SAMPLER", "always_off").start();
    with_default(tracing_subscriber::registry().with(trackside::layer()), || {
        info_span!("x", y = 1).in_scope(|| {
            assert!(telemetry::current().trace_id().is_some());
            drop(telemetry::span("inner"));
        });
    });
    let names: Vec<CapturedSpan> = capture.spans();
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn a_span_that_stays_entered_ends_with_the_poll_around_it() {
    let capture = recorded(|| {
        let span = info_span!("forgotten", x = tracing::field::Empty);
        let mut entered = None;
        let wrapper = telemetry::instrument(std::future::ready(()), "outer");
        let poll = async {
            entered = Some(span.enter());
            wrapper.await;
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(telemetry::instrument(poll, "poll"));
        assert!(telemetry::current().trace_id().is_none());
        drop(entered);
        span.record("x", 1);
        span.in_scope(|| drop(telemetry::span("later")));
    });
    assert_nested(&capture, &["outer", "forgotten"]);
    assert_nested(&capture, &["later", "forgotten"]);
    assert!(capture.span("forgotten").attributes.is_empty());
}
