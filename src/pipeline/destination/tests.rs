//! Several frames under way, answered in any order, or not at all.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tokio::task::{JoinHandle, LocalSet, yield_now};
use tokio::time::Instant;

use super::{Destination, Setup};
use crate::config::TelemetryConfig;
use crate::config::plan::ExporterPlan;
use crate::export::capnp::{Links, Signal};
use crate::export::scripted::Scripted;
use crate::export::{Exporter, Outcome};
use crate::health::diagnostics::Diagnostics;
use crate::health::ledger::Account;
use crate::pipeline::shared::Shared;
use crate::telemetry::Pace;

/// Items in each frame.
const ITEMS: u64 = 10;

struct Stage {
    script: Rc<Scripted>,
    destination: Rc<Destination>,
    account: Arc<Account>,
    serving: JoinHandle<()>,
}

impl Stage {
    fn new(window: usize) -> Self {
        let resolved = TelemetryConfig::default().with_variables(Vec::new()).plan();
        let plan = resolved.expect("no argument is bad").plan;
        let shared = Arc::new(Shared::new(&plan, Arc::new(Diagnostics::new(None, None))));
        let (script, account) = (Rc::new(Scripted::new(window)), Arc::default());
        let of_exporter = Rc::clone(&script);
        let setup = Setup {
            exporter: &ExporterPlan::Console { no_color: true },
            signal: Signal::Traces,
            links: &Links::new(),
            noun: "spans",
            max_queue: 1000,
            attempt_limit: None,
            pace: Pace::Prompt,
        };
        let make = Box::new(move || Exporter::Scripted(Rc::clone(&of_exporter)));
        let destination = Destination::over(make, setup, &account, &shared);
        let serving = destination.spawn();
        Self { script, destination, account, serving }
    }

    async fn enqueue(&self, frames: u64) {
        for _ in 0..frames {
            self.destination.enqueue(ITEMS as usize, |_| Bytes::from_static(b"body").into());
        }
        self.settle().await;
    }

    /// Lets every task run until it waits; the clock stands still meanwhile.
    async fn settle(&self) {
        for _ in 0..50 {
            yield_now().await;
        }
    }

    async fn answer(&self, sequence: u64, outcome: Outcome) {
        self.script.answer(sequence, outcome);
        self.settle().await;
    }

    /// Lets the pause between two attempts pass.
    async fn pause(&self) {
        tokio::time::advance(Duration::from_secs(30)).await;
        self.settle().await;
    }

    /// Delivered, rejected, unconfirmed, dropped at the shutdown, waiting: in frames.
    fn counts(&self) -> [u64; 5] {
        let Account { delivered, rejected, unconfirmed, shutdown, .. } = &*self.account;
        let counts = [delivered, rejected, unconfirmed, shutdown].map(|counter| counter.read());
        let waiting = self.account.waiting();
        [counts[0], counts[1], counts[2], counts[3], waiting].map(|items| items / ITEMS)
    }
}

fn delivered() -> Outcome {
    Outcome::Delivered { rejected: 0, message: None }
}

fn retry(sent: bool) -> Outcome {
    Outcome::Retry { error: "not now".to_owned(), after: None, sent }
}

/// Runs with a clock that a test moves.
fn on_stage(window: usize, test: impl AsyncFnOnce(Stage)) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    LocalSet::new().block_on(&runtime.unwrap(), async { test(Stage::new(window)).await });
}

#[test]
fn a_window_is_under_way_and_a_flush_waits_for_the_oldest() {
    on_stage(3, async |stage| {
        stage.enqueue(5).await;
        assert_eq!(stage.script.under_way(), [1, 2, 3]);
        stage.answer(2, delivered()).await;
        stage.answer(3, delivered()).await;
        assert_eq!(stage.script.under_way(), [1, 4, 5]);
        assert!(!stage.destination.has_settled(2), "the first is not answered");
        stage.answer(1, delivered()).await;
        assert!(stage.destination.has_settled(3) && !stage.destination.has_settled(4));
        assert_eq!(stage.counts(), [3, 0, 0, 0, 2]);
        stage.answer(5, Outcome::Refused { error: "no".to_owned() }).await;
        stage.answer(4, Outcome::Unconfirmed { error: "who knows".to_owned() }).await;
        assert!(stage.destination.has_settled(stage.destination.last_sequence()));
        assert_eq!(stage.counts(), [3, 1, 1, 0, 0]);
    });
}

#[test]
fn a_window_of_one_keeps_the_order() {
    on_stage(1, async |stage| {
        stage.enqueue(3).await;
        for sequence in 1..=3 {
            assert_eq!(stage.script.under_way(), [sequence]);
            stage.answer(sequence, delivered()).await;
        }
        assert_eq!(stage.counts(), [3, 0, 0, 0, 0]);
    });
}

