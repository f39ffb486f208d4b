//! Instruments, and the ready-made measurements of calls.

use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use trackside::telemetry::rpc::{self, Direction, Session, StorageTimer};
use trackside::telemetry::{self, Counter, Gauge, Histogram, UpDownCounter, Value};

use crate::names;
use crate::span::{Of, PySpan, What};
use crate::value::Attributes;

/// Lends attributes under names that are kept; those beyond the bound are left out.
fn with_names(
    attributes: Option<&Bound<'_, PyDict>>,
    run: impl FnOnce(&[(&'static str, Value<'_>)]),
) -> PyResult<()> {
    let Some(attributes) = attributes else {
        run(&[]);
        return Ok(());
    };
    let attributes = Attributes::of(attributes)?;
    let mut run = Some(run);
    attributes.lend(&mut |pairs| {
        let kept = pairs.iter().filter_map(|(key, value)| Some((names::keep(key)?, *value)));
        if let Some(run) = run.take() {
            run(&kept.collect::<Vec<_>>());
        }
    });
    Ok(())
}

macro_rules! instrument {
    ($class:ident, $name:literal, $inner:ident, $make:ident, $call:ident, $verb:ident($ty:ty)) => {
        #[doc = concat!("The core's `", $name, "`.")]
        #[pyclass(frozen, name = $name, module = "trackside")]
        pub struct $class(Option<$inner>);

        #[pymethods]
        impl $class {
            /// One measurement.
            #[pyo3(signature = (value, /, **attributes))]
            fn $verb(&self, value: $ty, attributes: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
                match &self.0 {
                    Some(inner) => with_names(attributes, |pairs| inner.$verb(value, pairs)),
                    None => Ok(()),
                }
            }

            /// The same instrument with attributes resolved once.
            #[pyo3(signature = (**attributes))]
            fn bind(&self, attributes: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
                let mut bound = None;
                if let Some(inner) = &self.0 {
                    with_names(attributes, |pairs| bound = Some(inner.bind(pairs)))?;
                }
                Ok(Self(bound))
            }
        }

        /// Names one; it works when made before telemetry is enabled.
        #[pyfunction]
        #[pyo3(signature = (name, *, unit="", description=""))]
        pub(crate) fn $call(name: &str, unit: &str, description: &str) -> $class {
            let named = (|| {
                let made = telemetry::$make(names::keep(name)?);
                Some(made.with_unit(names::keep(unit)?).with_description(names::keep(description)?))
            })();
            $class(named)
        }
    };
}
instrument!(PyCounter, "Counter", Counter, counter, counter, add(u64));
instrument!(
    PyUpDownCounter,
    "UpDownCounter",
    UpDownCounter,
    up_down_counter,
    up_down_counter,
    add(i64)
);
instrument!(PyGauge, "Gauge", Gauge, gauge, gauge, record(f64));

/// The core's `Histogram`.
#[pyclass(frozen, name = "Histogram", module = "trackside")]
pub struct PyHistogram(Option<Histogram>);

#[pymethods]
impl PyHistogram {
    /// One measurement.
    #[pyo3(signature = (value, /, **attributes))]
    fn record(&self, value: f64, attributes: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        match &self.0 {
            Some(inner) => with_names(attributes, |pairs| inner.record(value, pairs)),
            None => Ok(()),
        }
    }

    /// The same instrument with attributes resolved once.
    #[pyo3(signature = (**attributes))]
    fn bind(&self, attributes: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut bound = None;
        if let Some(inner) = &self.0 {
            with_names(attributes, |pairs| bound = Some(inner.bind(pairs)))?;
        }
        Ok(Self(bound))
    }
}

/// Bounds are kept for the life of the process: of so many histograms, and no longer than this.
const BOUNDS: usize = 256;

