//! What a batch is answered, and who is still waiting for it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::windows::Claim;
use crate::schema::ingest_capnp::outcome::Rejection;

/// An answer, as `Outcome` of the schema has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    Duplicate,
    Partial { rejected: u64, message: String },
    Retry { after_millis: u32, reason: String },
    Rejected { reason: Rejection, detail: String },
}

impl Verdict {
    /// The batch is the receiver's, and need not come again.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self, Self::Accepted | Self::Duplicate | Self::Partial { .. })
    }

    /// The same with something to say beside it, where the batch was taken.
    pub(super) fn with_warning(self, warning: &str) -> Self {
        match self {
            Self::Accepted => Self::Partial { rejected: 0, message: warning.to_owned() },
            Self::Partial { rejected, message } if message.is_empty() => {
                Self::Partial { rejected, message: warning.to_owned() }
            }
            Self::Partial { rejected, message } => {
                Self::Partial { rejected, message: format!("{message}; {warning}") }
            }
            other => other,
        }
    }

    pub(super) fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { after_millis: 0, reason: reason.into() }
    }
}

/// Where a verdict will stand; it is there for whoever asks, also for those who ask again.
pub(super) type Awaited = watch::Receiver<Option<Verdict>>;

/// What one sink made of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Taken {
        rejected: u64,
        message: Option<String>,
    },
    Refused {
        reason: Rejection,
        error: String,
    },
    /// The receiver ends before the sink answered.
    GivenUp,
}

/// Collects the sinks' answers to one batch; the last one makes the verdict.
#[derive(Debug)]
pub(super) struct Answers {
    items: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    missing: usize,
    rejected: u64,
    message: String,
    refused: Option<(Rejection, String)>,
    given_up: bool,
    /// Taken by the last answer.
    claim: Option<Claim>,
}

impl Answers {
    /// For so many sinks, one at least.
    pub(super) fn new(items: u64, sinks: usize, claim: Claim) -> Arc<Self> {
        let state = State {
            missing: sinks,
            rejected: 0,
            message: String::new(),
            refused: None,
            given_up: false,
            claim: Some(claim),
        };
        Arc::new(Self { items, state: Mutex::new(state) })
    }

    pub(super) fn give(&self, answer: Answer) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Answer::Taken { rejected, message } => {
                state.rejected = state.rejected.max(rejected.min(self.items));
                if let Some(message) = message {
                    state.message = message;
                }
            }
            Answer::Refused { reason, error } => {
                state.rejected = self.items;
                state.refused = Some((reason, error));
            }
            Answer::GivenUp => state.given_up = true,
        }
        state.missing = state.missing.saturating_sub(1);
        if state.missing == 0 {
            if let Some(claim) = state.claim.take() {
                claim.settle(state.verdict());
            }
        }
    }
}

impl State {
    fn verdict(&mut self) -> Verdict {
        if self.given_up {
            return Verdict::retry("the receiver is shutting down");
        }
        match self.refused.take() {
            Some((reason, detail)) => Verdict::Rejected { reason, detail },
            None if self.rejected > 0 || !self.message.is_empty() => {
                let message = std::mem::take(&mut self.message);
                Verdict::Partial { rejected: self.rejected, message }
            }
            None => Verdict::Accepted,
        }
    }
}
