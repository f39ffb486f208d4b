//! `SpanData` in our view.

use opentelemetry::KeyValue;
use opentelemetry::trace::{Event, Link, SpanContext, SpanKind, Status, TraceState};
use opentelemetry_sdk::trace::SpanData;

use super::value::{any, unix_nanos};
use crate::encode::view::{Any, Attributes, EventView, LinkView, SpanStatus, SpanView};
use crate::telemetry::Kind;

/// A span of the SDK.
pub(crate) struct SdkSpan<'a> {
    data: &'a SpanData,
    /// The SDK keeps it in parts.
    trace_state: String,
}

impl<'a> SdkSpan<'a> {
    #[inline]
    pub(crate) fn new(data: &'a SpanData) -> Self {
        Self { trace_state: header(data.span_context.trace_state()), data }
    }
}

/// Most have none, which is seen here sooner.
#[inline]
fn header(state: &TraceState) -> String {
    if *state == TraceState::NONE { String::new() } else { state.header() }
}

#[inline]
fn trace(of: &SpanContext) -> u128 {
    u128::from_be_bytes(of.trace_id().to_bytes())
}

#[inline]
fn span(of: &SpanContext) -> u64 {
    u64::from_be_bytes(of.span_id().to_bytes())
}

#[inline]
fn lend(pairs: &[KeyValue], mut each: impl FnMut(&str, Any<'_>)) {
    pairs.iter().for_each(|pair| each(pair.key.as_str(), any(&pair.value)));
}

impl Attributes for SdkSpan<'_> {
    #[inline]
    fn attributes(&self, each: impl FnMut(&str, Any<'_>)) {
        lend(&self.data.attributes, each);
    }

    fn dropped_attributes(&self) -> u32 {
        self.data.dropped_attributes_count
    }
}

impl<'a> SpanView for SdkSpan<'a> {
    type Event = SdkEvent<'a>;
    type Link = SdkLink<'a>;

    #[inline]
    fn trace(&self) -> u128 {
        trace(&self.data.span_context)
    }

    #[inline]
    fn span(&self) -> u64 {
        span(&self.data.span_context)
    }

    #[inline]
    fn parent(&self) -> u64 {
        u64::from_be_bytes(self.data.parent_span_id.to_bytes())
    }

    fn parent_is_remote(&self) -> bool {
        self.data.parent_span_is_remote
    }

    #[inline]
    fn trace_flags(&self) -> u8 {
        self.data.span_context.trace_flags().to_u8()
    }

    fn trace_state(&self) -> &str {
        &self.trace_state
    }

    /// Its scope is more than a name, and goes to the encoder beside it.
    fn scope(&self) -> &str {
        ""
    }

    #[inline]
    fn name(&self) -> &str {
        &self.data.name
    }

    #[inline]
    fn kind(&self) -> Kind {
        match self.data.span_kind {
            SpanKind::Internal => Kind::Internal,
            SpanKind::Server => Kind::Server,
            SpanKind::Client => Kind::Client,
            SpanKind::Producer => Kind::Producer,
            SpanKind::Consumer => Kind::Consumer,
        }
    }

    #[inline]
    fn start(&self) -> u64 {
        unix_nanos(self.data.start_time)
    }

    #[inline]
    fn end(&self) -> u64 {
        unix_nanos(self.data.end_time)
    }

    #[inline]
    fn status(&self) -> SpanStatus<'_> {
        match &self.data.status {
            Status::Unset => SpanStatus::Unset,
            Status::Ok => SpanStatus::Ok,
            Status::Error { description } => SpanStatus::Error(description),
        }
    }

    #[inline]
    fn events(&self, mut each: impl FnMut(&Self::Event)) {
        self.data.events.iter().for_each(|event| each(&SdkEvent(event)));
    }

    fn dropped_events(&self) -> u32 {
        self.data.events.dropped_count
    }

    #[inline]
    fn links(&self, mut each: impl FnMut(&Self::Link)) {
        self.data.links.iter().for_each(|link| each(&SdkLink::new(link)));
    }

    fn dropped_links(&self) -> u32 {
        self.data.links.dropped_count
    }
}

/// An event of such a span.
pub(crate) struct SdkEvent<'a>(&'a Event);

impl Attributes for SdkEvent<'_> {
    #[inline]
    fn attributes(&self, each: impl FnMut(&str, Any<'_>)) {
        lend(&self.0.attributes, each);
    }

    fn dropped_attributes(&self) -> u32 {
        self.0.dropped_attributes_count
    }
}

impl EventView for SdkEvent<'_> {
    #[inline]
    fn name(&self) -> &str {
        &self.0.name
    }

    #[inline]
    fn time(&self) -> u64 {
        unix_nanos(self.0.timestamp)
    }
}

/// A link of such a span.
pub(crate) struct SdkLink<'a> {
    link: &'a Link,
    trace_state: String,
}

impl<'a> SdkLink<'a> {
    #[inline]
    fn new(link: &'a Link) -> Self {
        Self { trace_state: header(link.span_context.trace_state()), link }
    }
}

impl Attributes for SdkLink<'_> {
    #[inline]
    fn attributes(&self, each: impl FnMut(&str, Any<'_>)) {
        lend(&self.link.attributes, each);
    }

    fn dropped_attributes(&self) -> u32 {
        self.link.dropped_attributes_count
    }
}

impl LinkView for SdkLink<'_> {
    #[inline]
    fn trace(&self) -> u128 {
        trace(&self.link.span_context)
    }

    #[inline]
    fn span(&self) -> u64 {
        span(&self.link.span_context)
    }

    #[inline]
    fn trace_flags(&self) -> u8 {
        self.link.span_context.trace_flags().to_u8()
    }

    fn trace_state(&self) -> &str {
        &self.trace_state
    }

    fn is_remote(&self) -> bool {
        self.link.span_context.is_remote()
    }
}
