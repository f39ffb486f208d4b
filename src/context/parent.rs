//! Where a span hangs.

use std::sync::Arc;

use crate::telemetry::{SpanId, TraceId};

/// Bit 0 of the trace flags: the caller recorded this trace.
pub(crate) const SAMPLED: u8 = 0x01;

/// Where a span hangs: ids, flags, `tracestate` and baggage; cheap to clone.
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

/// The rarely used part of a context, shared by all spans below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extra {
    /// The `tracestate` header, valid by W3C's rules, or empty.
    pub(crate) trace_state: String,
    /// Baggage entries, decoded, in order; keys are unique.
    pub(crate) baggage: Vec<(String, String)>,
}

impl Parent {
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

    /// Both ids are there: zero is invalid by W3C.
    pub(crate) const fn has_span(&self) -> bool {
        self.trace != 0 && self.span != 0
    }

    pub(crate) const fn sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    pub(crate) fn trace_state(&self) -> &str {
        self.extra.as_ref().map_or("", |extra| &extra.trace_state)
    }
}
