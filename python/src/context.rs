//! Which span is current in Python, and how it meets the current span of the Rust below.
//!
//! A context variable holds it, so that tasks, threads and executors see what `contextvars` gives them. Rust has
//! a current span for each thread. Who is the parent? The one that was entered last: what Python holds
//! remembers the thread's span of its entry, and another one is newer.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};
use trackside::telemetry::{self, Parent};

use crate::parent::PyParent;
use crate::span::PySpan;
use crate::steps;
use crate::value::ours_to_keep;

/// The variable's own methods, looked up once.
struct Variable {
    get: Py<PyAny>,
    set: Py<PyAny>,
}

static VARIABLE: PyOnceLock<Variable> = PyOnceLock::new();

fn variable(py: Python<'_>) -> PyResult<&Variable> {
    VARIABLE.get_or_try_init(py, || {
        let options = PyDict::new(py);
        options.set_item("default", py.None())?;
        let class = py.import("contextvars")?.getattr("ContextVar")?;
        let made = class.call(("trackside",), Some(&options))?;
        Ok(Variable { get: made.getattr("get")?.unbind(), set: made.getattr("set")?.unbind() })
    })
}

/// What the variable holds: a span, a parent, or None.
pub(crate) fn held(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    variable(py)?.get.bind(py).call0()
}

pub(crate) fn hold(py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    variable(py)?.set.bind(py).call1((value,)).map(drop)
}

/// This thread's span in Rust; 0 where there is none.
pub(crate) fn of_thread() -> u64 {
    telemetry::current().span_id().map_or(0, |id| id.0)
}

/// The context of this place, by what the variable holds.
pub(crate) fn parent_by(held: &Bound<'_, PyAny>) -> Parent {
    let place = if let Ok(span) = held.cast::<PySpan>() {
        span.get().place()
    } else if let Ok(parent) = held.cast::<PyParent>() {
        Some((parent.get().parent.clone(), parent.get().seen))
    } else {
        None
    };
    let thread = of_thread();
    match place {
        Some((parent, seen)) if thread == 0 || thread == seen => parent,
        _ => Parent::current(),
    }
}

/// The context of this place.
pub(crate) fn current(py: Python<'_>) -> Parent {
    match held(py) {
        Ok(held) => parent_by(&held),
        Err(_) => Parent::current(),
    }
}

/// Runs Rust with Python's current span as the thread's, so that the spans of that Rust hang below it.
///
/// For hosts that put this crate into an extension module of their own. `None` only where the thread
/// is being torn down.
pub fn run_in_context<R>(py: Python<'_>, run: impl FnOnce() -> R) -> Option<R> {
    steps::within(current(py), run)
}

/// Carries Python's current span into a future, for whatever polls it.
pub fn in_context<F: Future>(py: Python<'_>, future: F) -> telemetry::InContext<F> {
    telemetry::in_context(future).with_parent(current(py))
}

/// The headers of the current context, or of `parent`, by their lower-case names.
#[pyfunction]
#[pyo3(signature = (parent=None))]
pub(crate) fn inject_headers<'py>(
    py: Python<'py>,
    parent: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let parent = match parent {
        Some(given) => PyParent::of(given)?,
        None => current(py),
    };
    let headers = PyDict::new(py);
    let mut failed = Ok(());
    steps::within(parent, || {
        telemetry::inject(|name, value| {
            if let Err(error) = headers.set_item(name, value) {
                failed = Err(error);
            }
        });
    });
    failed.map(|()| headers)
}

/// The context in these headers; `pairs` are names and values, texts or bytes, in any case.
#[pyfunction]
pub(crate) fn extract_headers(pairs: &Bound<'_, PyAny>) -> PyResult<PyParent> {
    let mut headers: Vec<(String, String)> = Vec::new();
    let gathered = (|| {
        for pair in pairs.try_iter()? {
            let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
            if let (Some(name), Some(value)) = (header(&name), header(&value)) {
                headers.push((name, value));
            }
        }
        Ok(())
    })();
    // What is no pair ends the list: a peer's headers are no reason to fail.
    if let Err(error) = gathered {
        ours_to_keep(pairs.py(), error)?;
    }
    Ok(PyParent::new(telemetry::extract_from(&headers)))
}

/// A name or a value; WSGI and ASGI have bytes in Latin-1.
fn header(text: &Bound<'_, PyAny>) -> Option<String> {
    if let Ok(text) = text.cast::<PyString>() {
        return Some(text.to_str().ok()?.to_owned());
    }
    let bytes = text.cast::<pyo3::types::PyBytes>().ok()?;
    Some(bytes.as_bytes().iter().map(|byte| char::from(*byte)).collect())
}

/// The current context as a value.
#[pyfunction]
pub(crate) fn current_parent(py: Python<'_>) -> PyParent {
    PyParent::new(current(py))
}

/// What is current in Python alone; for `attach` and `detach`.
#[pyfunction]
pub(crate) fn held_context(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    held(py)
}

/// Makes something current, in this context of `contextvars`.
#[pyfunction]
pub(crate) fn hold_context(py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    hold(py, value)
}
