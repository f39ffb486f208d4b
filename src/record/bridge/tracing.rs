//! The `tracing` layer.

use std::sync::atomic::{AtomicU64, Ordering};

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Span, Subscriber};
use tracing_subscriber::layer::{self, Context};
use tracing_subscriber::registry::{LookupSpan, Registry, SpanRef};

use crate::context::Parent;

use super::super::local::Local;
use super::super::log::LogLimits;
use super::super::open::{Mark, Open};
use super::super::{gate, local};
use super::events::{self, Of};
use super::visit::SpanFields;
use super::{entries, held, is_own, parked};

/// What becomes of `tracing` events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogsAs {
    /// Log records, with the trace and span of the moment.
    #[default]
    Records,
    /// Events of the span they happen in; outside of a span they are dropped.
    SpanEvents,
    /// Both.
    Both,
}

impl LogsAs {
    const fn are_records(self) -> bool {
        !matches!(self, Self::SpanEvents)
    }

    const fn are_span_events(self) -> bool {
        !matches!(self, Self::Records)
    }
}

/// Brings `tracing` spans and events into this crate's records; made by [`layer()`].
#[derive(Debug, Default)]
pub struct Layer {
    logs_as: LogsAs,
    number: Number,
}

/// Tells the ids of a registry from those of others; 0 until the layer is in one.
#[derive(Debug, Default)]
struct Number(u64);

impl Drop for Number {
    fn drop(&mut self) {
        if self.0 != 0 {
            parked::forget(self.0);
        }
    }
}

impl Clone for Layer {
    /// The clone goes into another registry.
    fn clone(&self) -> Self {
        Self { logs_as: self.logs_as, number: Number::default() }
    }
}

static NUMBERS: AtomicU64 = AtomicU64::new(STEP);

/// The same id of two registries is to have two places.
const STEP: u64 = 61;

/// A layer that records `tracing` spans, and events as log records.
///
/// It goes into any registry, before or after `init`, and does nothing until then. A `tracing` span is
/// below whatever span of this thread is current when it is made, and the other way round. Give each
/// layer its own filter (`with_filter`): a filter of the whole registry removes spans for all of them.
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt;
/// use trackside::{telemetry, testing::Capture};
///
/// let capture = Capture::start();
/// let subscriber = tracing_subscriber::registry().with(trackside::layer());
/// tracing::subscriber::with_default(subscriber, || {
///     let _request = tracing::info_span!("request", otel.kind = "server").entered();
///     drop(telemetry::span("load"));
/// });
/// assert_eq!(capture.span("load").parent, Some(capture.span("request").span_id));
/// ```
#[must_use]
pub fn layer() -> Layer {
    Layer::default()
}

impl Layer {
    /// What becomes of events; log records where not given.
    #[must_use]
    pub const fn with_logs_as(mut self, logs_as: LogsAs) -> Self {
        self.logs_as = logs_as;
        self
    }

    /// Names one of its registry's spans.
    #[inline]
    fn mark(&self, id: &Id) -> Mark {
        Mark { layer: self.number.0, id: id.into_u64() }
    }

    #[inline(never)]
    fn start_below<S>(
        &self,
        attributes: &Attributes<'_>,
        registry: &Context<'_, S>,
    ) -> Option<Box<Open>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if is_idle() {
            return None;
        }
        let parent = attributes.parent().and_then(|parent| self.context_in(registry, parent));
        local::start_below(attributes.metadata().name(), parent.unwrap_or_default())
    }

    fn context_in<S>(&self, registry: &Context<'_, S>, id: &Id) -> Option<Parent>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        registry.span(id).and_then(|span| held::context(self.mark(id), &span))
    }
}

/// Gives a `tracing` span another parent, such as one that came with a request; call it right after the span was made.
///
/// Sampling is decided anew (what a span that was sampled out was given before is lost), and
/// [`Parent::root`] makes it a root. False where nothing was done: the span was entered
/// before or has children, it is disabled, or [`layer()`] is not in its subscriber.
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt;
/// use trackside::{telemetry, testing::Capture};
///
/// let capture = Capture::start();
/// let subscriber = tracing_subscriber::registry().with(trackside::layer());
/// let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// # let headers = std::collections::HashMap::from([("traceparent", caller)]);
/// tracing::subscriber::with_default(subscriber, || {
///     let span = tracing::info_span!("request");
///     trackside::set_parent(&span, telemetry::extract(|name| headers.get(name).copied()));
///     span.in_scope(|| { /* the work */ });
/// });
/// assert!(capture.span("request").parent_is_remote);
/// ```
pub fn set_parent(span: &Span, parent: Parent) -> bool {
    with(span, |mark, span| held::hang_below(mark, &span, parent)).unwrap_or(false)
}

