//! What the integration tests share.
#![allow(dead_code, reason = "each test program uses a part of it")]

#[cfg(feature = "tls")]
pub(crate) mod certificates;
pub(crate) mod collector;
#[cfg(feature = "grpc")]
pub(crate) mod grpc;
pub(crate) mod layer;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod proxy;
#[cfg(feature = "receive")]
pub(crate) mod receiver;
pub(crate) mod relay;
pub(crate) mod sdk;
#[cfg(all(feature = "tls", feature = "receive"))]
pub(crate) mod terminator;

use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use trackside::telemetry::{self, Signal, Telemetry, TelemetryConfig};
use trackside::testing;

/// Longer than anything here takes, short enough to notice a hang.
pub(crate) const SOON: Duration = Duration::from_secs(20);

static SERIAL: Mutex<()> = Mutex::new(());

/// `init` is for the whole process, so tests that call it take turns.
pub(crate) fn serial() -> MutexGuard<'static, ()> {
    SERIAL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A configuration with these variables and no others.
pub(crate) fn config(variables: &[(&str, &str)]) -> TelemetryConfig {
    testing::with_variables(TelemetryConfig::default(), variables)
}

/// Telemetry that sends spans to `url`, with schedules that no test waits for, and these variables.
pub(crate) fn start(url: &str, variables: &[(&str, &str)]) -> Telemetry {
    let mut all = variables.to_vec();
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "600000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "600000"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ] {
        if !variables.iter().any(|(given, _)| *given == name) {
            all.push((name, value));
        }
    }
    telemetry::init(config(&all)).expect("the configuration is good")
}

/// Law 4 for each signal, to be called at a quiet moment; gives back the traces' counts.
#[track_caller]
pub(crate) fn assert_conserved(telemetry: &Telemetry) -> Signal {
    let status = telemetry.status();
    for signal in [&status.traces, &status.metrics, &status.logs] {
        let known = signal.delivered
            + signal.rejected
            + signal.unconfirmed
            + signal.dropped.total()
            + signal.waiting
            + signal.on_disk;
        assert_eq!(signal.recorded, known, "{signal:#?}");
    }
    status.traces
}

/// Polls a future until it is ready; what needs no runtime needs no more.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// Ends `count` spans named `name`.
pub(crate) fn record(name: &'static str, count: usize) {
    for number in 0..count {
        drop(telemetry::span(name).with(|span| {
            span.set("number", number);
        }));
    }
}

/// Waits, within `SOON`, until a condition holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let end = std::time::Instant::now() + SOON;
    while !holds() {
        assert!(std::time::Instant::now() < end, "{what} did not happen within {SOON:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
