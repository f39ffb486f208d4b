//! What the crate has to say reaches the host's logger, whatever that does with it.

#![cfg(feature = "telemetry")]

mod support;

use std::sync::atomic::{AtomicU32, Ordering};

use support::collector::{Collector, Step};
use support::{SOON, assert_conserved, record, serial, start};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use trackside::telemetry;

static HEARD: AtomicU32 = AtomicU32::new(0);

/// A logger that cannot bear bad news.
struct Panics;

impl Subscriber for Panics {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "trackside" && *metadata.level() <= tracing::Level::WARN
    }

    fn event(&self, _: &Event<'_>) {
        HEARD.fetch_add(1, Ordering::SeqCst);
        // Also on the thread that calls `init`: what is made of a diagnostic is no telemetry.
        drop(telemetry::span("of the logger"));
        panic!("the logger of the host");
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn a_logger_that_panics_stops_nothing() {
    let _turn = serial();
    tracing::subscriber::set_global_default(Panics).expect("the only test here that sets one");
    let collector = Collector::start();
    collector.script(vec![Step::status(503), Step::status(400)]);
    // The first line is said by `init`, the others by the crate's own thread.
    let telemetry = start(&collector.url(), &[("OTEL_NO_SUCH_THING", "1")]);
    record("refused", 1);
    telemetry.force_flush(SOON).unwrap();
    record("item", 1);
    telemetry.shutdown(SOON).unwrap();
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.delivered, traces.rejected), (1, 1));
    assert_eq!(telemetry.status().diagnostics.len(), 3);
    assert_eq!(HEARD.load(Ordering::SeqCst), 3, "the logger heard each line");
}