/// A `tracing` span as the parent of others; the root where the span is not recorded here.
///
/// From then on its own parent is fixed.
#[must_use]
pub fn context_of(span: &Span) -> Parent {
    with(span, |mark, span| held::context(mark, &span)).flatten().unwrap_or_default()
}

fn with<R>(span: &Span, run: impl FnOnce(Mark, SpanRef<'_, Registry>) -> R) -> Option<R> {
    span.with_subscriber(|(id, dispatch)| {
        let mark = dispatch.downcast_ref::<Layer>()?.mark(id);
        let registry = dispatch.downcast_ref::<Registry>()?;
        registry.span(id).map(|span| run(mark, span))
    })
    .flatten()
}

/// Nothing is on, or this is one of our own threads.
fn is_idle() -> bool {
    gate::read() == 0 || local::is_suppressed()
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> layer::Layer<S> for Layer {
    fn on_layer(&mut self, inner: &mut S) {
        let inner: &dyn Subscriber = inner;
        // Another layer of the same registry has the same spans.
        let number = match inner.downcast_ref::<Self>() {
            Some(Self { number: Number(other @ 1..), .. }) => *other,
            _ => NUMBERS.fetch_add(STEP, Ordering::Relaxed),
        };
        self.number = Number(number);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, registry: Context<'_, S>) {
        let metadata = attributes.metadata();
        if gate::read() == 0 || is_own(metadata.target()) {
            return;
        }
        let started = match attributes.is_contextual() {
            true => local::start(metadata.name()),
            false => self.start_below(attributes, &registry),
        };
        let Some(mut open) = started else {
            return;
        };
        open.start_clock();
        if open.is_recording() && !metadata.fields().is_empty() {
            let find = |local: &Local| local.places.find(local, metadata, LogLimits::NONE);
            let place = local::with(find);
            let keys = place.as_ref().map_or(&[][..], |place| &place.keys);
            attributes.record(&mut SpanFields { open: &mut open, keys });
        }
        held::keep(self.mark(id), open, || registry.span(id));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, registry: Context<'_, S>) {
        if let Some(span) = registry.span(id).filter(|_| !is_idle()) {
            held::write(self.mark(id), &span, |open| {
                values.record(&mut SpanFields { open, keys: &[] });
            });
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, registry: Context<'_, S>) {
        if is_idle() {
            return;
        }
        if let (Some(span), Some(to)) = (registry.span(id), self.context_in(&registry, follows)) {
            held::write(self.mark(id), &span, |open| open.link(&to));
        }
    }

    fn on_event(&self, event: &Event<'_>, registry: Context<'_, S>) {
        let metadata = event.metadata();
        if is_own(metadata.target()) {
            return;
        }
        // The current span's ids are those of its entry, wherever the span is.
        let is_plain = event.is_contextual() && *metadata.level() != Level::ERROR;
        if is_plain && self.logs_as == LogsAs::Records {
            return events::record(event, None);
        }
        if is_idle() {
            return;
        }
        let of = Of::find(event, &registry, |id| self.mark(id));
        if self.logs_as.are_records() {
            events::record(event, of.context().as_ref());
        }
        if self.logs_as.are_span_events() {
            of.write(|open| events::attach(event, open));
        }
        if *metadata.level() == Level::ERROR {
            of.fail(event);
        }
    }

    fn on_enter(&self, id: &Id, registry: Context<'_, S>) {
        if gate::read() != 0 {
            entries::enter(self.mark(id), || registry.span(id));
        }
    }

    fn on_exit(&self, id: &Id, registry: Context<'_, S>) {
        if gate::read() != 0 {
            entries::exit(self.mark(id), || registry.span(id));
        }
    }

    fn on_close(&self, id: Id, registry: Context<'_, S>) {
        if gate::read() != 0 {
            entries::close(self.mark(&id), || registry.span(&id));
        }
    }
}
