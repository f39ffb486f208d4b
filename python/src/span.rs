//! A span as a Python object.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};
use trackside::telemetry::rpc::{self, Call};
use trackside::telemetry::{self, Kind, Parent, Span};

use crate::context;
use crate::counts;
use crate::exception::{Raised, is_cancellation};
use crate::names;
use crate::parent::PyParent;
use crate::steps::{Failure, Opened, Step};
use crate::value::{Attributes, any_text, ours_to_keep, printed};

/// What an object opens.
pub(crate) enum What {
    Span,
    Dispatch,
    Handler,
    Server(Of),
    Client(Of),
}

/// Which call.
#[derive(Clone)]
pub(crate) struct Of {
    pub(crate) method: String,
    pub(crate) cls_id: String,
    pub(crate) object_id: String,
}

impl Of {
    fn call(&self) -> Call<'_> {
        Call::method(&self.method).cls_id(&self.cls_id).object_id(&self.object_id)
    }
}

impl Clone for What {
    fn clone(&self) -> Self {
        match self {
            Self::Span => Self::Span,
            Self::Dispatch => Self::Dispatch,
            Self::Handler => Self::Handler,
            Self::Server(of) => Self::Server(of.clone()),
            Self::Client(of) => Self::Client(of.clone()),
        }
    }
}

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

/// What connects us with Python's OpenTelemetry API, where that is in use.
static BRIDGE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static IS_BRIDGED: AtomicBool = AtomicBool::new(false);

/// From now on the spans of that API are parents, and ours are visible to it.
#[pyfunction]
pub(crate) fn set_bridge(py: Python<'_>, bridge: Option<Py<PyAny>>) {
    IS_BRIDGED.store(bridge.is_some(), Ordering::Release);
    if let Some(bridge) = bridge {
        let _ = BRIDGE.set(py, bridge);
    }
}

fn bridge<'py>(py: Python<'py>) -> Option<&'py Bound<'py, PyAny>> {
    if !IS_BRIDGED.load(Ordering::Acquire) {
        return None;
    }
    BRIDGE.get(py).map(|bridge| bridge.bind(py))
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

    fn open(&self, py: Python<'_>, held: &Bound<'_, PyAny>) -> PyResult<()> {
        let (kind, given, links, attributes) = {
            let mut state = self.state();
            if state.place.is_some() {
                return Ok(());
            }
            (
                state.kind,
                state.parent.take(),
                std::mem::take(&mut state.links),
                state.attributes.take(),
            )
        };
        let parent = match given {
            Some(parent) => parent,
            None => bridged_parent(py)?.unwrap_or_else(|| context::parent_by(held)),
        };
        let attributes = match &attributes {
            Some(dict) => Attributes::of(dict.bind(py))?,
            None => Attributes::default(),
        };
        let mut opened = match &self.what {
            What::Span => {
                let name = any_text(self.name.bind(py))?;
                Opened::Span(
                    telemetry::instrument(Step, "")
                        .with_parent(parent)
                        .with_kind(kind)
                        .named(|| name.as_text().into_owned()),
                )
            }
            What::Dispatch => Opened::Span(rpc::dispatch(Step).with_parent(parent)),
            What::Handler => {
                Opened::Call(rpc::handler(Step).with_parent(parent).error_kind(kind_of))
            }
            What::Server(of) => {
                Opened::Call(rpc::server(of.call(), Step).with_parent(parent).error_kind(kind_of))
            }
            What::Client(of) => {
                Opened::Call(rpc::client(of.call(), Step).with_parent(parent).error_kind(kind_of))
            }
        };
        if !attributes.is_empty() || !links.is_empty() {
            opened = opened.with(|span| {
                links.iter().for_each(|link| {
                    span.link(link);
                });
                attributes.each(|key, value| {
                    span.set_dynamic(key, value);
                });
            });
        }
        let seen = context::of_thread();
        let place = opened.begin();
        let mut state = self.state();
        state.place = Some((place, seen));
        state.opened = Some(opened);
        Ok(())
    }

    /// Writes, if it is open; what comes later is counted.
    fn write(&self, write: impl FnOnce(&mut Span)) {
        let mut state = self.state();
        match state.opened.take() {
            Some(opened) => state.opened = Some(opened.with(write)),
            None => counts::LATE_WRITES.add(1),
        }
    }

    fn enter(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let held = context::held(py)?;
        this.open(py, &held)?;
        context::hold(py, slf)?;
        this.state().previous = Some(held.unbind());
        if let Some(bridge) = bridge(py) {
            let token = quietly(py, bridge.call_method1("attach", (slf,)))?;
            this.state().token = token.map(Bound::unbind);
        }
        Ok(())
    }

    fn leave(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let (previous, token) = {
            let mut state = this.state();
            (state.previous.take(), state.token.take())
        };
        if let (Some(bridge), Some(token)) = (bridge(py), token) {
            quietly(py, bridge.call_method1("detach", (token,)))?;
        }
        // In another context, or out of order: what is current there is not ours to change.
        if let Some(previous) =
            previous.filter(|_| context::held(py).is_ok_and(|held| held.is(slf)))
        {
            context::hold(py, previous.bind(py))?;
        }
        Ok(())
    }

    /// Ends it: well, with an exception, or given up.
    fn close(&self, exception: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let raised = match exception {
            Some(exception) if !is_cancellation(exception) => Some(Raised::read(exception)?),
            _ => None,
        };
        let kind = match (&self.error_kind, exception) {
            (Some(call), Some(exception)) if raised.is_some() => self.kind_by(call, exception)?,
            _ => OTHER,
        };
        let Some(mut opened) = self.state().opened.take() else {
            return Ok(());
        };
        let Some(raised) = raised else {
            match exception {
                // Its drop says that it was cancelled.
                Some(_) => drop(opened),
                None => opened.finish(Ok(())),
            }
            return Ok(());
        };
        opened = opened.with(|span| raised.write(span));
        if let Opened::Span(_) = opened {
            opened = opened.with(|span| fail(span, &raised));
        }
        opened.finish(Err(Failure { kind, text: raised.text() }));
        Ok(())
    }

    fn kind_by(&self, call: &Py<PyAny>, exception: &Bound<'_, PyAny>) -> PyResult<&'static str> {
        let py = exception.py();
        let word = quietly(py, call.bind(py).call1((exception,)))?;
        let word = word.map(|word| any_text(&word)).transpose()?;
        Ok(word.and_then(|word| names::keep(&word.as_text())).unwrap_or(OTHER))
    }
}

const OTHER: &str = "_OTHER";

fn kind_of(failure: &Failure) -> &'static str {
    failure.kind
}

/// A span's status by what was raised, and its class as `error.type`.
fn fail(span: &mut Span, raised: &Raised) {
    span.error(OTHER, &raised.text()).set("error.type", raised.kind.as_str());
}

/// The newer parent, where the other API has one.
fn bridged_parent(py: Python<'_>) -> PyResult<Option<Parent>> {
    let Some(bridge) = bridge(py) else {
        return Ok(None);
    };
    let found = quietly(py, bridge.call_method0("parent"))?;
    Ok(found.and_then(|found| PyParent::of(&found).ok()))
}

/// What was returned; an `Exception` is none of the host's business.
fn quietly<'py>(
    py: Python<'py>,
    result: PyResult<Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    match result {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_none())),
        Err(error) => ours_to_keep(py, error).map(|()| None),
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
        attributes.lend(|pairs| {
            slf.get().write(|span| {
                span.event_dynamic(&name.as_text(), pairs);
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
