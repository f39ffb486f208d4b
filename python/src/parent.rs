//! A context as a Python object.

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use trackside::otel::api as opentelemetry;
use trackside::telemetry::Parent;

use crate::context;
use crate::span::PySpan;

/// Where spans hang: below a span of this process or of another one, or nowhere (a root).
#[pyclass(frozen, name = "Parent", module = "trackside")]
pub struct PyParent {
    pub(crate) parent: Parent,
    /// The thread's span in Rust when this was made.
    pub(crate) seen: u64,
}

impl PyParent {
    pub(crate) fn new(parent: Parent) -> Self {
        Self { parent, seen: context::of_thread() }
    }

    /// A span or a parent that a host gave.
    pub(crate) fn of(given: &Bound<'_, PyAny>) -> PyResult<Parent> {
        if let Ok(parent) = given.cast::<Self>() {
            return Ok(parent.get().parent.clone());
        }
        match given.cast::<PySpan>() {
            Ok(span) => Ok(span.get().place().map(|(parent, _)| parent).unwrap_or_default()),
            Err(_) => {
                Err(PyTypeError::new_err("a parent is a trackside.Parent or a trackside.Span"))
            }
        }
    }
}

#[pymethods]
impl PyParent {
    /// No parent.
    #[staticmethod]
    fn root() -> Self {
        Self::new(Parent::root())
    }

    /// A span that others know: zero ids are a root.
    #[staticmethod]
    #[pyo3(signature = (trace_id, span_id, flags=1, is_remote=true, trace_state=""))]
    fn from_ids(
        trace_id: u128,
        span_id: u64,
        flags: u8,
        is_remote: bool,
        trace_state: &str,
    ) -> Self {
        let span = SpanContext::new(
            TraceId::from(trace_id),
            SpanId::from(span_id),
            TraceFlags::new(flags),
            is_remote,
            trace_state.parse().unwrap_or(TraceState::NONE),
        );
        if !span.is_valid() {
            return Self::root();
        }
        let seen = context::of_thread();
        let _attached = opentelemetry::Context::new().with_remote_span_context(span).attach();
        Self { parent: Parent::current(), seen }
    }

    /// The trace as 32 hex digits; None for a root.
    #[getter]
    fn trace_id(&self) -> Option<String> {
        self.parent.trace_id().map(|id| id.to_string())
    }

    /// The span as 16 hex digits; None for a root.
    #[getter]
    fn span_id(&self) -> Option<String> {
        self.parent.span_id().map(|id| id.to_string())
    }

    /// One entry of the baggage.
    fn baggage(&self, key: &str) -> Option<String> {
        self.parent.baggage(key).map(str::to_owned)
    }

    /// The same with one entry of the baggage set; unchanged where W3C's limits forbid it.
    fn with_baggage(&self, key: &str, value: &str) -> Self {
        Self { parent: self.parent.clone().with_baggage(key, value), seen: self.seen }
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.parent.trace_id() == other.parent.trace_id()
            && self.parent.span_id() == other.parent.span_id()
    }

    fn __hash__(&self) -> u64 {
        self.parent.span_id().map_or(0, |id| id.0)
    }

    fn __repr__(&self) -> String {
        match (self.parent.trace_id(), self.parent.span_id()) {
            (Some(trace), Some(span)) => format!("<Parent {trace}-{span}>"),
            _ => "<Parent root>".to_owned(),
        }
    }
}
