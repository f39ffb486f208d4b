//! What `init`, a flush or a shutdown could not do.

use std::fmt;
use std::sync::Arc;

/// What `init`, `force_flush` or `shutdown` could not do.
///
/// It says what was wrong, and what to do about it, in words; there is nothing to match on, since
/// a host that fails to start telemetry has one thing to do with it: log it and carry on.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    message: String,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Argument,
    TimedOut,
    Start,
}

impl Error {
    /// An argument of `TelemetryConfig` that cannot be used. `value` is shown, so a secret must be
    /// masked before it comes here.
    pub(crate) fn argument(field: &str, value: &str, remedy: &str) -> Self {
        Self::new(Kind::Argument, format!("{field}({value:?}): {remedy}"))
    }

    /// The same, where the message names both.
    pub(crate) fn in_argument(message: impl Into<String>) -> Self {
        Self::new(Kind::Argument, message.into())
    }

    /// A deadline passed; the message says what was left undone.
    pub(crate) fn timed_out(message: impl Into<String>) -> Self {
        Self::new(Kind::TimedOut, message.into())
    }

    /// The thread or its runtime could not be made.
    pub(crate) fn start(message: impl Into<String>) -> Self {
        Self::new(Kind::Start, message.into())
    }

    fn new(kind: Kind, message: String) -> Self {
        Self(Arc::new(Inner { kind, message }))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, message } = &*self.0;
        f.debug_struct("Error").field("kind", kind).field("message", message).finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.0.kind {
            Kind::Argument => "bad argument",
            Kind::TimedOut => "timed out",
            Kind::Start => "cannot start",
        };
        write!(f, "telemetry: {what}: {}", self.0.message)
    }
}

impl std::error::Error for Error {}
