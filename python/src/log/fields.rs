//! The attributes of a `logging.LogRecord`, found in one walk through its dictionary.

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

use crate::value::printed;

/// In the order in which a record gets them: each is expected at its place, and looked for elsewhere.
const NAMES: [&str; 23] = [
    "name",
    "msg",
    "args",
    "levelname",
    "levelno",
    "pathname",
    "filename",
    "module",
    "exc_info",
    "exc_text",
    "stack_info",
    "lineno",
    "funcName",
    "created",
    "msecs",
    "relativeCreated",
    "thread",
    "threadName",
    "processName",
    "process",
    "taskName",
    // Left there by formatters of other handlers.
    "message",
    "asctime",
];

pub(super) const LOGGER: usize = 0;
pub(super) const MESSAGE: usize = 1;
pub(super) const ARGUMENTS: usize = 2;
pub(super) const LEVEL: usize = 4;
pub(super) const PATH: usize = 5;
pub(super) const MODULE: usize = 7;
pub(super) const RAISED: usize = 8;
pub(super) const LINE: usize = 11;
pub(super) const FUNCTION: usize = 12;
pub(super) const CREATED: usize = 13;
pub(super) const THREAD: usize = 17;

type Pair<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// What a record has.
pub(super) struct Fields<'py> {
    known: [Option<Bound<'py, PyAny>>; NAMES.len()],
    /// What the host added.
    pub(super) extras: Vec<Pair<'py>>,
}

impl<'py> Fields<'py> {
    pub(super) fn of(dict: &Bound<'py, PyDict>) -> Self {
        let names = names(dict.py());
        let mut fields = Self { known: [const { None }; NAMES.len()], extras: Vec::new() };
        let mut next = 0;
        // No code of the host's runs meanwhile, which might change the dictionary.
        for (key, value) in dict {
            match place(names, next, &key) {
                Some(place) => {
                    fields.known[place] = Some(value);
                    next = place + 1;
                }
                None => fields.extras.push((key, value)),
            }
        }
        fields
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

/// The names as Python has them: the very same objects that are a record's keys.
fn names(py: Python<'_>) -> &[Py<PyString>] {
    static KEPT: PyOnceLock<Vec<Py<PyString>>> = PyOnceLock::new();
    KEPT.get_or_init(py, || NAMES.iter().map(|name| PyString::intern(py, name).unbind()).collect())
}

fn place(names: &[Py<PyString>], expected: usize, key: &Bound<'_, PyAny>) -> Option<usize> {
    if names.get(expected).is_some_and(|name| name.is(key)) {
        return Some(expected);
    }
    if let Some(place) = names.iter().position(|name| name.is(key)) {
        return Some(place);
    }
    let key = key.cast::<PyString>().ok()?.to_str().ok()?;
    NAMES.iter().position(|name| *name == key)
}
