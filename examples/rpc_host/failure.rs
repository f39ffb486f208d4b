//! What can go wrong with a call: a word to count by, and a text for a person.

use std::{fmt, str};

#[derive(Debug)]
pub(crate) enum Failure {
    /// No object has such a method.
    Unknown(String),
    /// The arguments are not what the method takes.
    Argument(&'static str),
    /// The message is not what the schema says.
    Malformed(String),
}

impl Failure {
    /// `error_kind` and `error.type`: one of a few, or a chart by it is of no use.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown",
            Self::Argument(_) => "argument",
            Self::Malformed(_) => "malformed",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(what) => write!(f, "there is no {what}"),
            Self::Argument(what) => write!(f, "the argument is {what}"),
            Self::Malformed(what) => f.write_str(what),
        }
    }
}

impl From<capnp::Error> for Failure {
    fn from(error: capnp::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl From<str::Utf8Error> for Failure {
    fn from(error: str::Utf8Error) -> Self {
        Self::Malformed(error.to_string())
    }
}
