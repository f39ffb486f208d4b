//! The receiver's own metrics, for the process's telemetry.

use std::sync::Arc;

use super::Running;
use super::counts::{Arrivals, Signal};
use super::shared::Shared;
use crate::health::counters::Counter;
use crate::telemetry::{counter, up_down_counter};

/// One of the counters of what arrived.
type Outcome = (&'static str, fn(&Arrivals) -> &Counter);

const OUTCOMES: [Outcome; 4] = [
    ("taken", |arrivals| &arrivals.taken),
    ("duplicate", |arrivals| &arrivals.duplicate),
    ("refused", |arrivals| &arrivals.refused),
    ("sent_back", |arrivals| &arrivals.sent_back),
];

impl Running {
    /// Reports the counts as metrics of this process's telemetry, for the rest of the process:
    /// `trackside.receiver.items`, `trackside.receiver.waiting` and `trackside.receiver.connections`.
    pub fn observe(&self) {
        let items = counter("trackside.receiver.items").with_description("Items that came in");
        let waiting = up_down_counter("trackside.receiver.waiting")
            .with_description("Items that sinks have not answered for");
        for signal in Signal::ALL {
            let name = signal.name();
            for (outcome, of) in OUTCOMES {
                let shared = self.shared();
                let bound = items.bind(&[("signal", name.into()), ("outcome", outcome.into())]);
                bound.observe(move || of(shared.arrivals(signal)).read());
            }
            let shared = self.shared();
            let bound = waiting.bind(&[("signal", name.into())]);
            bound.observe(move || waiting_of(&shared, signal));
        }
        let shared = self.shared();
        let open = up_down_counter("trackside.receiver.connections")
            .with_description("Connections that are open");
        open.observe(move || i64::try_from(shared.connections.read().open).unwrap_or(i64::MAX));
    }
}

fn waiting_of(shared: &Arc<Shared>, signal: Signal) -> i64 {
    let queues = shared.sinks.queues().iter();
    let waiting: u64 = queues.map(|queue| queue.account(signal).waiting()).sum();
    i64::try_from(waiting).unwrap_or(i64::MAX)
}
