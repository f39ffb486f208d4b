//! When a destination may try, and how many frames at once.

use std::time::Duration;

use tokio::time::Instant;

use crate::export::Policy;

/// Healthy, all that the window holds are under way. Failing, one frame probes after each pause, and
/// the rest wait.
pub(super) struct Backoff {
    policy: Policy,
    /// Grows with each failure that counts. What began before it tells nothing new.
    epoch: u64,
    /// In a row.
    failures: u32,
    /// Attempts that began in this epoch and are under way.
    begun: usize,
    pause: Option<Pause>,
}

#[derive(Clone, Copy)]
struct Pause {
    end: Instant,
    /// The peer asked for it, so nobody may cut it short.
    is_asked: bool,
}

impl Backoff {
    pub(super) fn new(policy: Policy) -> Self {
        Self { policy, epoch: 0, failures: 0, begun: 0, pause: None }
    }

    pub(super) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    pub(super) fn may_begin(&self, now: Instant) -> bool {
        let is_over = self.pause.is_none_or(|pause| now >= pause.end);
        !self.is_failing() || (is_over && self.begun == 0)
    }

    /// An attempt begins; the epoch is given back with its answer.
    pub(super) fn begin(&mut self) -> u64 {
        self.begun += 1;
        self.epoch
    }

    /// An answer for good: the peer is well. True where this ends a failure.
    pub(super) fn succeed(&mut self, epoch: u64) -> bool {
        if epoch != self.epoch {
            return false;
        }
        self.begun = self.begun.saturating_sub(1);
        self.pause = None;
        std::mem::take(&mut self.failures) > 0
    }

    /// Not now. What failed together counts once, and gives `None` but for the first.
    pub(super) fn fail(
        &mut self,
        epoch: u64,
        asked: Option<Duration>,
        is_urgent: bool,
    ) -> Option<Duration> {
        let now = Instant::now();
        let asked_for = asked.map(|wait| Pause { end: now + wait, is_asked: true });
        if epoch != self.epoch {
            // Several answers may ask for a pause: the longest is kept.
            let later = asked_for.filter(|asked| self.pause.is_none_or(|own| own.end < asked.end));
            self.pause = later.or(self.pause);
            return None;
        }
        self.epoch += 1;
        self.begun = 0;
        self.failures = self.failures.saturating_add(1);
        let own = match is_urgent {
            true => Policy::PROMPT.wait(1),
            false => self.policy.wait(self.failures),
        };
        self.pause = asked_for.or(Some(Pause { end: now + own, is_asked: false }));
        Some(asked.unwrap_or(own))
    }

    /// Ends a pause of our own.
    pub(super) fn hurry(&mut self) {
        self.pause = self.pause.filter(|pause| pause.is_asked);
    }

    /// When there is something to do without anything happening.
    pub(super) fn resume_at(&self) -> Option<Instant> {
        self.pause.filter(|_| self.begun == 0).map(|pause| pause.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(7);

    #[tokio::test(start_paused = true)]
    async fn what_fails_together_counts_once_and_one_probes() {
        let mut backoff = Backoff::new(Policy::PATIENT);
        let epochs = [(); 3].map(|()| backoff.begin());
        let wait = backoff.fail(epochs[0], None, false).unwrap();
        assert!(wait >= Duration::from_millis(7_500) && wait <= Duration::from_millis(12_500));
        assert_eq!(backoff.fail(epochs[1], None, false), None);
        assert!(!backoff.succeed(epochs[2]), "begun before the failure");
        assert!(backoff.is_failing() && !backoff.may_begin(Instant::now()));
        tokio::time::advance(wait).await;
        assert!(backoff.may_begin(Instant::now()));
        let probe = backoff.begin();
        assert!(!backoff.may_begin(Instant::now()), "one at a time");
        assert!(backoff.fail(probe, None, false).unwrap() >= Duration::from_secs(15), "doubled");
        tokio::time::advance(LONG * 10).await;
        let probe = backoff.begin();
        assert!(backoff.succeed(probe));
        assert!(backoff.may_begin(Instant::now()) && !backoff.is_failing());
    }

    #[tokio::test(start_paused = true)]
    async fn a_hurry_ends_our_own_pause_and_not_the_peers() {
        let mut backoff = Backoff::new(Policy::PATIENT);
        let epoch = backoff.begin();
        backoff.fail(epoch, None, false);
        backoff.hurry();
        assert!(backoff.may_begin(Instant::now()));
        let epoch = backoff.begin();
        assert_eq!(backoff.fail(epoch, Some(LONG), true), Some(LONG));
        backoff.fail(epoch, Some(LONG * 2), true);
        backoff.hurry();
        assert_eq!(backoff.resume_at(), Some(Instant::now() + LONG * 2), "the longest asked for");
        assert!(!backoff.may_begin(Instant::now()));
    }
}
