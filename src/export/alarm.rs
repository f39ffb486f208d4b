//! Ends what takes too long, with one timer for all that is waited for in turn.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that stays armed when a wait is over: arming one that comes before all others takes calls of the system
/// and wakes the thread for nothing. The next wait finds it early, and moves it on only where it goes off.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// What `future` gives, or `None` where the deadline comes first.
    pub(crate) async fn within<F: Future>(
        &mut self,
        deadline: Instant,
        future: F,
    ) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if sleep.deadline() > deadline {
                sleep.as_mut().reset(deadline);
            }
            loop {
                ready!(sleep.as_mut().poll(context));
                if sleep.deadline() >= deadline {
                    return Poll::Ready(None);
                }
                sleep.as_mut().reset(deadline);
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Duration;

    use super::*;

    fn run(work: impl Future<Output = ()>) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(work);
    }

    #[test]
    fn each_wait_ends_at_its_own_deadline() {
        run(async {
            let (mut alarm, begin) = (Alarm::default(), Instant::now());
            // Later than the last one, sooner, past already, and after it went off.
            for seconds in [10, 25, 26, 20, 60] {
                let deadline = begin + Duration::from_secs(seconds);
                let was_past = Instant::now() >= deadline;
                assert_eq!(alarm.within(deadline, ready(seconds)).await, Some(seconds));
                assert_eq!(alarm.within(deadline, pending::<()>()).await, None);
                assert!(was_past || Instant::now() - deadline < Duration::from_millis(2));
            }
        });
    }

    #[test]
    fn one_that_goes_off_early_ends_nothing() {
        run(async {
            let (mut alarm, begin) = (Alarm::default(), Instant::now());
            let second = Duration::from_secs(1);
            // Armed, and left so.
            let soon = tokio::time::sleep(second);
            assert_eq!(alarm.within(begin + 5 * second, soon).await, Some(()));
            let late = tokio::time::sleep(8 * second);
            assert_eq!(alarm.within(begin + 20 * second, late).await, Some(()));
            assert!(Instant::now() - begin >= 9 * second);
        });
    }
}
