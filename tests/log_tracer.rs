//! `tracing-log`'s `LogTracer` is the process's logger: records of `log` come by way of the layer.
//!
//! A process has one logger, so this is a program of its own; the other order is `log_logger.rs`.

#![cfg(feature = "telemetry")]

mod support;

use support::log::assert_each_arrives_once;
use tracing::subscriber::with_default;
use tracing_log::LogTracer;
use tracing_subscriber::layer::SubscriberExt;
use trackside::testing::Capture;

#[test]
fn records_come_through_the_layer_and_ours_stays_out() {
    LogTracer::init().expect("no other logger is here");
    assert!(trackside::Logger::install(log::LevelFilter::Trace).is_err(), "it was here first");
    let nowhere = Capture::start();
    log::warn!("nobody listens");
    assert!(nowhere.logs().is_empty(), "there is no layer yet");
    drop(nowhere);
    with_default(tracing_subscriber::registry().with(trackside::layer()), assert_each_arrives_once);
}
