//! One `logging.LogRecord`, forwarded. What the conventions have a name for has that name.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};
use trackside::telemetry::Value;

use crate::counts;
use crate::exception::Raised;
use crate::value::{Attributes, ours_to_keep};

use super::fields::{
    ARGUMENTS, CREATED, FUNCTION, Fields, LEVEL, LINE, LOGGER, MESSAGE, MODULE, PATH, RAISED,
    THREAD, text_of,
};
use super::{Said, Turn};

/// Our own diagnostics are not telemetry: forwarded, they would make more of themselves.
const OWN: &str = "trackside";

/// Attributes besides the host's.
const OWN_ATTRIBUTES: usize = 7;

/// Forwards a record; its level, where it was looked at.
pub(super) fn forward(record: &Bound<'_, PyAny>) -> PyResult<Option<i32>> {
    let Some(_turn) = Turn::take() else {
        return Ok(None);
    };
    let py = record.py();
    let dict = record.getattr(pyo3::intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
    let fields = Fields::of(&dict)?;
    let level = match fields.get(LEVEL) {
        Some(level) => level.extract::<i64>()?.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
        None => 0,
    };
    let logger = fields.text(LOGGER)?;
    if logger == OWN {
        return Ok(Some(level));
    }
    let made = made(record, &fields)?;
    let message = made.as_ref().map_or_else(|| fields.message(), text_of)?;
    let (module, function, path) =
        (fields.text(MODULE)?, fields.text(FUNCTION)?, fields.text(PATH)?);
    let thread = fields.text(THREAD)?;
    let line = fields.get(LINE).and_then(|line| line.extract::<u32>().ok()).unwrap_or(0);
    let time = fields.get(CREATED).and_then(|time| time.extract::<f64>().ok());
    let raised = fields.get(RAISED).map_or(Ok(None), raised)?;
    let extras = Attributes::from_pairs(&fields.extras)?;

    let mut own: Vec<(&str, Value<'_>)> = Vec::with_capacity(OWN_ATTRIBUTES + extras.len());
    for (key, value) in
        [("python.module", &module), ("code.function.name", &function), ("code.file.path", &path)]
    {
        if !value.is_empty() {
            own.push((key, Value::Str(value)));
        }
    }
    if line > 0 {
        own.push(("python.line", line.into()));
    }
    if let Some(raised) = &raised {
        own.extend(raised.attributes());
    }
    let said = Said { level, message: &message, logger: &logger, line, thread: &thread, time };
    extras.lend_behind(own, &mut |pairs| said.emit(py, pairs));
    Ok(Some(level))
}

/// The message with its arguments, made; `None` where it is as it stands, and where the arguments do not fit.
fn made<'py>(
    record: &Bound<'py, PyAny>,
    fields: &Fields<'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let made = if is_custom(record)? {
        record.call_method0(pyo3::intern!(record.py(), "getMessage"))
    } else {
        let has_arguments = |arguments: &Bound<'_, PyAny>| match arguments.cast::<PyTuple>() {
            Ok(arguments) => !arguments.is_empty(),
            Err(_) => arguments.is_truthy().unwrap_or(true),
        };
        match (fields.get(MESSAGE), fields.get(ARGUMENTS)) {
            (Some(message), Some(arguments)) if has_arguments(arguments) => {
                match message.cast::<PyString>() {
                    Ok(message) => message.rem(arguments),
                    Err(_) => message.str().and_then(|message| message.rem(arguments)),
                }
            }
            _ => return Ok(None),
        }
    };
    match made {
        Ok(made) => Ok(Some(made)),
        Err(error) => {
            ours_to_keep(record.py(), error)?;
            counts::UNPRINTABLE.add(1);
            Ok(None)
        }
    }
}

/// Whether its class, or somebody, has another `getMessage` than `logging` itself.
fn is_custom(record: &Bound<'_, PyAny>) -> PyResult<bool> {
    /// That of `logging`.
    static STOCK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = record.py();
    let name = pyo3::intern!(py, "getMessage");
    let stock = STOCK.get_or_try_init(py, || -> PyResult<Py<PyAny>> {
        let class = py.import("logging")?.getattr("LogRecord")?;
        let found = class.getattr(name)?;
        // Another one may have been put there before us.
        let is_stock = found.getattr("__module__")?.eq("logging")?;
        Ok(if is_stock { found.unbind() } else { py.None() })
    })?;
    Ok(!record.get_type().getattr(name)?.is(stock))
}

/// What `exc_info` holds.
fn raised(info: &Bound<'_, PyAny>) -> PyResult<Option<Raised>> {
    let Ok(info) = info.cast::<PyTuple>() else {
        return Ok(None);
    };
    match info.get_item(1) {
        Ok(exception) if !exception.is_none() => Raised::read(&exception).map(Some),
        _ => Ok(None),
    }
}
