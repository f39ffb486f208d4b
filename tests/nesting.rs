//! Wrappers and `tracing` spans made before they are polled; `matrix.rs` has every mix of what runs at once.

#![cfg(feature = "telemetry")]

use tracing::subscriber::with_default;
use tracing::{Instrument, info_span};
use tracing_subscriber::layer::SubscriberExt;
use trackside::telemetry;
use trackside::testing::Capture;

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
