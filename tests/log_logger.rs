//! Our `Logger` is the process's logger: `tracing-log`'s `LogTracer`, which comes later, adds nothing.
//!
//! A process has one logger, so this is a program of its own; the other order is `log_tracer.rs`.

#![cfg(feature = "telemetry")]

mod support;

use support::log::assert_each_arrives_once;
use tracing::subscriber::with_default;
use tracing_log::LogTracer;
use tracing_subscriber::layer::SubscriberExt;

#[test]
fn records_come_by_our_logger_with_a_layer_and_without_one() {
    trackside::Logger::install(log::LevelFilter::Info).expect("no other logger is here");
    assert!(LogTracer::init().is_err(), "ours was here first");
    assert_eq!(log::max_level(), log::LevelFilter::Info, "what came too late changes nothing");
    assert_each_arrives_once();
    with_default(tracing_subscriber::registry().with(trackside::layer()), assert_each_arrives_once);
}
