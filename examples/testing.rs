//! The idea: a host tests what it records. A capture keeps spans and log records in memory, and time stands still;
//! no `init`, no thread, nothing is sent. Its neighbours show the same calls at work: `quickstart`, `logs`.
//!
//! Run it: `cargo run --example testing --features telemetry`; it prints nothing, it asserts.

use std::time::{Duration, SystemTime};

use trackside::telemetry;
use trackside::testing::{Capture, CapturedStatus, ManualClock};

/// The code under test.
fn checkout(items: u32, wait: impl FnOnce()) -> Result<u32, &'static str> {
    let _span = telemetry::span("checkout").with(|span| {
        span.set("items", items);
    });
    wait();
    if items == 0 {
        telemetry::forward_log(30, "an empty cart", "shop", 20, "main", &[]);
        telemetry::current().with(|span| {
            span.error("empty_cart", &"nothing to pay");
        });
        return Err("nothing to pay");
    }
    Ok(items * 6)
}

fn main() {
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000));
    // A capture belongs to this thread and to what its context is carried to: tests may run in parallel.
    let capture = Capture::builder().clock(&clock).start();

    assert_eq!(checkout(3, || clock.advance(Duration::from_millis(20))), Ok(18));
    let span = capture.span("checkout");
    assert_eq!(span.attribute("items"), Some(&3_i64.into()));
    assert_eq!((span.duration, span.status), (Duration::from_millis(20), CapturedStatus::Unset));
    assert!(capture.logs().is_empty());
    drop(capture);

    // A test that is about a limit gives its variable.
    let capture = Capture::builder().variable("OTEL_ATTRIBUTE_COUNT_LIMIT", "1").start();
    assert_eq!(checkout(0, || ()), Err("nothing to pay"));
    let (span, logs) = (capture.span("checkout"), capture.logs());
    assert_eq!(span.status, CapturedStatus::Error("nothing to pay".to_owned()));
    assert_eq!((span.attributes.len(), span.dropped_attributes), (1, 1));
    assert_eq!((logs[0].body.as_str(), logs[0].severity), ("an empty cart", 13));
    assert_eq!(logs[0].span_id, Some(span.span_id));
}
