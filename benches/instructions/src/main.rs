//! `instructions OPERATION [time]`: warms up, then does it in `measured_batch`, which callgrind is told to collect; or
//! prints what else there is to count, or the time that a frame takes for each of its spans.

mod allocations;
mod frames;

use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tracing::Instrument as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use trackside::export::sdk::WithExporters as _;
use trackside::otel::sdk::error::OTelSdkResult;
use trackside::otel::sdk::logs::{LogBatch, LogExporter};
use trackside::otel::sdk::trace::{SpanData, SpanExporter};
use trackside::telemetry::rpc::{self, Call};
use trackside::telemetry::{self, Kind, TelemetryConfig};
use trackside::testing::with_variables;

/// As scripts/instructions has it: 4 batches of 256 are collected.
const BATCH: usize = 256;
const BATCHES: usize = 4;

fn main() {
    let operation = std::env::args().nth(1).unwrap_or_default();
    let timed = std::env::args().nth(2).is_some_and(|word| word == "time");
    if frames::run(&operation, timed) {
        return;
    }
    let call: fn(usize) = match operation.as_str() {
        "span" | "unsampled" | "not-started" => instrumented,
        "layer" => traced,
        "log" => logged,
        "rpc" | "rpc-spans" => served,
        _ => panic!("usage: instructions NAME, as benches/instructions/ceilings has them"),
    };
    let sampler = if operation == "unsampled" { "always_off" } else { "always_on" };
    let telemetry = (operation != "not-started").then(|| {
        let config = TelemetryConfig::default()
            .with_sampler(sampler, None)
            .set_globals(false)
            .with_metrics(operation != "rpc-spans")
            .with_span_exporter(Discard)
            .with_log_exporter(Discard);
        // A collection that nobody takes would be an error.
        let config = with_variables(config, &[("OTEL_METRICS_EXPORTER", "console")]);
        telemetry::init(config).expect("the arguments are right")
    });
    if matches!(operation.as_str(), "layer" | "log") {
        tracing_subscriber::registry().with(trackside::layer()).init();
    }
    let flush = || {
        if let Some(telemetry) = &telemetry {
            telemetry.force_flush(Duration::from_secs(10)).expect("nothing holds it up");
        }
    };
    for _ in 0..BATCHES {
        (0..BATCH).for_each(call);
        flush();
    }
    for _ in 0..BATCHES {
        measured_batch(&mut || (0..BATCH).for_each(call));
        flush();
    }
    // A count of work that was not done would be a lie.
    let operations = (2 * BATCHES * BATCH) as u64;
    let recorded = telemetry.as_ref().map_or(0, |telemetry| {
        let status = telemetry.status();
        assert_eq!(status.traces.dropped.total() + status.logs.dropped.total(), 0, "{status:?}");
        status.traces.recorded + status.logs.recorded
    });
    let expected = match operation.as_str() {
        "span" | "layer" => 2 * operations,
        "log" | "rpc" | "rpc-spans" => operations,
        _ => 0,
    };
    assert_eq!(recorded, expected);
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "Rust" fn measured_batch(work: &mut dyn FnMut()) {
    work();
}

#[inline(never)]
async fn leaf(x: u64) -> u64 {
    YieldOnce(false).await;
    black_box(x + 1)
}

/// A root span with four attributes and a child; each is polled twice.
#[inline(never)]
fn instrumented(index: usize) {
    let call = async move {
        telemetry::instrument(leaf(index as u64), "db.query").with_kind(Kind::Client).await + 1
    };
    drive(telemetry::instrument(call, "rpc").with_kind(Kind::Server).with(|span| {
        span.set("rpc.system", "grpc")
            .set("rpc.service", "acme.Orders")
            .set("net.peer", black_box("10.0.3.17:5041"))
            .set("rpc.size", index as i64);
    }));
}

/// The same by `tracing`.
#[inline(never)]
fn traced(index: usize) {
    let span = tracing::info_span!(
        "rpc",
        rpc.system = "grpc",
        rpc.service = "acme.Orders",
        net.peer = black_box("10.0.3.17:5041"),
        rpc.size = index as i64
    );
    let call =
        async move { leaf(index as u64).instrument(tracing::info_span!("db.query")).await + 1 };
    drive(call.instrument(span));
}

/// A call of one of eight methods, as `rivals` has it.
#[inline(never)]
fn served(index: usize) {
    const METHODS: [&str; 8] =
        ["Get", "List", "Create", "Update", "Delete", "Watch", "BatchGet", "Ping"];
    let call = Call::method(METHODS[index & 7]).cls_id("acme.Orders");
    let reply: Result<usize, String> = drive(rpc::server(call, async { Ok(index) }));
    let _ = black_box(reply);
}

#[inline(never)]
fn logged(index: usize) {
    tracing::info!(
        peer = black_box("10.0.3.17:5041"),
        status = 200_i64,
        bytes = index as u64,
        "request finished"
    );
}

fn drive<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

struct YieldOnce(bool);

impl Future for YieldOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[derive(Debug)]
struct Discard;

impl SpanExporter for Discard {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}

impl LogExporter for Discard {
    async fn export(&self, _: LogBatch<'_>) -> OTelSdkResult {
        Ok(())
    }
}
