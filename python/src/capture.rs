//! What a test sees of what crossed into Rust: spans and log records in memory, no network.

use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use trackside::telemetry::Kind;
use trackside::testing::{self, CapturedLog, CapturedSpan, CapturedStatus, CapturedValue};

/// Captures spans and log records that begin on this thread, and all below them, until `stop`.
#[pyclass(unsendable, name = "NativeCapture", module = "trackside")]
pub struct PyCapture(Option<testing::Capture>);

#[pymethods]
impl PyCapture {
    #[new]
    fn new() -> Self {
        Self(Some(testing::Capture::start()))
    }

    /// The spans that have ended.
    fn spans<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let spans = self.0.as_ref().map(testing::Capture::spans).unwrap_or_default();
        spans.iter().map(|span| of_span(py, span)).collect()
    }

    /// The log records.
    fn logs<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let logs = self.0.as_ref().map(testing::Capture::logs).unwrap_or_default();
        logs.iter().map(|log| of_log(py, log)).collect()
    }

    fn stop(&mut self) {
        self.0 = None;
    }
}

fn of_span<'py>(py: Python<'py>, span: &CapturedSpan) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", &span.name)?;
    dict.set_item(
        "kind",
        match span.kind {
            Kind::Internal => "internal",
            Kind::Server => "server",
            Kind::Client => "client",
            Kind::Producer => "producer",
            Kind::Consumer => "consumer",
        },
    )?;
    dict.set_item("trace_id", span.trace_id.to_string())?;
    dict.set_item("span_id", span.span_id.to_string())?;
    dict.set_item("parent", span.parent.map(|id| id.to_string()))?;
    dict.set_item("parent_is_remote", span.parent_is_remote)?;
    dict.set_item("trace_state", &span.trace_state)?;
    dict.set_item("start", since(span.start))?;
    dict.set_item("duration", span.duration.as_secs_f64())?;
    let (status, description) = match &span.status {
        CapturedStatus::Unset => ("unset", ""),
        CapturedStatus::Ok => ("ok", ""),
        CapturedStatus::Error(text) => ("error", text.as_str()),
    };
    dict.set_item("status", status)?;
    dict.set_item("description", description)?;
    dict.set_item("attributes", attributes(py, &span.attributes)?)?;
    let events = PyList::empty(py);
    for event in &span.events {
        let one = PyDict::new(py);
        one.set_item("name", &event.name)?;
        one.set_item("attributes", attributes(py, &event.attributes)?)?;
        events.append(one)?;
    }
    dict.set_item("events", events)?;
    let links = PyList::empty(py);
    for link in &span.links {
        let one = PyDict::new(py);
        one.set_item("trace_id", link.trace_id.to_string())?;
        one.set_item("span_id", link.span_id.to_string())?;
        links.append(one)?;
    }
    dict.set_item("links", links)?;
    Ok(dict)
}

fn of_log<'py>(py: Python<'py>, log: &CapturedLog) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("time", since(log.time))?;
    dict.set_item("severity", log.severity)?;
    dict.set_item("severity_text", &log.severity_text)?;
    dict.set_item("body", &log.body)?;
    dict.set_item("logger", &log.scope)?;
    dict.set_item("trace_id", log.trace_id.map(|id| id.to_string()))?;
    dict.set_item("span_id", log.span_id.map(|id| id.to_string()))?;
    dict.set_item("attributes", attributes(py, &log.attributes)?)?;
    Ok(dict)
}

fn attributes<'py>(
    py: Python<'py>,
    pairs: &[(String, CapturedValue)],
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, given) in pairs {
        dict.set_item(key, value(py, given)?)?;
    }
    Ok(dict)
}

fn value<'py>(py: Python<'py>, given: &CapturedValue) -> PyResult<Bound<'py, PyAny>> {
    Ok(match given {
        CapturedValue::Bool(v) => v.into_pyobject(py)?.to_owned().into_any(),
        CapturedValue::I64(v) => v.into_pyobject(py)?.into_any(),
        CapturedValue::F64(v) => v.into_pyobject(py)?.into_any(),
        CapturedValue::Str(v) => v.into_pyobject(py)?.into_any(),
        CapturedValue::Bytes(v) => PyBytes::new(py, v).into_any(),
        CapturedValue::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(value(py, item)?)?;
            }
            list.into_any()
        }
        other => format!("{other:?}").into_pyobject(py)?.into_any(),
    })
}

fn since(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
