//! The exporter of one destination.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use super::super::frame::{Frame, Outcome};
use super::link::Link;
use super::session::Call;
use super::{Links, Signal};
use crate::config::plan::{CapnpPlan, Compression, Target, Token};

/// No receiver need take a larger batch.
pub(super) const MAX_BATCH: usize = 64 * 1024 * 1024;

/// Sends frames to one receiver, several at a time.
///
/// It needs a `LocalSet` on a tokio runtime with I/O and time; a call of `send` may be dropped at any point.
pub(crate) struct CapnpExporter {
    link: Rc<Link>,
    process: u64,
    signal: Signal,
    target: Target,
    token: Option<Token>,
    compression: Compression,
    limit: Option<Duration>,
    /// Frames that the receiver failed at once; it does not get them a third time.
    failed: RefCell<BTreeSet<(u64, u64)>>,
}

impl CapnpExporter {
    /// One attempt takes no longer than the plan's time-out and `attempt_limit`, for connecting and for
    /// calling each; a wait for room in the window is not counted.
    pub(crate) fn new(
        plan: &CapnpPlan,
        signal: Signal,
        attempt_limit: Option<Duration>,
        links: &Links,
    ) -> Self {
        Self {
            link: links.link(plan),
            process: links.process(),
            signal,
            target: plan.target.clone(),
            token: plan.token.clone(),
            compression: plan.compression,
            limit: plan.timeout.into_iter().chain(attempt_limit).min(),
            failed: RefCell::default(),
        }
    }

    /// Makes one attempt. A dropped call is cancelled; the receiver may have the frame all the same.
    pub(crate) async fn send(&self, frame: &Frame) -> Outcome {
        let data = frame.body.wire();
        if data.len() > MAX_BATCH {
            let error = format!("the batch has {} bytes, the limit is {MAX_BATCH}", data.len());
            return self.shown(Outcome::TooLarge { error });
        }
        let call = Call {
            frame,
            data: &data,
            signal: self.signal,
            process: self.process,
            compression: self.compression,
            limit: self.limit,
        };
        let name = (frame.exporter, frame.sequence);
        let outcome = match self.link.send(&call).await {
            Ok(outcome) => outcome,
            Err((ended, sent)) => {
                let failed_before = self.failed.borrow().contains(&name);
                if ended.is_failure() {
                    self.failed.borrow_mut().insert(name);
                }
                ended.outcome(sent, failed_before)
            }
        };
        if !matches!(outcome, Outcome::Retry { .. }) {
            self.failed.borrow_mut().remove(&name);
        }
        self.shown(outcome)
    }

    /// Whose words these are; the token is in none of them.
    fn shown(&self, mut outcome: Outcome) -> Outcome {
        let (text, is_error) = match &mut outcome {
            Outcome::Retry { error, .. }
            | Outcome::Refused { error }
            | Outcome::TooLarge { error }
            | Outcome::Unconfirmed { error } => (error, true),
            Outcome::Delivered { message: Some(message), .. } => (message, false),
            Outcome::Delivered { message: None, .. } => return outcome,
        };
        let token =
            self.token.as_ref().and_then(|token| std::str::from_utf8(token.as_bytes()).ok());
        if let Some(token) = token.filter(|token| text.contains(*token)) {
            *text = text.replace(token, "***");
        }
        if is_error {
            *text = format!("{}: {text}", self.target);
        }
        outcome
    }
}
