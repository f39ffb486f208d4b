//! A span as a Python object.

pub(crate) mod bridge;
mod lifetime;
mod what;

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use trackside::telemetry::{Kind, Parent, Span};

use crate::context;
use crate::counts;
use crate::exception::Raised;
use crate::parent::PyParent;
use crate::steps::Opened;
use crate::value::{Attributes, printed};
use lifetime::{OTHER, fail};

pub(crate) use what::{Of, What};

/// One span: opened by `with`, or by `start` and `end`; a decorator where it is called with a function.
#[pyclass(frozen, name = "Span", module = "trackside", weakref)]
pub struct PySpan {
    name: Py<PyAny>,
    what: What,
    error_kind: Option<Py<PyAny>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kind: Kind,
    /// Given, instead of the current one.
    parent: Option<Parent>,
    links: Vec<Parent>,
    attributes: Option<Py<PyDict>>,
    opened: Option<Opened>,
    /// Its own place, and the thread's span in Rust at its start.
    place: Option<(Parent, u64)>,
    /// What was current before, while this one is.
    previous: Option<Py<PyAny>>,
    /// What the other API has to be told at the end.
    token: Option<Py<PyAny>>,
}

impl PySpan {
    pub(crate) fn new(
        what: What,
        name: Py<PyAny>,
        attributes: Option<Py<PyDict>>,
        error_kind: Option<Py<PyAny>>,
    ) -> Self {
        Self { name, what, error_kind, state: Mutex::new(State { attributes, ..State::default() }) }
    }

    /// Never held while code of the host's runs.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where spans below it hang, and the thread's span in Rust at its start.
    pub(crate) fn place(&self) -> Option<(Parent, u64)> {
        self.state().place.clone()
    }

    /// Writes, if it is open; what comes later is counted.
    fn write(&self, write: impl FnOnce(&mut Span)) {
        let mut state = self.state();
        match state.opened.take() {
            Some(opened) => state.opened = Some(opened.with(write)),
            None => counts::LATE_WRITES.add(1),
        }
    }
}

