//! What a wrapper adds to the future that it holds: futures are moved, and nest.

#![cfg(feature = "telemetry")]

use std::mem::size_of_val;

use trackside::telemetry::{self, Kind};

#[test]
fn wrappers_stay_small() {
    let work = || async {
        let kept = std::hint::black_box([0_u64; 4]);
        std::future::ready(()).await;
        kept[0]
    };
    let bare = size_of_val(&work());
    let instrumented = telemetry::instrument(work(), "work").with_kind(Kind::Client);
    // The span's place.
    assert_eq!(size_of_val(&instrumented), bare + 8);
    // What reads the output takes its own room only.
    let failing = || async { Err::<(), _>("refused") };
    let refused = telemetry::instrument(failing(), "work").errors();
    assert_eq!(size_of_val(&refused), size_of_val(&telemetry::instrument(failing(), "work")));
    let read = telemetry::instrument(work(), "work").on_output(|output, span| {
        span.set("output", *output as i64);
    });
    assert_eq!(size_of_val(&read), bare + 16);
    assert_eq!(size_of_val(&telemetry::in_context(work())), bare + 8);
    let nested = telemetry::instrument(telemetry::instrument(work(), "inner"), "outer");
    assert_eq!(size_of_val(&nested), bare + 16);
}
