//! What was said, before it is read: by a variable, or by a line of a file that stands for one.

use std::fmt;

/// A text, by the name of the variable whose rule reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) name: String,
    pub(super) text: String,
    /// Of the file; `None` is the variable itself.
    pub(super) place: Option<Place>,
}

/// Where in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// From 1; 0 is no line in particular.
    pub(super) line: usize,
    /// As `tracer_provider.sampler`.
    pub(super) path: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, path } = self;
        write!(f, "OTEL_CONFIG_FILE: line {line}: {path}")
    }
}

impl Given {
    pub(super) fn variable((name, text): (String, String)) -> Self {
        Self { name, text, place: None }
    }
}
