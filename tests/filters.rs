//! Filters of logs, as hosts set them by `RUST_LOG`, and spans that stay whole beside them.

#![cfg(feature = "telemetry")]

mod support;

use support::layer::assert_nested;
use tracing::subscriber::with_default;
use tracing::{debug_span, info_span};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::{Identity, SubscriberExt};
use tracing_subscriber::{Layer as _, registry};
use trackside::telemetry::{self, Parent};
use trackside::testing::Capture;

/// Spans of two levels, and a log record of three, at each depth.
fn work() {
    let request = info_span!("request");
    assert!(trackside::set_parent(&request, Parent::root()), "the layer is found below a filter");
    let request = request.entered();
    tracing::info!("taken");
    let query = debug_span!("query", rows = 3).entered();
    tracing::warn!("slow");
    tracing::error!("broken");
    drop(telemetry::span("ours"));
    drop((query, request));
}

#[test]
fn a_log_filter_on_our_layer_takes_no_spans() {
    let capture = Capture::start();
    let logs = EnvFilter::new("warn").or(filter_fn(|of| of.is_span()));
    with_default(registry().with(trackside::layer().with_filter(logs)), work);
    assert_nested(&capture, &["ours", "query", "request"]);
    assert_eq!(capture.span("query").attributes, [("rows".to_owned(), 3.into())]);
    assert_eq!(capture.spans().len(), 3);
    let logs = capture.logs();
    let bodies: Vec<_> = logs.iter().map(|log| log.body.as_str()).collect();
    assert_eq!(bodies, ["slow", "broken"]);
    assert!(logs.iter().all(|log| log.span_id == Some(capture.span("query").span_id)));
}

#[test]
fn a_filter_by_target_is_for_logs_alone() {
    let capture = Capture::start();
    let logs = EnvFilter::new("warn,shop=debug,shop::noisy=off").or(filter_fn(|of| of.is_span()));
    with_default(registry().with(trackside::layer().with_filter(logs)), || {
        let _span = tracing::info_span!(target: "shop::noisy", "work").entered();
        tracing::debug!(target: "shop", "kept");
        tracing::error!(target: "shop::noisy", "not kept");
        tracing::info!("not kept");
    });
    assert_eq!((capture.spans().len(), capture.logs().len()), (1, 1));
    assert_eq!(capture.logs()[0].span_id, Some(capture.span("work").span_id));
}

#[test]
fn a_filter_of_another_layer_takes_nothing_from_ours() {
    let capture = Capture::start();
    let printed = Identity::new().with_filter(EnvFilter::new("warn"));
    with_default(registry().with(printed).with(trackside::layer()), work);
    assert_nested(&capture, &["ours", "query", "request"]);
    assert_eq!((capture.spans().len(), capture.logs().len()), (3, 3));

    let quiet = Identity::new().with_filter(LevelFilter::OFF);
    with_default(registry().with(quiet).with(trackside::layer()), work);
    assert_eq!((capture.spans().len(), capture.logs().len()), (6, 6));
}

/// What the manual warns of: such a filter is for spans, too.
#[test]
fn a_filter_of_the_registry_or_a_plain_one_of_ours_takes_spans() {
    let capture = Capture::start();
    with_default(registry().with(EnvFilter::new("warn")).with(trackside::layer()), || {
        drop(info_span!("request"));
        tracing::warn!("slow");
    });
    assert_eq!((capture.spans().len(), capture.logs().len()), (0, 1));

    let capture = Capture::start();
    let filter = Targets::new().with_target("shop", LevelFilter::WARN);
    with_default(registry().with(trackside::layer().with_filter(filter)), || {
        let outer = tracing::warn_span!(target: "shop", "outer").entered();
        let filtered = tracing::info_span!(target: "shop", "filtered").entered();
        drop(tracing::warn_span!(target: "shop", "inner"));
        drop((filtered, outer));
    });
    assert_nested(&capture, &["inner", "outer"]);
    assert_eq!(capture.spans().len(), 2, "what is left is still below one another");
}
