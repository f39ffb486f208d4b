//! The idea: a host that is instrumented with `tracing` gains one layer, and its spans and events are ours,
//! below and above the spans that this crate makes itself. Its neighbour `log` does it for the crate `log`.
//!
//! Run it: `cargo run --example tracing --features telemetry`.

use std::time::Duration;

use tracing::Instrument as _;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::{Registry, filter::LevelFilter};
use trackside::telemetry::{self, TelemetryConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Before `init`, which installs a subscriber of its own where there is none.
    // The filter is the layer's: one of the whole registry would be every layer's, a printing one's too.
    let layer = trackside::layer().with_filter(LevelFilter::DEBUG);
    tracing::subscriber::set_global_default(Registry::default().with(layer))?;
    let config = TelemetryConfig::default().or_console().with_service_name("tracing");
    let telemetry = telemetry::init(config)?;

    let headers = vec![(
        "traceparent".to_owned(),
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
    )];
    // `otel.name` and `otel.kind` become what they name.
    let request = tracing::info_span!("request", otel.name = "POST /orders", otel.kind = "server");
    // The caller's span is above it; this has to be said before the span is entered.
    trackside::set_parent(&request, telemetry::extract_from(&headers));
    order(7).instrument(request).await;

    telemetry.shutdown_async(Duration::from_secs(5)).await?;
    Ok(())
}

async fn order(items: u32) {
    // The façade writes on a span of `tracing` too: it is the current one.
    telemetry::current().set("items", items);
    // A span of ours below one of `tracing`, around a future that moves to another task.
    let price = tokio::spawn(telemetry::in_context(telemetry::instrument(price(items), "price")));
    let price = price.await.expect("the task does not panic");
    // An event is a log record, with the trace and span of the moment.
    tracing::info!(price, "an order came in");
}

async fn price(items: u32) -> u32 {
    let lookup = tracing::debug_span!("db.query", rows = tracing::field::Empty);
    let rows = lookup.in_scope(|| {
        tracing::warn!(age = 31, "the price list is old");
        3
    });
    lookup.record("rows", rows);
    items * 6
}
