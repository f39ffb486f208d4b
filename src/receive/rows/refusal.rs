//! Why a batch is not taken.

use std::fmt;

use crate::schema::ingest_capnp::outcome::Rejection;

/// A batch that will never be taken, and a sentence for whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It breaks a rule of the schema.
    Malformed(String),
    /// It is over a limit of this receiver.
    TooLarge(String),
    /// It may be right, but nothing here can read it.
    Unsupported(String),
}

impl Refusal {
    /// What `Outcome.rejected.reason` says.
    pub(crate) fn rejection(&self) -> Rejection {
        match self {
            Self::Malformed(_) => Rejection::Malformed,
            Self::TooLarge(_) => Rejection::TooLarge,
            Self::Unsupported(_) => Rejection::Unsupported,
        }
    }

    /// What `Outcome.rejected.detail` says.
    pub(crate) fn detail(&self) -> &str {
        match self {
            Self::Malformed(detail) | Self::TooLarge(detail) | Self::Unsupported(detail) => detail,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Malformed(_) => "malformed",
            Self::TooLarge(_) => "too large",
            Self::Unsupported(_) => "unsupported",
        };
        write!(f, "{kind}: {}", self.detail())
    }
}

impl std::error::Error for Refusal {}

impl From<Box<Self>> for Refusal {
    fn from(boxed: Box<Self>) -> Self {
        *boxed
    }
}

/// Where reading goes wrong in the middle, the bytes are at fault.
impl From<capnp::Error> for Refusal {
    fn from(error: capnp::Error) -> Self {
        Self::Malformed(format!("not a message that can be read: {error}"))
    }
}

/// A member of a union that a later schema may have.
#[cold]
pub(super) fn unknown(what: &str, number: capnp::NotInSchema) -> Refusal {
    Refusal::Unsupported(format!(
        "{what}: kind {} is of a newer schema than this receiver's",
        number.0
    ))
}
