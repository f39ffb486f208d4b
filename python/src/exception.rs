//! What Python raised, as the conventions describe an exception.

use pyo3::prelude::*;
use pyo3::types::PyString;
use trackside::telemetry::{Span, Value};

use crate::value::{ours_to_keep, printed};

/// A stack trace longer than this is cut at its beginning: the end says what happened.
const LONGEST: usize = 64 * 1024;

/// An exception, read.
pub(crate) struct Raised {
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) stack: String,
}

impl Raised {
    pub(crate) fn read(exception: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = exception.py();
        let stack = py
            .import("traceback")
            .and_then(|module| module.call_method1("format_exception", (exception,)))
            .and_then(|lines| PyString::new(py, "").call_method1("join", (lines,)))
            .map(|text| text.to_string());
        let stack = match stack {
            Ok(stack) => end_of(stack),
            Err(error) => {
                ours_to_keep(py, error)?;
                String::new()
            }
        };
        Ok(Self { kind: kind(exception), message: printed(exception)?, stack })
    }

    /// Its attributes, by the conventions.
    pub(crate) fn attributes(&self) -> [(&str, Value<'_>); 3] {
        [
            ("exception.type", self.kind.as_str().into()),
            ("exception.message", self.message.as_str().into()),
            ("exception.stacktrace", self.stack.as_str().into()),
        ]
    }

    /// `Type: message`, or the type alone.
    pub(crate) fn text(&self) -> String {
        match self.message.as_str() {
            "" => self.kind.clone(),
            message => format!("{}: {message}", self.kind),
        }
    }

    pub(crate) fn write(&self, span: &mut Span) {
        span.event("exception", &self.attributes());
    }
}

/// Its class with the module, but for those that are built in.
fn kind(exception: &Bound<'_, PyAny>) -> String {
    let class = exception.get_type();
    let name = |name: PyResult<Bound<'_, PyString>>| {
        name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    match (name(class.module()), name(class.qualname())) {
        (module, class) if module.is_empty() || module == "builtins" => class,
        (module, class) => format!("{module}.{class}"),
    }
}

fn end_of(mut stack: String) -> String {
    if stack.len() > LONGEST {
        let mut from = stack.len() - LONGEST;
        while !stack.is_char_boundary(from) {
            from += 1;
        }
        stack.replace_range(..from, "...");
    }
    stack
}

/// Work that was given up is no error: a task that is cancelled, a generator that is closed.
pub(crate) fn is_cancellation(exception: &Bound<'_, PyAny>) -> bool {
    exception.is_instance_of::<pyo3::exceptions::PyGeneratorExit>()
        || exception.get_type().name().is_ok_and(|name| name == "CancelledError")
}
