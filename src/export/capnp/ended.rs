//! Why a call or a session failed, and whether another attempt makes sense.

use capnp::{Error, ErrorKind};

use super::super::frame::Outcome;
use crate::network::{Cause, Closed};

/// How RPC marks what the other side said.
const REMOTE: &str = "remote exception: ";

/// How much of the peer's words is kept.
const MAX_TEXT: usize = 1024;

/// An end without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) error: String,
    pub(super) then: Then,
}

/// What may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The same again, after a while.
    Again,
    /// The same once more: the peer failed at it, perhaps by accident.
    Once,
    /// Nothing: it will never be another.
    Never,
    /// The batch is over what the peer takes.
    TooLarge,
}

impl Ended {
    pub(super) fn new(then: Then, error: impl Into<String>) -> Self {
        Self { error: error.into(), then }
    }

    /// A call's error. `closed` is why the connection ended, if it did.
    pub(super) fn of_call(error: &Error, closed: Option<Closed>) -> Self {
        let (kind, text) = (error.kind, words(error));
        match (closed, text) {
            (Some(why), _) => Self::new(Then::Again, why.detail),
            (None, None) => Self::new(Then::Again, error.to_string()),
            (None, Some(text)) => match kind {
                ErrorKind::Overloaded => Self::new(Then::Again, format!("overloaded: {text}")),
                ErrorKind::Disconnected => Self::new(Then::Again, format!("disconnected: {text}")),
                ErrorKind::Unimplemented => Self::new(
                    Then::Never,
                    format!("the receiver does not implement what was asked of it: {text}"),
                ),
                _ if is_never(&text) => Self::new(Then::Never, text),
                _ => Self::new(Then::Once, format!("failed: {text}")),
            },
        }
    }

    /// The login's error: what is there may be no receiver at all.
    pub(super) fn of_login(error: &Error, closed: Option<Closed>, has_token: bool) -> Self {
        if let Some(text) = words(error).filter(|text| is_never(text)) {
            let remedy = if has_token || !text.starts_with("unauthorized") {
                ""
            } else {
                " (no token was sent: set the header authorization to \"Bearer ..\")"
            };
            return Self::new(Then::Never, format!("{text}{remedy}"));
        }
        if error.kind == ErrorKind::Unimplemented && words(error).is_some() {
            let text = words(error).unwrap_or_default();
            let error =
                format!("not a receiver of telemetry, though it speaks Cap'n Proto: {text}");
            return Self::new(Then::Never, error);
        }
        match closed {
            Some(Closed { cause: Cause::Http, .. }) => {
                Self::foreign("it answered as HTTP does (for OTLP use an http:// endpoint)")
            }
            Some(Closed { cause: Cause::Tls, .. }) => {
                Self::foreign("it answered as TLS does (use capnps://)")
            }
            Some(Closed { cause: Cause::Malformed | Cause::TooLarge, detail }) => {
                Self::foreign(&detail)
            }
            closed => Self::of_call(error, closed),
        }
    }

    /// Nothing was taken by what is no receiver; it may be one later.
    fn foreign(what: &str) -> Self {
        Self::new(Then::Again, format!("not a Cap'n Proto receiver: {what}"))
    }

    /// Whether the peer failed at the frame itself.
    pub(super) fn is_failure(&self) -> bool {
        self.then == Then::Once
    }

    /// For a frame whose bytes may have left if `sent`; `failed_before` is whether it had its one more try.
    pub(super) fn outcome(self, sent: bool, failed_before: bool) -> Outcome {
        let Self { error, then } = self;
        match then {
            Then::Again => Outcome::Retry { error, after: None, sent },
            Then::Once if !failed_before => Outcome::Retry { error, after: None, sent },
            Then::Once => Outcome::Refused { error: format!("{error}, twice") },
            Then::Never => Outcome::Refused { error },
            Then::TooLarge => Outcome::TooLarge { error },
        }
    }
}

/// What the other side said, if it was the other side.
fn words(error: &Error) -> Option<String> {
    error.extra.strip_prefix(REMOTE).map(|text| plain(text.as_bytes(), MAX_TEXT))
}

/// The receiver's words for what no second attempt changes.
fn is_never(text: &str) -> bool {
    text.starts_with("unauthorized") || text.starts_with("unsupported")
}

/// A peer's text for a log: one line, cut.
pub(super) fn plain(text: &[u8], most: usize) -> String {
    let cut = text.get(..most).unwrap_or(text);
    let text = String::from_utf8_lossy(cut);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
