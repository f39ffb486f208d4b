//! The stock layer of `tracing-opentelemetry` over our tracer.

use std::sync::atomic::Ordering;

use ::tracing::Subscriber;
use opentelemetry::trace::TracerProvider as _;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

use crate::record::bridge::otel::{self, STOCK_LAYER};

pub use tracing_opentelemetry as tracing;

use super::{Tracer, tracer_provider};

/// The stock layer of `tracing-opentelemetry`, whose spans go into the current pipeline.
///
/// For hosts that need `OpenTelemetrySpanExt`, or this layer's options; [`layer`](crate::layer) is the
/// lighter one, and one registry takes one of the two: with both, each span is recorded twice. From now
/// on our own spans are attached as OpenTelemetry's `Context` ([`OtelContext::Auto`](crate::telemetry::OtelContext)).
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt;
/// use trackside::otel::{self, tracing::OpenTelemetrySpanExt};
/// use trackside::{telemetry, testing::Capture};
///
/// let capture = Capture::start();
/// let subscriber = tracing_subscriber::registry().with(otel::layer());
/// tracing::subscriber::with_default(subscriber, || {
///     let request = tracing::info_span!("request").entered();
///     request.set_attribute("peer", "shop-2");
///     drop(telemetry::span("load"));
/// });
/// assert_eq!(capture.span("request").attribute("peer"), Some(&"shop-2".into()));
/// assert_eq!(capture.span("load").parent, Some(capture.span("request").span_id));
/// ```
#[must_use]
pub fn layer<S>() -> OpenTelemetryLayer<S, Tracer>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    STOCK_LAYER.store(true, Ordering::Relaxed);
    otel::settle();
    OpenTelemetryLayer::new(tracer_provider().tracer(""))
}
