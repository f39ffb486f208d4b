//! The idea: a counter, a histogram, a gauge that is read when metrics are collected, and those that calls make by themselves.
//! Its neighbour `logs` does the same for log records.
//!
//! Run it: `cargo run --example metrics --features telemetry`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use trackside::telemetry::rpc::{self, Call, Direction};
use trackside::telemetry::{self, Counter, Gauge, Histogram, TelemetryConfig};

// Handles may be older than `init`; until then a measurement is one atomic load.
static ORDERS: Counter = telemetry::counter("shop.orders").with_unit("{order}");
static WEIGHT: Histogram = telemetry::histogram("shop.parcel.weight")
    .with_unit("kg")
    .with_boundaries(&[0.5, 1.0, 2.0, 5.0, 10.0, 20.0]);
static QUEUE: Gauge = telemetry::gauge("shop.queue.length").with_description("Orders that wait.");

static WAITING: AtomicU32 = AtomicU32::new(0);

#[tokio::main]
async fn main() -> Result<(), telemetry::Error> {
    let config = TelemetryConfig::default().or_console().with_service_name("metrics");
    let telemetry = telemetry::init(config.with_traces(false))?;

    // Nobody sets it: the closure is asked at each collection, so it must be brief.
    QUEUE.observe(|| WAITING.load(Ordering::Relaxed).into());
    // Attributes that do not change are resolved once. Keep their values few: each one is a series.
    let by_mail = ORDERS.bind(&[("channel", "mail".into())]);

    let _session = rpc::session();
    for grams in [300_u32, 900, 1_400, 7_000, 26_000] {
        by_mail.add(1, &[]);
        ORDERS.add(1, &[("channel", "web".into()), ("express", (grams < 1_000).into())]);
        WEIGHT.record(f64::from(grams) / 1_000.0, &[]);
        WAITING.fetch_add(1, Ordering::Relaxed);
        rpc::payload(Direction::In, 120);
        // Requests, errors by kind and durations are measured by the wrappers, with traces off too.
        let call = Call::method("ship").cls_id("Parcel");
        let shipped = rpc::server(call, rpc::handler(ship(grams))).error_kind(|_| "too_heavy");
        if shipped.await.is_ok() {
            WAITING.fetch_sub(1, Ordering::Relaxed);
        }
    }

    // Metrics are collected every minute, and once more here.
    telemetry.shutdown_async(Duration::from_secs(5)).await
}

async fn ship(grams: u32) -> Result<(), String> {
    let _timer = rpc::storage("put");
    if grams > 20_000 { Err(format!("{grams} g are too many")) } else { Ok(()) }
}
