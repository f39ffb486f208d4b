//! Python's OpenTelemetry API, where a host uses it: its spans are parents, and ours are visible to it.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use trackside::telemetry::Parent;

use crate::parent::PyParent;
use crate::value::ours_to_keep;

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

pub(super) fn bridge<'py>(py: Python<'py>) -> Option<&'py Bound<'py, PyAny>> {
    if !IS_BRIDGED.load(Ordering::Acquire) {
        return None;
    }
    BRIDGE.get(py).map(|bridge| bridge.bind(py))
}

/// The newer parent, where the other API has one.
pub(super) fn bridged_parent(py: Python<'_>) -> PyResult<Option<Parent>> {
    let Some(bridge) = bridge(py) else {
        return Ok(None);
    };
    let found = quietly(py, bridge.call_method0("parent"))?;
    Ok(found.and_then(|found| PyParent::of(&found).ok()))
}

/// What was returned; an `Exception` is none of the host's business.
pub(super) fn quietly<'py>(
    py: Python<'py>,
    result: PyResult<Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    match result {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_none())),
        Err(error) => ours_to_keep(py, error).map(|()| None),
    }
}
