//! What a host's own Rust would do, for the tests: a span of Rust's around a callback, and a future.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use trackside::telemetry;

use crate::context;

/// A Rust call made from Python, which calls back within a span of its own.
#[pyfunction]
pub(crate) fn call_in_rust<'py>(
    py: Python<'py>,
    name: &str,
    callback: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    context::run_in_context(py, || {
        let span = telemetry::span("rust.call").with(|span| {
            span.set("name", name);
        });
        let answer = callback.call0();
        drop(span);
        answer
    })
    .transpose()
}

type Boxed = Pin<Box<dyn Future<Output = u32> + Send>>;

/// A Rust future, awaited from Python.
#[pyclass(frozen, module = "trackside")]
pub(crate) struct Awaited(Mutex<Boxed>);

#[pymethods]
impl Awaited {
    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let mut future = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            // What asyncio takes for "ask again".
            Poll::Pending => Ok(py.None()),
            Poll::Ready(value) => Err(PyStopIteration::new_err(value)),
        }
    }
}

/// A future with a span of its own, which is pending once.
#[pyfunction]
pub(crate) fn await_in_rust(py: Python<'_>) -> Awaited {
    let mut is_first = true;
    let work = std::future::poll_fn(move |context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(7)
    });
    let spanned = async move { telemetry::instrument(work, "rust.future").await };
    Awaited(Mutex::new(Box::pin(context::in_context(py, spanned))))
}
