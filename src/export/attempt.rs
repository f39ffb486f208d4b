//! What every attempt at a request of OTLP has in common, whatever carries it.

use super::connection::Failure;
use super::connector::Connector;
use super::{Frame, Outcome};

/// No receiver need take a larger request, counted before compression.
pub(super) const MAX_REQUEST: usize = 64 * 1024 * 1024;

/// What is too large for a request is not sent.
pub(super) fn too_large(frame: &Frame, connector: &Connector) -> Option<Outcome> {
    let size = frame.body.len();
    (size > MAX_REQUEST).then(|| {
        let error = format!("the request has {size} bytes, the limit is {MAX_REQUEST}");
        at(connector, Outcome::TooLarge { error })
    })
}

/// What became of it: without an answer it may be tried again.
pub(super) fn ended(answered: Result<Outcome, Failure>, connector: &Connector) -> Outcome {
    let again = |Failure { error, sent }| Outcome::Retry { error, after: None, sent };
    at(connector, answered.unwrap_or_else(again))
}

/// An error says whose it is.
fn at(connector: &Connector, mut outcome: Outcome) -> Outcome {
    if let Outcome::Retry { error, .. } | Outcome::Refused { error } | Outcome::TooLarge { error } =
        &mut outcome
    {
        *error = format!("{connector}: {error}");
    }
    outcome
}
