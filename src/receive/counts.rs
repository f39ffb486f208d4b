//! What became of every item: for the receiver as a whole, and for each sink.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::health::counters::Counter;
use crate::schema::ingest_capnp::batch;

/// A signal, as an index into what is kept for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Traces = 0,
    Metrics = 1,
    Logs = 2,
}

impl Signal {
    pub(super) const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// `None` for what was never checked.
    pub(super) fn of(signal: batch::Signal) -> Option<Self> {
        match signal {
            batch::Signal::Traces => Some(Self::Traces),
            batch::Signal::Metrics => Some(Self::Metrics),
            batch::Signal::Logs => Some(Self::Logs),
            batch::Signal::Unset => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        ["traces", "metrics", "logs"][self as usize]
    }

    /// What its items are called.
    pub(super) fn noun(self) -> &'static str {
        ["spans", "points", "log records"][self as usize]
    }
}

/// The accounts of a receiver at one moment, exact while nothing moves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Spans that came in.
    pub traces: Arrived,
    /// Data points that came in.
    pub metrics: Arrived,
    /// Log records that came in.
    pub logs: Arrived,
    /// What each sink made of those that were taken, in the order of the settings.
    pub sinks: Vec<SinkCounts>,
    /// The connections.
    pub connections: Connections,
}

/// Items as they came: `announced` is the sum of the next four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arrived {
    /// Items of all batches that came, as these said.
    pub announced: u64,
    /// Handed to the sinks.
    pub taken: u64,
    /// Taken before, under the same exporter and sequence.
    pub duplicate: u64,
    /// Never taken: malformed, too large or of an unknown format.
    pub refused: u64,
    /// Not taken now; the exporter still has them.
    pub sent_back: u64,
    /// No items: arrays and maps that lay deeper in items that were taken than OTLP's decoders look, and
    /// that were left out of them.
    pub cut_values: u64,
}

/// The account of one sink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkCounts {
    /// Where it leads.
    pub name: String,
    /// Spans.
    pub traces: Flow,
    /// Data points.
    pub metrics: Flow,
    /// Log records.
    pub logs: Flow,
    /// What last went wrong.
    pub last_error: Option<String>,
}

/// Items of one signal and one sink:
/// `received = forwarded + rejected + unconfirmed + dropped + sent_back + waiting`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flow {
    /// Taken by the receiver.
    pub received: u64,
    /// Acknowledged by the sink.
    pub forwarded: u64,
    /// Refused by the sink for good.
    pub rejected: u64,
    /// Sent, not answered, and given up.
    pub unconfirmed: u64,
    /// Dropped, by cause.
    pub dropped: Causes,
    /// Given up before the exporter got an answer: it still has them.
    pub sent_back: u64,
    /// Not answered yet.
    pub waiting: u64,
}

/// Why items were dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Causes {
    /// The queue of a sink that nothing waits for was full.
    pub queue_full: u64,
    /// Larger than the sink takes.
    pub too_large: u64,
    /// Left at the deadline of the shutdown.
    pub shutdown: u64,
}

/// Connections, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connections {
    /// Now.
    pub open: u64,
    /// So far.
    pub accepted: u64,
    /// Closed at once: there were too many.
    pub over_limit: u64,
    /// Spoke HTTP, and were told so.
    pub http: u64,
    /// Spoke without TLS where it has to be TLS, and were told so; those that spoke HTTP are among them.
    pub plaintext: u64,
    /// Began TLS and did not get to its end: with no certificate, with a wrong one, or for any other reason.
    pub handshakes: u64,
    /// Did not log in in time.
    pub not_logged_in: u64,
    /// Log-ins with a wrong token, with none, or of a wrong user.
    pub unauthorized: u64,
    /// Ended because their token is not taken any more.
    pub revoked: u64,
    /// Ended for their age.
    pub aged: u64,
    /// Ended by an error: of the protocol, of the network, or a limit.
    pub failed: u64,
    /// Ended by a panic.
    pub panicked: u64,
}

impl Causes {
    /// Of all causes.
    pub fn total(&self) -> u64 {
        self.queue_full + self.too_large + self.shutdown
    }
}

impl Counts {
    /// Items that a peer was told are safe here and that did not get to their sink.
    pub fn lost(&self) -> u64 {
        let flows = self.sinks.iter().flat_map(|sink| [sink.traces, sink.metrics, sink.logs]);
        flows.map(|flow| flow.rejected + flow.unconfirmed + flow.dropped.total()).sum()
    }
}

/// What arrived, of one signal.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    pub(super) taken: Counter,
    pub(super) duplicate: Counter,
    pub(super) refused: Counter,
    pub(super) sent_back: Counter,
    pub(super) cut_values: Counter,
}

impl Arrivals {
    pub(super) fn read(&self) -> Arrived {
        let [taken, duplicate, refused, sent_back] =
            [&self.taken, &self.duplicate, &self.refused, &self.sent_back].map(Counter::read);
        let announced = taken + duplicate + refused + sent_back;
        let cut_values = self.cut_values.read();
        Arrived { announced, taken, duplicate, refused, sent_back, cut_values }
    }
}

/// One sink's account of one signal; an item is in `waiting` until it is in exactly one of the others.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) received: Counter,
    waiting: AtomicU64,
    pub(super) forwarded: Counter,
    pub(super) rejected: Counter,
    pub(super) unconfirmed: Counter,
    pub(super) queue_full: Counter,
    pub(super) too_large: Counter,
    pub(super) shutdown: Counter,
    pub(super) sent_back: Counter,
}

impl Account {
    pub(super) fn take_on(&self, items: u64) {
        self.waiting.fetch_add(items, Ordering::AcqRel);
        self.received.add(items);
    }

    /// Moves waiting items to another counter.
    pub(super) fn settle(&self, items: u64, to: &Counter) {
        to.add(items);
        self.waiting.fetch_sub(items, Ordering::AcqRel);
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Acquire)
    }

    pub(super) fn read(&self) -> Flow {
        Flow {
            received: self.received.read(),
            forwarded: self.forwarded.read(),
            rejected: self.rejected.read(),
            unconfirmed: self.unconfirmed.read(),
            dropped: Causes {
                queue_full: self.queue_full.read(),
                too_large: self.too_large.read(),
                shutdown: self.shutdown.read(),
            },
            sent_back: self.sent_back.read(),
            waiting: self.waiting(),
        }
    }
}

/// What happened to connections.
#[derive(Debug, Default)]
pub(super) struct Arriving {
    pub(super) open: AtomicU64,
    pub(super) accepted: Counter,
    pub(super) over_limit: Counter,
    pub(super) http: Counter,
    pub(super) plaintext: Counter,
    pub(super) handshakes: Counter,
    pub(super) not_logged_in: Counter,
    pub(super) unauthorized: Counter,
    pub(super) revoked: Counter,
    pub(super) aged: Counter,
    pub(super) failed: Counter,
    pub(super) panicked: Counter,
}

impl Arriving {
    pub(super) fn read(&self) -> Connections {
        Connections {
            open: self.open.load(Ordering::Acquire),
            accepted: self.accepted.read(),
            over_limit: self.over_limit.read(),
            http: self.http.read(),
            plaintext: self.plaintext.read(),
            handshakes: self.handshakes.read(),
            not_logged_in: self.not_logged_in.read(),
            unauthorized: self.unauthorized.read(),
            revoked: self.revoked.read(),
            aged: self.aged.read(),
            failed: self.failed.read(),
            panicked: self.panicked.read(),
        }
    }
}
