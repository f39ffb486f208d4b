//! Which batches were here before: the last sequences of each exporter.
//!
//! A batch that comes again while the first one still waits for its sinks is answered with it. A
//! sequence that is older than its window counts as new: at least once, never lost.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::credentials::Principal;
use super::verdict::{Awaited, Verdict};

/// Sequences that are remembered of each exporter.
pub(super) const SEQUENCES: u64 = 4096;
/// Exporters that are remembered; the one that was silent for longest makes room.
const EXPORTERS: usize = 10_000;
const WORDS: usize = (SEQUENCES / 64) as usize;

/// One exporter on behalf of one principal: nobody can spoil another's window.
pub(super) type Key = (Principal, u128);

/// The windows of a receiver, shared by its threads.
#[derive(Debug, Default)]
pub(super) struct Windows(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    windows: HashMap<Key, Window>,
    /// The windows by the moment of their last use.
    by_use: BTreeMap<u64, Key>,
    moment: u64,
}

#[derive(Debug)]
struct Window {
    last_use: u64,
    highest: u64,
    /// The bit of a sequence is at its remainder by `SEQUENCES`.
    taken: Box<[u64; WORDS]>,
    /// Those without a verdict.
    pending: HashMap<u64, Awaited>,
}

/// What is known of a batch.
pub(super) enum Known {
    /// Nothing; whoever has the claim decides.
    New(Claim, Awaited),
    Pending(Awaited),
    Taken,
}

/// The right to give the one verdict on a batch; dropped without one, the batch may come again.
#[derive(Debug)]
pub(super) struct Claim {
    windows: Arc<Windows>,
    key: Key,
    sequence: u64,
    /// Taken by the verdict.
    verdict: Option<watch::Sender<Option<Verdict>>>,
}

impl Windows {
    /// Looks a batch up, and claims it if it is new.
    pub(super) fn look(self: &Arc<Self>, key: Key, sequence: u64) -> Known {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = inner.window(key);
        if let Some(pending) = window.pending.get(&sequence) {
            return Known::Pending(pending.clone());
        }
        if window.holds(sequence) {
            return Known::Taken;
        }
        let (verdict, awaited) = watch::channel(None);
        window.pending.insert(sequence, awaited.clone());
        let claim = Claim { windows: Arc::clone(self), key, sequence, verdict: Some(verdict) };
        Known::New(claim, awaited)
    }
}

impl Inner {
    /// The window of an exporter, which becomes the one used last.
    fn window(&mut self, key: Key) -> &mut Window {
        self.moment += 1;
        let moment = self.moment;
        if !self.windows.contains_key(&key) && self.windows.len() >= EXPORTERS {
            // What waits for its verdict is bounded by what may be in memory, and stays.
            let idle = |(_, key): &(&u64, &Key)| self.windows[*key].pending.is_empty();
            if let Some((last_use, oldest)) = self.by_use.iter().find(idle) {
                let (last_use, oldest) = (*last_use, *oldest);
                self.by_use.remove(&last_use);
                self.windows.remove(&oldest);
            }
        }
        let window = self.windows.entry(key).or_insert_with(|| Window {
            last_use: moment,
            highest: 0,
            taken: Box::new([0; WORDS]),
            pending: HashMap::new(),
        });
        self.by_use.remove(&window.last_use);
        self.by_use.insert(moment, key);
        window.last_use = moment;
        window
    }
}

impl Window {
    fn holds(&self, sequence: u64) -> bool {
        let (word, bit) = place(sequence);
        let is_within = sequence <= self.highest && self.highest - sequence < SEQUENCES;
        is_within && self.taken[word] & bit != 0
    }

    fn take(&mut self, sequence: u64) {
        if sequence > self.highest {
            // The places of what moves out become those of what was not seen yet.
            let skipped = sequence - self.highest;
            if skipped >= SEQUENCES {
                self.taken.fill(0);
            } else {
                for skipped in self.highest + 1..=sequence {
                    let (word, bit) = place(skipped);
                    self.taken[word] &= !bit;
                }
            }
            self.highest = sequence;
        }
        if self.highest - sequence < SEQUENCES {
            let (word, bit) = place(sequence);
            self.taken[word] |= bit;
        }
    }
}

fn place(sequence: u64) -> (usize, u64) {
    let index = sequence % SEQUENCES;
    ((index / 64) as usize, 1 << (index % 64))
}

