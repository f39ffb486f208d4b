//! What a receiver's outcome means.

use std::time::Duration;

use super::super::frame::Outcome;
use super::ended::plain;
use crate::schema::ingest_capnp::outcome::{self, Rejection};

/// How much of the peer's words on an accepted batch is kept, and on one that is not.
const MAX_WARNING: usize = 256;
const MAX_ERROR: usize = 1024;

/// A peer may ask for no longer pause.
const MAX_PAUSE: Duration = Duration::from_secs(300);

/// What became of a batch of `items` items. `Err` is an answer that cannot be read.
pub(super) fn read(answer: outcome::Reader<'_>, items: u32) -> capnp::Result<Outcome> {
    let Ok(which) = answer.which() else {
        return Ok(unknown());
    };
    Ok(match which {
        outcome::Accepted(()) => {
            let warning = text(answer.get_warning()?, MAX_WARNING);
            Outcome::Delivered { rejected: 0, message: warning }
        }
        outcome::Duplicate(()) => Outcome::Delivered { rejected: 0, message: None },
        outcome::Partial(partial) => Outcome::Delivered {
            rejected: partial.get_rejected_items().min(u64::from(items)),
            message: Some(text(partial.get_message()?, MAX_WARNING).unwrap_or_default()),
        },
        outcome::Retry(retry) => {
            let asked = Duration::from_millis(u64::from(retry.get_after_millis()));
            let reason = text(retry.get_reason()?, MAX_ERROR);
            let mut error = match reason {
                Some(reason) => format!("not now: {reason}"),
                None => "not now".to_owned(),
            };
            if asked > MAX_PAUSE {
                let (asked, given) = (asked.as_secs(), MAX_PAUSE.as_secs());
                error.push_str(&format!(" (asked for a pause of {asked} s, gets {given} s)"));
            }
            let after = (!asked.is_zero()).then_some(asked.min(MAX_PAUSE));
            Outcome::Retry { error, after, sent: false }
        }
        outcome::Rejected(rejected) => {
            let reason = rejected.get_reason();
            let name = match reason {
                Ok(Rejection::Malformed) => "malformed".to_owned(),
                Ok(Rejection::TooLarge) => "too large".to_owned(),
                Ok(Rejection::Unsupported) => "unsupported".to_owned(),
                Ok(Rejection::Unauthorized) => "unauthorized".to_owned(),
                Ok(Rejection::Quota) => "over its quota".to_owned(),
                Ok(Rejection::Unset) => "for no reason it names".to_owned(),
                Err(capnp::NotInSchema(number)) => format!("reason {number}"),
            };
            let detail = text(rejected.get_detail()?, MAX_ERROR).unwrap_or_default();
            let error = format!("rejected as {name}: {detail}");
            if matches!(reason, Ok(Rejection::TooLarge)) {
                Outcome::TooLarge { error }
            } else {
                Outcome::Refused { error }
            }
        }
        outcome::Unset(()) => unknown(),
    })
}

/// Whether it has the batch cannot be known; asking again gives the same.
fn unknown() -> Outcome {
    let error = "answered with an outcome that this version does not know: update trackside here";
    Outcome::Refused { error: error.to_owned() }
}

fn text(text: capnp::text::Reader<'_>, most: usize) -> Option<String> {
    let text = plain(text.as_bytes(), most);
    (!text.is_empty()).then_some(text)
}
