//! The attributes of a `logging.LogRecord`.

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

use crate::value::printed;

const NAMES: [&str; 11] = [
    "name",
    "msg",
    "args",
    "levelno",
    "pathname",
    "module",
    "exc_info",
    "lineno",
    "funcName",
    "created",
    "threadName",
];

pub(super) const LOGGER: usize = 0;
pub(super) const MESSAGE: usize = 1;
pub(super) const ARGUMENTS: usize = 2;
pub(super) const LEVEL: usize = 3;
pub(super) const PATH: usize = 4;
pub(super) const MODULE: usize = 5;
pub(super) const RAISED: usize = 6;
pub(super) const LINE: usize = 7;
pub(super) const FUNCTION: usize = 8;
pub(super) const CREATED: usize = 9;
pub(super) const THREAD: usize = 10;

type Pair<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// What a record has.
pub(super) struct Fields<'py> {
    known: [Option<Bound<'py, PyAny>>; NAMES.len()],
    /// What the host added.
    pub(super) extras: Vec<Pair<'py>>,
}

impl<'py> Fields<'py> {
    pub(super) fn of(dict: &Bound<'py, PyDict>) -> PyResult<Self> {
        let (py, shape) = (dict.py(), shape(dict.py())?);
        let known =
            std::array::from_fn(|place| dict.get_item(shape.names[place].bind(py)).ok().flatten());
        let has_more = dict.len() > shape.standard.bind(py).len();
        let extras = if has_more { extras(dict, shape)? } else { Vec::new() };
        Ok(Self { known, extras })
    }

    pub(super) fn get(&self, place: usize) -> Option<&Bound<'py, PyAny>> {
        self.known[place].as_ref().filter(|value| !value.is_none())
    }

    /// Empty where there is none.
    pub(super) fn text(&self, place: usize) -> PyResult<Cow<'_, str>> {
        self.get(place).map_or(Ok(Cow::Borrowed("")), text_of)
    }

    /// The message without its arguments; None is one, too.
    pub(super) fn message(&self) -> PyResult<Cow<'_, str>> {
        self.known[MESSAGE].as_ref().map_or(Ok(Cow::Borrowed("")), text_of)
    }
}

/// A text, copied only where it is none in UTF-8, or what `str` makes of it.
pub(super) fn text_of<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, str>> {
    match value.cast::<PyString>() {
        Ok(text) => Ok(match text.to_str() {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(text.to_string_lossy().into_owned()),
        }),
        Err(_) => printed(value).map(Cow::Owned),
    }
}

/// What is the same for all records of this Python.
struct Shape {
    /// As Python has them: the very same objects that are a record's keys.
    names: Vec<Py<PyString>>,
    /// What every record has, by name.
    standard: Py<PyDict>,
    /// The last of these.
    last: Py<PyAny>,
}

fn shape(py: Python<'_>) -> PyResult<&Shape> {
    static FOUND: PyOnceLock<Shape> = PyOnceLock::new();
    FOUND.get_or_try_init(py, || {
        let record = py.import("logging")?.call_method1("makeLogRecord", (PyDict::new(py),))?;
        let standard = record.getattr("__dict__")?.cast_into::<PyDict>()?.copy()?;
        let last = standard.keys().get_item(standard.len().saturating_sub(1))?;
        let names = NAMES.iter().map(|name| PyString::intern(py, name).unbind()).collect();
        Ok(Shape { names, standard: standard.unbind(), last: last.unbind() })
    })
}

/// What stands behind that which every record has.
fn extras<'py>(dict: &Bound<'py, PyDict>, shape: &Shape) -> PyResult<Vec<Pair<'py>>> {
    let standard = shape.standard.bind(dict.py());
    let more = dict.len().saturating_sub(standard.len());
    let mut keys = dict.call_method0(pyo3::intern!(dict.py(), "__reversed__"))?.try_iter()?;
    let mut found = Vec::with_capacity(more);
    for key in keys.by_ref().take(more) {
        let key = key?;
        if !is_of_formatter(&key) {
            if let Some(value) = dict.get_item(&key)? {
                found.push((key, value));
            }
        }
    }
    if keys.next().transpose()?.is_some_and(|key| key.is(&shape.last)) {
        found.reverse();
        return Ok(found);
    }
    // Somebody has taken one away and set it again: they may stand anywhere.
    let is_extra = |key: &Bound<'_, PyAny>| {
        !(key.is_instance_of::<PyString>() && standard.contains(key).unwrap_or(false))
    };
    Ok(dict.iter().filter(|(key, _)| is_extra(key) && !is_of_formatter(key)).collect())
}

/// Left behind by formatters of other handlers.
fn is_of_formatter(key: &Bound<'_, PyAny>) -> bool {
    let text = key.cast::<PyString>().ok().and_then(|key| key.to_str().ok());
    matches!(text, Some("message" | "asctime"))
}
