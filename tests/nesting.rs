//! Which span is below which: `tracing` spans and ours in every mix, on tasks and threads.

#![cfg(feature = "telemetry")]

use std::future::Future;

use tracing::instrument::WithSubscriber;
use tracing::subscriber::with_default;
use tracing::{Instrument, info_span};
use tracing_subscriber::layer::SubscriberExt;
use trackside::telemetry::rpc::{self, Call};
use trackside::telemetry::{self, Parent};
use trackside::testing::Capture;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Instrument,
    Guard,
    Rpc,
    Tracing,
    Entered,
}

const WAYS: [Way; 5] = [Way::Instrument, Way::Guard, Way::Rpc, Way::Tracing, Way::Entered];

/// How the inner span gets to where it runs.
#[derive(Clone, Copy, Debug)]
enum Place {
    Task,
    Spawned,
    Thread,
    Remote,
}

/// The last one only where the test is: no header says that a test captures.
const PLACES: [Place; 4] = [Place::Task, Place::Spawned, Place::Thread, Place::Remote];

/// Runs `inside` within a span of this kind; the future is made within it, too.
async fn within<F: Future<Output = ()>>(
    way: Way,
    name: &'static str,
    inside: impl FnOnce() -> F + Copy,
) {
    let later = async {
        tokio::task::yield_now().await;
        inside().await;
        tokio::task::yield_now().await;
    };
    match way {
        Way::Instrument => telemetry::instrument(later, name).await,
        Way::Rpc => {
            let call = rpc::client(Call::method(name), async {
                later.await;
                Ok::<(), &str>(())
            });
            let _ = call.await;
        }
        Way::Tracing => later.instrument(info_span!("tracing", otel.name = name)).await,
        // A guard is not held across `.await`: what is made inside carries its context.
        Way::Guard => {
            let guard = telemetry::span(name);
            let future = telemetry::in_context(inside());
            drop(guard);
            future.await;
        }
        Way::Entered => {
            let span = info_span!("entered", otel.name = name);
            let future = span.in_scope(|| telemetry::in_context(inside()));
            future.await;
        }
    }
}

async fn inner(way: Way, place: Place) {
    let work = within(way, "inner", || async {});
    match place {
        Place::Task => work.await,
        Place::Spawned => {
            let task = tokio::spawn(telemetry::in_context(work).with_current_subscriber());
            task.await.expect("the task does not panic");
        }
        Place::Thread => {
            let dispatch = tracing::dispatcher::get_default(tracing::Dispatch::clone);
            let run = telemetry::in_context_fn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build();
                    runtime.expect("a runtime").block_on(within(way, "inner", || async {}));
                });
            });
            tokio::task::spawn_blocking(run).await.expect("the thread does not panic");
        }
        Place::Remote => {
            let mut headers = Vec::new();
            telemetry::inject_into(&mut headers);
            let parent = telemetry::extract_from(&headers);
            let apart = telemetry::in_context(work).with_parent(parent);
            telemetry::in_context(apart).with_parent(Parent::root()).await;
        }
    }
}

fn check(runtime: &tokio::runtime::Runtime, is_spawned: bool) {
    for outer_way in WAYS {
        for inner_way in WAYS {
            for place in PLACES.into_iter().take(if is_spawned { 3 } else { 4 }) {
                let capture = Capture::start();
                let subscriber = tracing_subscriber::registry().with(trackside::layer());
                with_default(subscriber, || {
                    // Without a span a context does not know that it is captured.
                    let _guard = telemetry::span("root");
                    let work = within(outer_way, "outer", move || inner(inner_way, place));
                    let work = telemetry::in_context(work).with_current_subscriber();
                    if is_spawned {
                        runtime.block_on(runtime.spawn(work)).expect("no panic");
                    } else {
                        runtime.block_on(work);
                    }
                });
                let find = |name: &str| {
                    let is_it = |span: &&trackside::testing::CapturedSpan| {
                        span.name == name || span.attribute("method") == Some(&name.into())
                    };
                    let spans = capture.spans();
                    spans
                        .iter()
                        .find(is_it)
                        .cloned()
                        .unwrap_or_else(|| panic!("no {name}: {spans:?}"))
                };
                let (outer, inner) = (find("outer"), find("inner"));
                let cell = format!("{inner_way:?} below {outer_way:?}, {place:?}");
                assert_eq!(inner.parent, Some(outer.span_id), "{cell}");
                assert_eq!(inner.trace_id, outer.trace_id, "{cell}");
                assert_eq!(outer.parent, Some(find("root").span_id), "{cell}");
                assert_eq!(inner.parent_is_remote, matches!(place, Place::Remote), "{cell}");
                assert!(telemetry::current().trace_id().is_none(), "{cell}");
            }
        }
    }
}

#[test]
fn every_mix_nests_on_one_thread() {
    check(&tokio::runtime::Builder::new_current_thread().build().unwrap(), false);
}

#[test]
fn every_mix_nests_with_work_stealing() {
    check(&tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap(), true);
}

#[test]
fn wrappers_nest_as_they_are_written() {
    let capture = Capture::start();
    with_default(tracing_subscriber::registry().with(trackside::layer()), || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let inner = async {}.instrument(info_span!("a"));
        runtime.block_on(telemetry::instrument(inner, "b"));
        // `tracing` spans among themselves: below what was current when they were made.
        let inner = async {}.instrument(info_span!("c"));
        runtime.block_on(inner.instrument(info_span!("d")));
        // Somebody has seen it as a root.
        let seen = info_span!("seen");
        drop(info_span!(parent: &seen, "child"));
        runtime.block_on(telemetry::instrument(async {}.instrument(seen), "e"));
    });
    let parent = |name| capture.span(name).parent;
    assert_eq!(parent("a"), Some(capture.span("b").span_id));
    assert_eq!(capture.span("a").trace_id, capture.span("b").trace_id);
    assert_eq!(parent("c"), None);
    assert_eq!(parent("child"), Some(capture.span("seen").span_id));
    assert_eq!(parent("seen"), None);
}
