//! The `tracing` layer.

use std::sync::atomic::{AtomicU64, Ordering};

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Span, Subscriber};
use tracing_subscriber::layer::{self, Context};
use tracing_subscriber::registry::{LookupSpan, Registry, SpanRef};

use crate::context::Parent;

use super::super::open::Mark;
use super::super::{gate, local};
use super::events::{self, Of};
use super::held::{self, Held};
use super::is_own;
use super::visit::SpanFields;

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
    /// Tells the ids of its registry from those of others; 0 until it is in one.
    number: u64,
}

impl Clone for Layer {
    /// The clone goes into another registry.
    fn clone(&self) -> Self {
        Self { logs_as: self.logs_as, number: 0 }
    }
}

static NUMBERS: AtomicU64 = AtomicU64::new(1);

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
        Mark { layer: self.number, id: id.into_u64() }
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
    with(span, |span| held::hang_below(&span, parent)).unwrap_or(false)
}

/// A `tracing` span as the parent of others; the root where the span is not recorded here.
///
/// From then on its own parent is fixed.
#[must_use]
pub fn context_of(span: &Span) -> Parent {
    with(span, |span| held::context(&span)).flatten().unwrap_or_default()
}

fn with<R>(span: &Span, run: impl FnOnce(SpanRef<'_, Registry>) -> R) -> Option<R> {
    span.with_subscriber(|(id, dispatch)| {
        dispatch.downcast_ref::<Layer>()?;
        let registry = dispatch.downcast_ref::<Registry>()?;
        registry.span(id).map(run)
    })
    .flatten()
}

/// Nothing is on, or this is one of our own threads.
fn is_idle() -> bool {
    gate::read() == 0 || local::is_suppressed()
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> layer::Layer<S> for Layer {
    fn on_layer(&mut self, _: &mut S) {
        self.number = NUMBERS.fetch_add(1, Ordering::Relaxed);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, registry: Context<'_, S>) {
        let metadata = attributes.metadata();
        if is_idle() || is_own(metadata.target()) {
            return;
        }
        let Some(span) = registry.span(id) else {
            return;
        };
        let given = match attributes.parent() {
            Some(parent) => Some(context_in(&registry, parent).unwrap_or_default()),
            None => attributes.is_root().then(Parent::root),
        };
        let started = match given {
            Some(parent) => local::start_below(metadata.name(), parent),
            None => local::start(metadata.name()),
        };
        let Some(mut open) = started else {
            return;
        };
        open.start_clock();
        if open.is_recording() {
            attributes.record(&mut SpanFields(&mut open));
        }
        span.extensions_mut().replace(Held::new(open, self.mark(id)));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, registry: Context<'_, S>) {
        if let Some(span) = registry.span(id).filter(|_| !is_idle()) {
            held::write(&span, |open| values.record(&mut SpanFields(open)));
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, registry: Context<'_, S>) {
        if is_idle() {
            return;
        }
        if let (Some(span), Some(to)) = (registry.span(id), context_in(&registry, follows)) {
            held::write(&span, |open| open.link(&to));
        }
    }

    fn on_event(&self, event: &Event<'_>, registry: Context<'_, S>) {
        let metadata = event.metadata();
        if is_idle() || is_own(metadata.target()) {
            return;
        }
        let of = Of::find(event, &registry);
        if self.logs_as.are_records() {
            events::record(event, of.context());
        }
        if self.logs_as.are_span_events() {
            of.write(|open| events::attach(event, open));
        }
        if *metadata.level() == Level::ERROR {
            of.fail(event);
        }
    }

    fn on_enter(&self, id: &Id, registry: Context<'_, S>) {
        if is_idle()
            || (self.number != 0 && held::enter_parked(self.mark(id), || registry.span(id)))
        {
            return;
        }
        if let Some(span) = registry.span(id) {
            held::enter(span);
        }
    }

    fn on_exit(&self, id: &Id, registry: Context<'_, S>) {
        if is_idle()
            || (self.number != 0 && held::exit_to_parked(self.mark(id), || registry.span(id)))
        {
            return;
        }
        if let Some(span) = registry.span(id) {
            held::exit(&span);
        }
    }

    fn on_close(&self, id: Id, registry: Context<'_, S>) {
        if gate::read() == 0 {
            return;
        }
        if let Some(span) = registry.span(&id) {
            held::close(&span);
        }
    }
}

fn context_in<S>(registry: &Context<'_, S>, id: &Id) -> Option<Parent>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    registry.span(id).and_then(|span| held::context(&span))
}
