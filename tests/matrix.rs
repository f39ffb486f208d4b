//! Every kind of span below every other kind, in every place: the parent is the one that was entered last.
//!
//! First without the stock layer of `tracing-opentelemetry`, then with it, when our spans are attached as
//! OpenTelemetry's `Context`.

#![cfg(all(feature = "telemetry", feature = "tracing-opentelemetry"))]

use std::collections::HashMap;
use std::future::Future;
use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};
use tracing::instrument::WithSubscriber;
use tracing::{Dispatch, Instrument, info_span};
use tracing_subscriber::layer::SubscriberExt;
use trackside::otel::api::Context;
use trackside::otel::api::propagation::TextMapPropagator as _;
use trackside::otel::api::trace::{
    FutureExt as _, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use trackside::otel::{self, Tracer};
use trackside::telemetry::rpc::{self, Call};
use trackside::telemetry::{self, Parent};
use trackside::testing::{Capture, CapturedSpan};

/// Two registries: with both layers in one, each span would be recorded twice.
static NATIVE: LazyLock<Dispatch> =
    LazyLock::new(|| tracing_subscriber::registry().with(trackside::layer()).into());
static STOCK: LazyLock<Dispatch> =
    LazyLock::new(|| tracing_subscriber::registry().with(otel::layer()).into());

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Instrument,
    Rpc,
    Guard,
    /// A `tracing` span by our layer, around a future.
    Native,
    /// The same, around code that does not await.
    NativeScope,
    Api,
    Stock,
}

/// The last one needs the stock layer.
const WAYS: [Way; 7] =
    [Way::Instrument, Way::Rpc, Way::Guard, Way::Native, Way::NativeScope, Way::Api, Way::Stock];

/// How the inner span gets to where it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Task,
    Spawned,
    Thread,
    Remote,
    RemoteByApi,
}

/// The last two only where the test is: no header says that a test captures.
const PLACES: [Place; 5] =
    [Place::Task, Place::Spawned, Place::Thread, Place::Remote, Place::RemoteByApi];

fn tracer() -> Tracer {
    otel::tracer_provider().tracer("")
}

/// Runs `inside` within a span of this kind, over several polls.
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
            call.await.expect("the call succeeds");
        }
        // A guard is not held across `.await`: what is made inside carries its context.
        Way::Guard => {
            let guard = telemetry::span(name);
            let future = telemetry::in_context(inside());
            drop(guard);
            future.await;
        }
        Way::Native => {
            let traced = async { later.instrument(info_span!("native", otel.name = name)).await };
            traced.with_subscriber(NATIVE.clone()).await;
        }
        Way::NativeScope => {
            let future = tracing::dispatcher::with_default(&NATIVE, || {
                let span = info_span!("scope", otel.name = name);
                span.in_scope(|| telemetry::in_context(inside()))
            });
            future.await;
        }
        Way::Api => later.with_context(Context::current_with_span(tracer().start(name))).await,
        Way::Stock => {
            let traced = async { later.instrument(info_span!("stock", otel.name = name)).await };
            traced.with_subscriber(STOCK.clone()).await;
        }
    }
}

async fn inner(way: Way, place: Place) {
    let work = within(way, "inner", || async {});
    match place {
        Place::Task => work.await,
        Place::Spawned => {
            let task = tokio::spawn(telemetry::in_context(work));
            task.await.expect("the task does not panic");
        }
        Place::Thread => {
            let run = telemetry::in_context_fn(move || {
                let runtime = Builder::new_current_thread().build().expect("a runtime");
                runtime.block_on(within(way, "inner", || async {}));
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
        Place::RemoteByApi => {
            let mut headers = HashMap::new();
            otel::propagator().inject(&mut headers);
            let parent = otel::propagator().extract_with_context(&Context::new(), &headers);
            let apart = telemetry::in_context(work.with_context(parent));
            // As in another process: neither ours nor a `Context` is there.
            apart.with_parent(Parent::root()).with_context(Context::new()).await;
        }
    }
}

fn find(capture: &Capture, name: &str, cell: &str) -> CapturedSpan {
    let spans = capture.spans();
    let is_it =
        |span: &&CapturedSpan| span.name == name || span.attribute("method") == Some(&name.into());
    let found: Vec<_> = spans.iter().filter(is_it).collect();
    assert_eq!(found.len(), 1, "{cell}: spans named {name} in {spans:?}");
    found[0].clone()
}

fn check(runtime: &Runtime, ways: &[Way], is_spawned: bool) {
    for outer_way in ways {
        for inner_way in ways {
            for place in PLACES.into_iter().take(if is_spawned { 3 } else { 5 }) {
                let capture = Capture::start();
                {
                    // Without a span a context does not know that it is captured.
                    let _guard = telemetry::span("root");
                    let (outer_way, inner_way) = (*outer_way, *inner_way);
                    let work = within(outer_way, "outer", move || inner(inner_way, place));
                    let work = telemetry::in_context(work);
                    if is_spawned {
                        runtime.block_on(runtime.spawn(work)).expect("no panic");
                    } else {
                        runtime.block_on(work);
                    }
                }
                let cell = format!("{inner_way:?} below {outer_way:?}, {place:?}");
                let [root, outer, inner] =
                    ["root", "outer", "inner"].map(|name| find(&capture, name, &cell));
                assert_eq!(inner.parent, Some(outer.span_id), "{cell}");
                assert_eq!(inner.trace_id, outer.trace_id, "{cell}");
                assert_eq!(outer.parent, Some(root.span_id), "{cell}");
                let is_remote = matches!(place, Place::Remote | Place::RemoteByApi);
                assert_eq!(inner.parent_is_remote, is_remote, "{cell}");
                assert_eq!(capture.spans().len(), 3, "{cell}");
                assert_eq!(telemetry::current().trace_id(), None, "{cell}");
                assert!(!Context::current().span().span_context().is_valid(), "{cell}");
            }
        }
    }
}

#[test]
fn every_cell_is_right() {
    let one = Builder::new_current_thread().build().expect("a runtime");
    let several = Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let without = &WAYS[..6];
    assert!(!without.contains(&Way::Stock));
    check(&one, without, false);
    check(&several, without, true);
    // Made: from here on our spans are attached.
    LazyLock::force(&STOCK);
    check(&one, &WAYS, false);
    check(&several, &WAYS, true);
}
