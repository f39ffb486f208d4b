//! One point in time for all the steps of an attempt.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// When an attempt must be over; it may be never.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    /// A limit too far away for the clock is none.
    pub(super) fn after(limit: Option<Duration>) -> Self {
        Self(limit.and_then(|limit| Instant::now().checked_add(limit)))
    }

    /// How long there still is.
    #[allow(dead_code, reason = "gRPC says it to the peer")]
    pub(super) fn left(self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// What `future` gives, or `None` where it does not in time.
    pub(super) async fn within<F: Future>(self, future: F) -> Option<F::Output> {
        match self.0 {
            Some(end) => timeout_at(end, future).await.ok(),
            None => Some(future.await),
        }
    }
}