/// Names a histogram, with explicit upper bounds of its buckets if given.
#[pyfunction]
#[pyo3(signature = (name, *, unit="", description="", boundaries=None))]
pub(crate) fn histogram(
    name: &str,
    unit: &str,
    description: &str,
    boundaries: Option<Vec<f64>>,
) -> PyHistogram {
    static KEPT: Mutex<Vec<&'static [f64]>> = Mutex::new(Vec::new());
    let named = (|| {
        let made = telemetry::histogram(names::keep(name)?);
        let made = made.with_unit(names::keep(unit)?).with_description(names::keep(description)?);
        let Some(bounds) = boundaries else {
            return Some(made);
        };
        let mut kept = KEPT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = kept.iter().copied().find(|known| *known == bounds);
        let bounds = match known {
            Some(known) => known,
            None if kept.len() < BOUNDS && bounds.len() <= BOUNDS => {
                let new: &'static [f64] = Box::leak(bounds.into_boxed_slice());
                kept.push(new);
                new
            }
            None => return Some(made),
        };
        Some(made.with_boundaries(bounds))
    })();
    PyHistogram(named)
}

/// The span and the metrics of a call on its serving side.
#[pyfunction]
#[pyo3(signature = (method, *, cls_id="", object_id="", error_kind=None))]
pub(crate) fn server(
    py: Python<'_>,
    method: &str,
    cls_id: &str,
    object_id: &str,
    error_kind: Option<Py<PyAny>>,
) -> PySpan {
    let of = of(method, cls_id, object_id);
    PySpan::new(What::Server(of), name(py, "rpc.call"), None, error_kind)
}

/// The span and the metrics of a call on its calling side.
#[pyfunction]
#[pyo3(signature = (method, *, cls_id="", object_id="", error_kind=None))]
pub(crate) fn client(
    py: Python<'_>,
    method: &str,
    cls_id: &str,
    object_id: &str,
    error_kind: Option<Py<PyAny>>,
) -> PySpan {
    let of = of(method, cls_id, object_id);
    PySpan::new(What::Client(of), name(py, "rpc.call"), None, error_kind)
}

/// The span around a handler, counted in `active_handlers`.
#[pyfunction]
#[pyo3(signature = (*, error_kind=None))]
pub(crate) fn handler(py: Python<'_>, error_kind: Option<Py<PyAny>>) -> PySpan {
    PySpan::new(What::Handler, name(py, "rpc.handler"), None, error_kind)
}

/// The span around one request; kind server where its parent is remote.
#[pyfunction]
pub(crate) fn dispatch(py: Python<'_>) -> PySpan {
    PySpan::new(What::Dispatch, name(py, "engine.dispatch"), None, None)
}

fn of(method: &str, cls_id: &str, object_id: &str) -> Of {
    Of { method: method.to_owned(), cls_id: cls_id.to_owned(), object_id: object_id.to_owned() }
}

fn name(py: Python<'_>, name: &str) -> Py<PyAny> {
    PyString::new(py, name).into_any().unbind()
}

/// One value of `rpc_payload_bytes`; the direction is "in" or "out".
#[pyfunction]
pub(crate) fn payload(direction: &str, size: usize) -> PyResult<()> {
    let direction = match direction {
        "in" => Direction::In,
        "out" => Direction::Out,
        _ => {
            let text = format!("payload({direction:?}): the direction is \"in\" or \"out\"");
            return Err(pyo3::exceptions::PyValueError::new_err(text));
        }
    };
    rpc::payload(direction, size);
    Ok(())
}

/// What is measured while it is open: a storage operation, or a session.
#[pyclass(frozen, module = "trackside")]
pub struct Measured {
    /// Of a storage operation, which begins with `with`.
    operation: Option<&'static str>,
    open: Mutex<Option<Open>>,
}

#[allow(dead_code, reason = "they measure while they live")]
enum Open {
    Storage(StorageTimer),
    Session(Session),
}

#[pymethods]
impl Measured {
    fn __enter__<'py>(slf: &Bound<'py, Self>) -> Bound<'py, Self> {
        let this = slf.get();
        let open = match this.operation {
            Some(operation) => Open::Storage(rpc::storage(operation)),
            None => Open::Session(rpc::session()),
        };
        *this.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(open);
        slf.clone()
    }

    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, _raised: &Bound<'_, pyo3::types::PyTuple>) -> bool {
        *self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
        false
    }
}

/// Times one storage operation into `storage_op_latency_ms`.
#[pyfunction]
pub(crate) fn storage(operation: &str) -> Measured {
    Measured { operation: Some(names::keep(operation).unwrap_or("other")), open: Mutex::new(None) }
}

/// Counts one session in `active_sessions`.
#[pyfunction]
pub(crate) fn session() -> Measured {
    Measured { operation: None, open: Mutex::new(None) }
}
