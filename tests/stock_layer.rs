//! The stock layer of `tracing-opentelemetry` over our tracer.

#![cfg(all(feature = "telemetry", feature = "tracing-opentelemetry"))]

use tracing::subscriber::with_default;
use tracing::{Subscriber, error, info, info_span};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;
use trackside::otel::api::KeyValue;
use trackside::otel::api::trace::{Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use trackside::otel::tracing::OpenTelemetrySpanExt as _;
use trackside::otel::{self, api::Context};
use trackside::telemetry::{self, Kind, Parent};
use trackside::testing::{Capture, CapturedStatus};

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn stock() -> impl Subscriber + Send + Sync {
    registry().with(otel::layer())
}

fn recorded(run: impl FnOnce()) -> Capture {
    let capture = Capture::start();
    with_default(stock(), run);
    capture
}

#[test]
fn the_extension_of_spans_works() {
    let capture = recorded(|| {
        let headers = std::collections::HashMap::from([("traceparent".to_owned(), CALLER.into())]);
        use trackside::otel::api::propagation::TextMapPropagator as _;
        let caller = otel::propagator().extract_with_context(&Context::new(), &headers);
        let other = info_span!("other");
        let span = info_span!("request", otel.kind = "server", items = 3);
        span.set_parent(caller).expect("it has not begun");
        span.set_attribute("before", true);
        span.in_scope(|| {
            span.set_attribute("within", 1.5);
            span.add_link(other.context().span().span_context().clone());
            span.add_event("hit", vec![KeyValue::new("of", "event")]);
            telemetry::current().set("ours", "too");
            drop(telemetry::span("below"));
        });
        span.set_status(Status::error("it broke"));
        let context = span.context();
        assert_eq!(context.span().span_context().trace_id().to_string(), CALLER[3..35]);
    });
    let (request, below) = (capture.span("request"), capture.span("below"));
    assert_eq!(request.parent.map(|id| id.to_string()).as_deref(), Some(&CALLER[36..52]));
    assert!(request.parent_is_remote);
    assert_eq!(request.kind, Kind::Server);
    assert_eq!(request.attribute("items"), Some(&3_i64.into()));
    assert_eq!(request.attribute("before"), Some(&true.into()));
    assert_eq!(request.attribute("within"), Some(&1.5.into()));
    assert_eq!(request.attribute("ours"), Some(&"too".into()));
    assert_eq!(request.links[0].span_id, capture.span("other").span_id);
    assert_eq!(request.events[0].name, "hit");
    assert_eq!(request.status, CapturedStatus::Error("it broke".to_owned()));
    assert_eq!((below.parent, below.trace_id), (Some(request.span_id), request.trace_id));
}

#[test]
fn its_parents_are_those_that_tracing_names() {
    let capture = recorded(|| {
        let outer = telemetry::span("ours");
        let first = info_span!("first");
        drop(info_span!(parent: None, "root"));
        drop(info_span!(parent: &first, "given"));
        let second = first.in_scope(|| info_span!("second"));
        drop(outer);
        // Decided when it was made, wherever it begins.
        std::thread::spawn(move || drop(second.entered())).join().expect("no panic");
        let _given = telemetry::span("parentless").with_parent(Parent::root());
        drop(info_span!("below parentless").entered());
    });
    let parent = |name| capture.span(name).parent;
    let id = |name| Some(capture.span(name).span_id);
    assert_eq!(parent("first"), id("ours"));
    assert_eq!(parent("root"), None);
    assert_eq!(parent("given"), id("first"));
    assert_eq!(parent("second"), id("first"));
    assert_eq!(parent("parentless"), None);
    assert_eq!(parent("below parentless"), id("parentless"));
}

#[test]
fn our_current_span_is_the_contexts() {
    let capture = recorded(|| {
        let guard = telemetry::span("ours");
        let context = Context::current();
        let span = context.span();
        assert!(span.is_recording());
        let ours = telemetry::current().span_id().expect("a span is current");
        assert_eq!(span.span_context().span_id().to_string(), ours.to_string());
        span.set_attribute(KeyValue::new("by", "api"));
        span.add_event("hit", vec![KeyValue::new("of", "event")]);
        span.add_link(Context::new().span().span_context().clone(), Vec::new());
        span.update_name("renamed");
        span.set_status(Status::error("it broke"));
        // Its guard ends it.
        span.end();
        telemetry::current().set("after", true);
        // A clone is attached again, within another span: the entered last.
        let within = telemetry::span("within");
        let again = context.clone().attach();
        telemetry::current().set("again", 1_i64);
        drop(telemetry::span("below again"));
        drop((again, within));
        let there = context.clone();
        std::thread::spawn(move || {
            assert!(!there.span().is_recording(), "it is not entered on this thread");
            there.span().set_attribute(KeyValue::new("lost", true));
        })
        .join()
        .expect("no panic");
        drop(guard);
        assert!(!context.span().is_recording(), "it has ended");
        assert!(!Context::current().span().span_context().is_valid());
    });
    let ours = capture.span("renamed");
    assert_eq!(ours.attribute("by"), Some(&"api".into()));
    assert_eq!(ours.attribute("after"), Some(&true.into()));
    assert_eq!(ours.attribute("again"), Some(&1_i64.into()));
    assert_eq!(ours.attribute("lost"), None);
    assert_eq!((ours.events.len(), ours.links.len()), (1, 0));
    assert_eq!(ours.status, CapturedStatus::Error("it broke".to_owned()));
    assert_eq!(capture.span("below again").parent, Some(ours.span_id));
}

#[test]
fn guards_leave_in_any_order_and_may_be_forgotten() {
    let current = || Context::current().span().span_context().span_id().to_string();
    let ours = || telemetry::current().span_id().expect("a span is current").to_string();
    let capture = recorded(|| {
        let (first, second) = (telemetry::span("first"), telemetry::span("second"));
        drop(first);
        assert_eq!(current(), ours());
        drop(second);
        assert!(!Context::current().span().span_context().is_valid());
        let mut future = Box::pin(telemetry::instrument(
            async { std::mem::forget(telemetry::span("forgotten")) },
            "polled",
        ));
        let mut task = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(future.as_mut().poll(&mut task).is_ready());
        assert!(!Context::current().span().span_context().is_valid());
    });
    assert_eq!(capture.span("forgotten").parent, Some(capture.span("polled").span_id));
    // A thread that ends with a span on its stack.
    let thread = std::thread::spawn(|| {
        let capture = Capture::start();
        std::mem::forget(telemetry::span("left"));
        assert!(Context::current().span().is_recording());
        drop(capture);
    });
    thread.join().expect("the thread ends well");
}

#[test]
fn baggage_of_ours_is_in_the_context() {
    use trackside::otel::api::baggage::BaggageExt as _;
    let _capture = recorded(|| {
        let theirs = Context::new().with_baggage([KeyValue::new("user", "ann")]).attach();
        let parent = Parent::root().with_baggage("tenant", "acme");
        let _guard = telemetry::span("ours").with_parent(parent);
        let there = info_span!("there").context();
        for (key, value) in [("tenant", "acme"), ("user", "ann")] {
            assert_eq!(there.baggage().get(key).map(|value| value.as_str()), Some(value));
        }
        drop((_guard, theirs));
    });
}

#[test]
fn events_are_span_events_and_an_error_fails_the_span() {
    let capture = recorded(|| {
        let _span = info_span!("work").entered();
        info!(rows = 3, "loaded");
        error!("it broke");
    });
    let work = capture.span("work");
    assert_eq!(
        work.events.iter().map(|event| &*event.name).collect::<Vec<_>>(),
        ["loaded", "it broke"]
    );
    assert_eq!(work.status, CapturedStatus::Error(String::new()));
    assert!(capture.logs().is_empty(), "log records are our layer's, or an appender's");
}

#[test]
fn a_tracer_of_the_hosts_choice_names_the_scope() {
    let capture = Capture::start();
    let layer = otel::layer().with_tracer(otel::tracer_provider().tracer("shop"));
    with_default(registry().with(layer), || drop(info_span!("work")));
    assert_eq!(capture.span("work").scope, "shop");
}

/// What the manual says of both layers in one registry.
#[test]
fn with_both_layers_in_one_registry_each_span_is_recorded_twice() {
    let capture = Capture::start();
    with_default(registry().with(trackside::layer()).with(otel::layer()), || {
        let _outer = info_span!("outer").entered();
        drop(info_span!("inner").entered());
    });
    let count = |name| capture.spans().iter().filter(|span| span.name == name).count();
    assert_eq!((count("outer"), count("inner")), (2, 2));
}

#[test]
fn an_api_span_and_a_stock_span_meet() {
    let capture = recorded(|| {
        otel::tracer_provider().tracer("api").in_span("outer", |_| {
            let _middle = info_span!("middle").entered();
            otel::tracer_provider().tracer("api").in_span("inner", |_| ());
        });
    });
    assert_eq!(capture.span("middle").parent, Some(capture.span("outer").span_id));
    assert_eq!(capture.span("inner").parent, Some(capture.span("middle").span_id));
}
