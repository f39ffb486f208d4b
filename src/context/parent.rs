//! Where a span hangs.

use std::sync::Arc;

use super::baggage;
use crate::record;
use crate::telemetry::{SpanId, TraceId};
use crate::testing::Sink;

/// Bit 0 of the trace flags: the caller recorded this trace.
pub(crate) const SAMPLED: u8 = 0x01;
/// Bit 1 of the trace flags: the lower 7 bytes of the trace id are random.
pub(crate) const RANDOM: u8 = 0x02;

/// Where a span hangs: ids, flags, `tracestate` and baggage; cheap to clone.
///
/// ```
/// use trackside::telemetry::Parent;
///
/// let parent = Parent::root().with_baggage("tenant", "acme");
/// assert_eq!(parent.baggage("tenant"), Some("acme"));
/// assert!(parent.trace_id().is_none());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Parent {
    /// 0 where there is no span: a root.
    pub(crate) trace: u128,
    /// 0 where there is no span.
    pub(crate) span: u64,
    /// The flags byte of `traceparent`.
    pub(crate) flags: u8,
    /// The span is another process's.
    pub(crate) remote: bool,
    /// What most contexts do not have.
    pub(crate) extra: Option<Arc<Extra>>,
}

/// A parent but for what it carries.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) trace: u128,
    pub(crate) span: u64,
    pub(crate) flags: u8,
    pub(crate) remote: bool,
}

impl Place {
    /// Both ids are there: zero is invalid by W3C.
    pub(crate) const fn has_span(self) -> bool {
        self.trace != 0 && self.span != 0
    }

    pub(crate) const fn sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }
}

/// The rarely used part of a context, shared by all spans below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extra {
    /// The `tracestate` header, valid by W3C's rules, or empty.
    pub(crate) trace_state: String,
    /// Baggage entries, decoded, in order; keys are unique.
    pub(crate) baggage: Vec<(String, String)>,
    /// B3's and Jaeger's flag, which goes along with every call below.
    pub(crate) debug: bool,
    /// Where a test captures the spans of this context.
    pub(crate) capture: Option<Arc<Sink>>,
}

impl Parent {
    /// The context of this thread, now; a root where there is none.
    #[must_use]
    pub fn current() -> Self {
        record::current::context()
    }

    /// No parent: the span becomes a root.
    #[must_use]
    pub const fn root() -> Self {
        Self { trace: 0, span: 0, flags: 0, remote: false, extra: None }
    }

    /// The trace id, unless this is a root.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        self.has_span().then_some(TraceId(self.trace))
    }

    /// The span id, unless this is a root.
    #[must_use]
    pub fn span_id(&self) -> Option<SpanId> {
        self.has_span().then_some(SpanId(self.span))
    }

    /// One baggage entry, decoded; the case of the key counts.
    #[must_use]
    pub fn baggage(&self, key: &str) -> Option<&str> {
        self.entries().iter().find(|(other, _)| other == key).map(|(_, value)| value.as_str())
    }

    /// The same with one baggage entry set, in place of an older one under the same key.
    ///
    /// Unchanged if the key is not a token of HTTP (visible ASCII without separators), or if the
    /// baggage would grow beyond 64 entries or 8192 bytes of header.
    #[must_use]
    pub fn with_baggage(mut self, key: &str, value: &str) -> Self {
        if baggage::admits(self.entries(), key, value) {
            let extra = Arc::make_mut(self.extra.get_or_insert_default());
            baggage::set(&mut extra.baggage, key, value.to_owned());
        }
        self
    }

    pub(crate) const fn place(&self) -> Place {
        Place { trace: self.trace, span: self.span, flags: self.flags, remote: self.remote }
    }

    /// Both ids are there: zero is invalid by W3C.
    pub(crate) const fn has_span(&self) -> bool {
        self.place().has_span()
    }

    pub(crate) fn trace_state(&self) -> &str {
        self.extra.as_ref().map_or("", |extra| &extra.trace_state)
    }

    pub(crate) fn is_debugged(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| extra.debug)
    }

    pub(crate) fn entries(&self) -> &[(String, String)] {
        self.extra.as_ref().map_or(&[], |extra| &extra.baggage)
    }
}