impl Claim {
    /// Gives the verdict to all who wait for it; what is taken is remembered.
    pub(super) fn settle(mut self, verdict: Verdict) {
        let sender = self.verdict.take();
        self.forget(verdict.is_taken());
        if let Some(sender) = sender {
            sender.send_replace(Some(verdict));
        }
    }

    fn forget(&self, is_taken: bool) {
        let mut inner = self.windows.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(window) = inner.windows.get_mut(&self.key) {
            window.pending.remove(&self.sequence);
            if is_taken {
                window.take(self.sequence);
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(sender) = self.verdict.take() {
            self.forget(false);
            sender.send_replace(Some(Verdict::retry("the batch was not handed over")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HERE: Principal = Principal::Anyone;

    /// Takes a batch, and tells whether it was new.
    fn take(windows: &Arc<Windows>, key: Key, sequence: u64) -> bool {
        match windows.look(key, sequence) {
            Known::New(claim, _) => {
                claim.settle(Verdict::Accepted);
                true
            }
            Known::Pending(_) => panic!("nobody else waits"),
            Known::Taken => false,
        }
    }

    #[test]
    fn a_batch_is_taken_once_for_each_principal_and_exporter() {
        let windows = Arc::new(Windows::default());
        let keys = [
            (HERE, 1),
            (HERE, 2),
            (Principal::Token(std::num::NonZeroU64::MIN), 1),
            (Principal::User(0), 1),
        ];
        for key in keys {
            assert!(take(&windows, key, 7));
            assert!(!take(&windows, key, 7));
        }
    }

    #[test]
    fn who_comes_while_the_first_waits_gets_its_verdict() {
        let windows = Arc::new(Windows::default());
        let Known::New(claim, first) = windows.look((HERE, 1), 1) else { panic!("it is new") };
        let Known::Pending(second) = windows.look((HERE, 1), 1) else { panic!("it waits") };
        assert!(first.borrow().is_none() && second.borrow().is_none());
        claim.settle(Verdict::Accepted);
        assert_eq!(*first.borrow(), Some(Verdict::Accepted));
        assert_eq!(*second.borrow(), Some(Verdict::Accepted));
    }

    #[test]
    fn what_was_not_taken_may_come_again() {
        let windows = Arc::new(Windows::default());
        let Known::New(claim, awaited) = windows.look((HERE, 1), 1) else { panic!("it is new") };
        drop(claim);
        assert!(matches!(*awaited.borrow(), Some(Verdict::Retry { .. })));
        let Known::New(claim, _) = windows.look((HERE, 1), 1) else { panic!("it is new again") };
        claim.settle(Verdict::retry("full"));
        assert!(take(&windows, (HERE, 1), 1));
    }

    #[test]
    fn a_jump_forgets_and_what_is_older_than_the_window_is_new() {
        let windows = Arc::new(Windows::default());
        let key = (HERE, 1);
        assert!(take(&windows, key, 1) && take(&windows, key, SEQUENCES));
        assert!(!take(&windows, key, 1), "the window reaches from 1 to 4096");
        assert!(take(&windows, key, SEQUENCES + 1));
        assert!(take(&windows, key, 1), "1 has left the window");
        assert!(take(&windows, key, u64::MAX) && !take(&windows, key, u64::MAX));
        assert!(take(&windows, key, 5));
    }

    #[test]
    fn exporters_are_bounded_and_the_silent_ones_go_first() {
        let windows = Arc::new(Windows::default());
        for exporter in 0..EXPORTERS as u128 {
            assert!(take(&windows, (HERE, exporter), 1));
        }
        assert!(!take(&windows, (HERE, 0), 1), "used again");
        assert!(take(&windows, (HERE, u128::MAX), 1));
        assert!(!take(&windows, (HERE, 0), 1), "still there");
        assert!(take(&windows, (HERE, 1), 1), "the one that was silent for longest is forgotten");
        let inner = windows.0.lock().unwrap();
        assert_eq!((inner.windows.len(), inner.by_use.len()), (EXPORTERS, EXPORTERS));
    }

    proptest! {
        #[test]
        fn within_the_window_nothing_is_taken_twice(steps in prop::collection::vec(0_u64..6000, 0..200)) {
            let windows = Arc::new(Windows::default());
            let (mut seen, mut highest) = (std::collections::HashSet::new(), 0);
            for sequence in steps {
                let is_within = sequence + SEQUENCES > highest;
                let is_new = take(&windows, (HERE, 1), sequence);
                prop_assert_eq!(is_new, !is_within || !seen.contains(&sequence));
                highest = highest.max(sequence);
                seen.insert(sequence);
            }
        }
    }
}