#[pymethods]
impl PySpan {
    fn __enter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        Self::enter(slf)?;
        Ok(slf.clone())
    }

    #[pyo3(signature = (_class=None, exception=None, _traceback=None))]
    fn __exit__(
        slf: &Bound<'_, Self>,
        _class: Option<&Bound<'_, PyAny>>,
        exception: Option<&Bound<'_, PyAny>>,
        _traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        Self::leave(slf)?;
        slf.get().close(exception)?;
        Ok(false)
    }

    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        function: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let wrap = slf.py().import("trackside.decorate")?.getattr("wrap")?;
        wrap.call1((slf, function))
    }

    /// A fresh span of the same name, kind and attributes, not begun.
    fn again(&self, py: Python<'_>) -> Self {
        let state = self.state();
        let fresh = State {
            kind: state.kind,
            parent: state.parent.clone(),
            links: state.links.clone(),
            attributes: state.attributes.as_ref().map(|dict| dict.clone_ref(py)),
            ..State::default()
        };
        drop(state);
        Self {
            name: self.name.clone_ref(py),
            what: self.what.clone(),
            error_kind: self.error_kind.as_ref().map(|call| call.clone_ref(py)),
            state: Mutex::new(fresh),
        }
    }

    /// Begins it without making it current.
    fn start<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().open(slf.py(), &context::held(slf.py())?)?;
        Ok(slf.clone())
    }

    /// Makes it current; `suspend` follows.
    fn resume(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::enter(slf)
    }

    /// Makes current what was so before.
    fn suspend(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::leave(slf)
    }

    /// Ends it, with what was raised if anything was.
    #[pyo3(signature = (exception=None))]
    fn end(&self, exception: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        self.close(exception)
    }

    /// The kind, before it begins: internal, server, client, producer or consumer.
    fn with_kind<'py>(slf: &Bound<'py, Self>, kind: &str) -> PyResult<Bound<'py, Self>> {
        slf.get().state().kind = match kind {
            "internal" => Kind::Internal,
            "server" => Kind::Server,
            "client" => Kind::Client,
            "producer" => Kind::Producer,
            "consumer" => Kind::Consumer,
            _ => {
                let text = format!(
                    "with_kind({kind:?}): no kind; there are internal, server, client, producer, consumer"
                );
                return Err(PyValueError::new_err(text));
            }
        };
        Ok(slf.clone())
    }

    /// Another parent than the current span, before it begins.
    fn with_parent<'py>(
        slf: &Bound<'py, Self>,
        parent: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Self>> {
        slf.get().state().parent = Some(PyParent::of(parent)?);
        Ok(slf.clone())
    }

    /// Sets an attribute; the last value under a key wins.
    fn set<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Self>> {
        let this = slf.get();
        let early = {
            let mut state = this.state();
            let is_early = state.place.is_none();
            let dict = |dict: &Py<PyDict>| dict.clone_ref(slf.py());
            is_early.then(|| {
                dict(state.attributes.get_or_insert_with(|| PyDict::new(slf.py()).unbind()))
            })
        };
        match early {
            // A copy, since a decorator's spans share it.
            Some(dict) => {
                let dict = dict.bind(slf.py()).copy()?;
                dict.set_item(key, value)?;
                this.state().attributes = Some(dict.unbind());
            }
            None => {
                let mut attributes = Attributes::default();
                attributes.add(key, value)?;
                this.write(|span| {
                    attributes.each(|key, value| {
                        span.set_dynamic(key, value);
                    });
                });
            }
        }
        Ok(slf.clone())
    }

    /// Adds an event, now.
    #[pyo3(signature = (name, /, **attributes))]
    fn event<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
        attributes: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, Self>> {
        let name = crate::value::text(name);
        let attributes = attributes.map(Attributes::of).transpose()?.unwrap_or_default();
        attributes.lend(&mut |pairs| {
            slf.get().write(|span| {
                span.event_dynamic(name.as_text(), pairs);
            });
        });
        Ok(slf.clone())
    }

    /// Adds a link to another span.
    fn link<'py>(slf: &Bound<'py, Self>, to: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let to = PyParent::of(to)?;
        let mut state = slf.get().state();
        if state.place.is_none() {
            state.links.push(to);
        } else {
            drop(state);
            slf.get().write(|span| {
                span.link(&to);
            });
        }
        Ok(slf.clone())
    }

    /// Status Ok; a later error does not replace it.
    fn ok<'py>(slf: &Bound<'py, Self>) -> Bound<'py, Self> {
        slf.get().write(|span| {
            span.ok();
        });
        slf.clone()
    }

    /// Status Error with the description, and `kind` as the attribute `error.type`.
    fn error<'py>(
        slf: &Bound<'py, Self>,
        kind: &str,
        description: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Self>> {
        let description = printed(description)?;
        slf.get().write(|span| {
            span.error(OTHER, &description).set("error.type", kind);
        });
        Ok(slf.clone())
    }

    /// The event `exception`, status Error, and the class as `error.type`.
    fn record_error<'py>(
        slf: &Bound<'py, Self>,
        exception: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Self>> {
        let raised = Raised::read(exception)?;
        slf.get().write(|span| {
            raised.write(span);
            fail(span, &raised);
        });
        Ok(slf.clone())
    }

    /// The trace as 32 hex digits; None before it began, and where telemetry is off.
    #[getter]
    fn trace_id(&self) -> Option<String> {
        self.place().and_then(|(place, _)| place.trace_id()).map(|id| id.to_string())
    }

    /// The span as 16 hex digits; as `trace_id`.
    #[getter]
    fn span_id(&self) -> Option<String> {
        self.place().and_then(|(place, _)| place.span_id()).map(|id| id.to_string())
    }

    /// Its place, for spans below it.
    #[getter]
    fn parent(&self) -> PyParent {
        PyParent::new(self.place().map(|(place, _)| place).unwrap_or_default())
    }

    /// False where what is set would be thrown away: not begun, ended, or not sampled.
    #[getter]
    fn is_recording(&self) -> bool {
        let mut state = self.state();
        let mut records = false;
        if let Some(opened) = state.opened.take() {
            state.opened = Some(opened.with(|_| records = true));
        }
        records
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let name = self.name.bind(py);
        match self.span_id() {
            Some(id) => format!("<Span {name} {id}>"),
            None => format!("<Span {name}>"),
        }
    }
}

/// A span; `with` opens it.
#[pyfunction]
#[pyo3(signature = (name, /, **attributes))]
pub(crate) fn span(name: Py<PyAny>, attributes: Option<Py<PyDict>>) -> PySpan {
    PySpan::new(What::Span, name, attributes, None)
}

/// The innermost span that Python holds as the current one.
#[pyfunction]
pub(crate) fn current_span(py: Python<'_>) -> PyResult<Option<Bound<'_, PySpan>>> {
    Ok(context::held(py)?.cast_into::<PySpan>().ok())
}
