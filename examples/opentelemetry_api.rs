//! The idea: a library that is written against the OpenTelemetry API, and has never heard of this crate, needs nothing:
//! its spans and metrics are among ours. Its neighbour `sdk_exporter` is for hosts that keep the SDK as well.
//!
//! Run it: `cargo run --example opentelemetry_api --features telemetry`.

use std::time::Duration;

use trackside::telemetry::{self, Kind, TelemetryConfig};

/// The library. In a crate of its own the paths begin with `opentelemetry::`, and the version must be the same.
mod inventory {
    use trackside::otel::api::trace::{Status, TraceContextExt as _, Tracer as _};
    use trackside::otel::api::{KeyValue, global};

    /// Calls `read` for what is in stock, and says whether it is enough.
    pub(super) fn reserve(article: &'static str, count: u32, read: impl FnOnce() -> u32) -> bool {
        let meter = global::meter("inventory");
        let reservations = meter.u64_counter("inventory.reservations").build();
        global::tracer("inventory").in_span("reserve", |context| {
            let span = context.span();
            span.set_attribute(KeyValue::new("article", article));
            let enough = read() >= count;
            if !enough {
                span.add_event("sold out", vec![KeyValue::new("wanted", i64::from(count))]);
                span.set_status(Status::error("not enough in stock"));
            }
            reservations.add(1, &[KeyValue::new("enough", enough)]);
            enough
        })
    }
}

fn main() -> Result<(), telemetry::Error> {
    // `init` makes our providers the process's globals; the library takes its meter afterwards.
    let config = TelemetryConfig::default().or_console().with_service_name("opentelemetry_api");
    let telemetry = telemetry::init(config)?;

    for (article, count) in [("lamp", 2), ("chair", 40)] {
        let _order = telemetry::span("order").with_kind(Kind::Server);
        // The library's span is below ours, and a span of ours that it calls for is below its own.
        let enough = inventory::reserve(article, count, || {
            let _query = telemetry::span("db.query").with_kind(Kind::Client);
            12
        });
        telemetry::current().set("accepted", enough);
    }

    telemetry.shutdown(Duration::from_secs(5))
}
