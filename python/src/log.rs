//! Records of `logging`, straight into the core's log records.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use trackside::telemetry::{self, Value};

use crate::exception::Raised;
use crate::value::{Attributes, Item, any_text, ours_to_keep};
use crate::{context, counts, steps};

/// A message longer than this is cut.
const LONGEST: usize = 1024 * 1024;

thread_local! {
    static IS_FORWARDING: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread; `None` where it is forwarding already: what is logged meanwhile comes from an object's
/// own `__str__`, and would come again and again.
struct Turn;

impl Turn {
    fn take() -> Option<Self> {
        if IS_FORWARDING.replace(true) {
            counts::NESTED_LOGS.add(1);
            return None;
        }
        Some(Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        IS_FORWARDING.set(false);
    }
}

/// One log record, in the words of `logging`; with the trace and span that are current in Python or in Rust.
#[pyfunction]
#[pyo3(signature = (level, message, module="", line=0, thread="", extras=None, time=None))]
#[allow(clippy::too_many_arguments, reason = "they are those of a record")]
pub(crate) fn forward_log(
    py: Python<'_>,
    level: i32,
    message: &Bound<'_, PyAny>,
    module: &str,
    line: u32,
    thread: &str,
    extras: Option<&Bound<'_, PyDict>>,
    time: Option<f64>,
) -> PyResult<()> {
    let Some(_turn) = Turn::take() else {
        return Ok(());
    };
    let extras = extras.map(Attributes::of).transpose()?.unwrap_or_default();
    let message = any_text(message)?;
    let at = time.map(at);
    extras.lend(|extras| emit(py, at, level, &message.as_text(), module, line, thread, extras));
    Ok(())
}

/// One `logging.LogRecord`; how many attributes a record has without extras is `standard`.
///
/// What the conventions have a name for has that name.
#[pyfunction]
pub(crate) fn forward_record(record: &Bound<'_, PyAny>, standard: usize) -> PyResult<()> {
    let Some(_turn) = Turn::take() else {
        return Ok(());
    };
    let forwarded = forward(record, standard);
    match forwarded {
        Ok(()) => Ok(()),
        Err(error) => {
            ours_to_keep(record.py(), error)?;
            counts::FAILED_LOGS.add(1);
            Ok(())
        }
    }
}

fn forward<'py>(record: &Bound<'py, PyAny>, standard: usize) -> PyResult<()> {
    let py = record.py();
    let dict = record.getattr(pyo3::intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
    let field = |name: &Bound<'py, PyString>| dict.get_item(name).ok().flatten();
    let words = |name| field(name).map(|value| any_text(&value)).transpose();
    let level: i32 = match field(pyo3::intern!(py, "levelno")) {
        Some(level) => level.extract::<i64>()?.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
        None => 0,
    };
    let message = message(record, &dict)?;
    let name = words(pyo3::intern!(py, "name"))?;
    let module = words(pyo3::intern!(py, "module"))?;
    let function = words(pyo3::intern!(py, "funcName"))?;
    let path = words(pyo3::intern!(py, "pathname"))?;
    let thread = words(pyo3::intern!(py, "threadName"))?;
    let line = field(pyo3::intern!(py, "lineno"));
    let line = line.and_then(|line| line.extract::<u32>().ok()).unwrap_or(0);
    let created = field(pyo3::intern!(py, "created")).and_then(|time| time.extract::<f64>().ok());
    let raised = raised(&field(pyo3::intern!(py, "exc_info")))?;
    let extras = extras(&dict, standard)?;
    let text = |item: &Option<Item<'_>>| {
        item.as_ref().map(|item| item.as_text().into_owned()).unwrap_or_default()
    };
    let (module, function, path) = (text(&module), text(&function), text(&path));
    let mut own: Vec<(&str, Value<'_>)> = Vec::with_capacity(8);
    for (key, value) in
        [("python.module", &module), ("code.function.name", &function), ("code.file.path", &path)]
    {
        if !value.is_empty() {
            own.push((key, value.as_str().into()));
        }
    }
    if line > 0 {
        own.push(("python.line", line.into()));
    }
    if let Some(raised) = &raised {
        own.extend(raised.attributes());
    }
    let (name, thread) = (text(&name), text(&thread));
    let message = message.as_text();
    let message = cut(&message);
    let at = created.map(at);
    extras.lend(|extras| {
        let all: Vec<_> = own.iter().chain(extras).copied().collect();
        emit(py, at, level, message, &name, line, &thread, &all);
    });
    Ok(())
}

/// The message with its arguments; where they do not fit, the message alone.
fn message<'py>(record: &Bound<'py, PyAny>, dict: &Bound<'py, PyDict>) -> PyResult<Item<'py>> {
    let py = record.py();
    let message = dict.get_item(pyo3::intern!(py, "msg"))?;
    let has_arguments = match dict.get_item(pyo3::intern!(py, "args"))? {
        None => false,
        Some(arguments) => match arguments.cast::<PyTuple>() {
            Ok(arguments) => !arguments.is_empty(),
            Err(_) => !arguments.is_none(),
        },
    };
    if has_arguments {
        match record.call_method0(pyo3::intern!(py, "getMessage")) {
            Ok(made) => return any_text(&made),
            Err(error) => {
                ours_to_keep(py, error)?;
                counts::UNPRINTABLE.add(1);
            }
        }
    }
    match message {
        Some(message) => any_text(&message),
        None => Ok(Item::Text(String::new())),
    }
}

/// What `exc_info` holds.
fn raised(info: &Option<Bound<'_, PyAny>>) -> PyResult<Option<Raised>> {
    let Some(Ok(info)) = info.as_ref().map(|info| info.cast::<PyTuple>()) else {
        return Ok(None);
    };
    match info.get_item(1) {
        Ok(exception) if !exception.is_none() => Raised::read(&exception).map(Some),
        _ => Ok(None),
    }
}

/// What the host added: all that stands behind the attributes which every record has.
fn extras<'py>(dict: &Bound<'py, PyDict>, standard: usize) -> PyResult<Attributes<'py>> {
    let mut extras = Attributes::default();
    if dict.len() > standard {
        for (key, value) in dict.iter().skip(standard) {
            if key.cast::<PyString>().is_ok_and(|key| key.to_str().is_ok_and(is_formatters)) {
                continue;
            }
            extras.add(&key, &value)?;
        }
    }
    Ok(extras)
}

/// Left there by formatters of other handlers.
fn is_formatters(key: &str) -> bool {
    matches!(key, "message" | "asctime" | "exc_text" | "taskName")
}

#[allow(clippy::too_many_arguments, reason = "they are those of a record")]
fn emit(
    py: Python<'_>,
    at: Option<SystemTime>,
    level: i32,
    message: &str,
    logger: &str,
    line: u32,
    thread: &str,
    extras: &[(&str, Value<'_>)],
) {
    let message = cut(message);
    steps::within(context::current(py), || match at {
        Some(at) => {
            telemetry::forward_log_at(at, level, message, logger, line, thread, extras);
        }
        None => telemetry::forward_log(level, message, logger, line, thread, extras),
    });
}

fn cut(message: &str) -> &str {
    if message.len() <= LONGEST {
        return message;
    }
    counts::CUT_VALUES.add(1);
    let mut to = LONGEST;
    while !message.is_char_boundary(to) {
        to -= 1;
    }
    &message[..to]
}

/// Seconds since 1970; what is no such time is 1970.
fn at(seconds: f64) -> SystemTime {
    let since = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}
