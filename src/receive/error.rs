//! What a receiver could not do.

use std::fmt;

/// What starting or ending a receiver could not do, in words: which setting, what it was, what to do.
#[derive(Clone, Debug)]
pub struct Error(String);

impl Error {
    /// A setting that cannot be used. `value` is shown, so a secret must not come here.
    pub(super) fn setting(field: &str, value: &str, remedy: &str) -> Self {
        Self(format!("{field}({value:?}): {remedy}"))
    }

    /// Something that the system refused, or that was left undone.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "receiver: {}", self.0)
    }
}

impl std::error::Error for Error {}