#[test]
fn failing_the_oldest_probes_and_the_rest_waits() {
    on_stage(3, async |stage| {
        stage.enqueue(4).await;
        for sequence in [2, 3, 1] {
            stage.answer(sequence, retry(true)).await;
        }
        assert_eq!(stage.script.under_way(), [0; 0], "the pause");
        assert_eq!(stage.destination.room(), usize::MAX, "records are not held back for it");
        stage.pause().await;
        assert_eq!(stage.script.under_way(), [1], "the oldest, alone");
        stage.answer(1, retry(true)).await;
        stage.pause().await;
        assert_eq!(stage.script.under_way(), [1]);
        stage.answer(1, delivered()).await;
        assert_eq!(stage.script.under_way(), [2, 3, 4], "oldest first");
        for sequence in [4, 3, 2] {
            stage.answer(sequence, delivered()).await;
        }
        assert_eq!(stage.counts(), [4, 0, 0, 0, 0]);
        assert_eq!(*stage.script.attempts.borrow(), [1, 2, 3, 1, 1, 2, 3, 4]);
    });
}

#[test]
fn a_flush_ends_the_pause_unless_the_peer_asked_for_it() {
    on_stage(2, async |stage| {
        stage.enqueue(1).await;
        stage.answer(1, retry(true)).await;
        let before = Instant::now();
        stage.destination.hurry();
        stage.settle().await;
        assert_eq!((stage.script.under_way(), Instant::now()), (vec![1], before));
        let (error, after) = ("full".to_owned(), Some(Duration::from_secs(9)));
        stage.answer(1, Outcome::Retry { error, after, sent: false }).await;
        stage.destination.hurry();
        stage.settle().await;
        assert_eq!(stage.script.under_way(), [0; 0]);
        stage.pause().await;
        assert_eq!(stage.script.under_way(), [1]);
    });
}

#[test]
fn a_panic_costs_one_frame() {
    on_stage(3, async |stage| {
        stage.enqueue(4).await;
        stage.script.panic(2);
        stage.settle().await;
        assert_eq!(stage.counts(), [0, 0, 1, 0, 3]);
        assert_eq!(stage.script.under_way(), [1, 3, 4]);
        for sequence in [1, 3, 4] {
            stage.answer(sequence, delivered()).await;
        }
        assert_eq!(stage.counts(), [3, 0, 1, 0, 0]);
    });
}

#[test]
fn a_shutdown_asks_of_each_frame_whether_it_was_sent() {
    on_stage(2, async |stage| {
        stage.enqueue(4).await;
        // One is sent, fails before a byte leaves, and waits; one is sent and waits.
        stage.answer(1, retry(false)).await;
        stage.answer(2, retry(true)).await;
        stage.script.marks_sent.set(false);
        stage.pause().await;
        assert_eq!(stage.script.under_way(), [1]);
        stage.serving.abort();
        stage.destination.abandon();
        assert_eq!(stage.counts(), [0, 0, 1, 3, 0]);
        stage.destination.abandon();
        stage.settle().await;
        assert_eq!(stage.counts(), [0, 0, 1, 3, 0], "counted once");
    });
}

#[test]
fn what_reached_the_peer_once_stays_sent() {
    on_stage(1, async |stage| {
        stage.enqueue(1).await;
        stage.answer(1, retry(true)).await;
        stage.pause().await;
        stage.answer(1, retry(false)).await;
        stage.destination.abandon();
        assert_eq!(stage.counts(), [0, 0, 1, 0, 0]);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_item_ends_in_one_counter(
        window in 1_usize..6,
        steps in proptest::collection::vec((0_usize..6, 0_u8..7), 1..60),
    ) {
        on_stage(window, async |stage| {
            let mut frames = 0;
            for (pick, what) in steps {
                let under_way = stage.script.under_way();
                if under_way.is_empty() || what == 0 {
                    frames += 1;
                    stage.enqueue(1).await;
                    stage.pause().await;
                    continue;
                }
                assert!(under_way.len() <= window);
                let sequence = under_way[pick % under_way.len()];
                match what {
                    1 => stage.script.panic(sequence),
                    2 => stage.answer(sequence, retry(false)).await,
                    3 => stage.answer(sequence, retry(true)).await,
                    4 => stage.answer(sequence, Outcome::Refused { error: String::new() }).await,
                    _ => stage.answer(sequence, delivered()).await,
                }
                stage.settle().await;
                assert_eq!(stage.counts().iter().sum::<u64>(), frames);
            }
            stage.serving.abort();
            stage.destination.abandon();
            assert_eq!(stage.account.waiting(), 0);
            assert_eq!(stage.counts().iter().sum::<u64>(), frames);
        });
    }
}
