//! The one background thread: drains the rings, cuts batches, collects metrics, answers flushes, and
//! leaves at a deadline.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::config::plan::{ExporterPlan, Plan};
use crate::encode::sdk::resource_of;
use crate::encode::{LogEncoder, MetricEncoder, SpanEncoder};
use crate::error::Error;
use crate::export::capnp::{Links, Signal};

use super::clock::Anchor;
use super::destination::{Destination, Setup};
use super::intake::Intake;
use super::metrics::MetricRoad;
use super::road::{Exit, Road};
use super::shared::{Request, Shared};

/// Metric points that may wait for one destination.
const MAX_POINTS: usize = 1 << 20;

/// How long the end of a connection may take, where there is time for it.
const FAREWELL: Duration = Duration::from_millis(500);

pub(super) struct Worker {
    shared: Arc<Shared>,
    traces: Road<SpanEncoder>,
    logs: Road<LogEncoder>,
    metrics: MetricRoad,
    tasks: Vec<JoinHandle<()>>,
    /// The connections of Cap'n Proto.
    links: Links,
    anchor: Anchor,
    pending: Vec<Pending>,
}

/// A flush or a shutdown under way.
struct Pending {
    request: Request,
    /// What each destination has to settle; `None` until the rings have been drained.
    targets: Option<Vec<u64>>,
}

impl Worker {
    /// Call inside a `LocalSet`.
    pub(super) fn new(plan: &Plan, shared: Arc<Shared>) -> Self {
        let Plan { traces, logs, metrics, resource, pace, .. } = plan;
        let of_sdk = resource_of(resource);
        let all = traces.exporters.iter().chain(&logs.exporters).chain(&metrics.exporters);
        for exporter in all {
            if let ExporterPlan::Foreign(foreign) = exporter {
                foreign.set_resource(&of_sdk);
            }
        }
        let links = Links::new();
        let setup = |exporter, signal, noun, max_queue, attempt_limit| Setup {
            exporter,
            signal,
            links: &links,
            noun,
            max_queue,
            attempt_limit,
            pace: *pace,
        };
        let of_traces = exits(&shared, &shared.traces, &traces.exporters, |exporter| {
            let batch = &traces.batch;
            let setup =
                setup(exporter, Signal::Traces, "spans", batch.max_queue, batch.export_timeout);
            (SpanEncoder::new(exporter, resource), setup)
        });
        let of_logs = exits(&shared, &shared.logs, &logs.exporters, |exporter| {
            let batch = &logs.batch;
            let setup =
                setup(exporter, Signal::Logs, "log records", batch.max_queue, batch.export_timeout);
            (LogEncoder::new(exporter, resource), setup)
        });
        let of_metrics = exits(&shared, &shared.metrics, &metrics.exporters, |exporter| {
            let setup =
                setup(exporter, Signal::Metrics, "metric points", MAX_POINTS, metrics.timeout);
            (MetricEncoder::new(exporter, resource), setup)
        });
        let traces = Road::new(of_traces, traces.batch.max_batch, traces.batch.schedule_delay)
            .seen_by(shared.meters.onlooker().filter(|_| !metrics.exporters.is_empty()));
        let logs = Road::new(of_logs, logs.batch.max_batch, logs.batch.schedule_delay);
        let metrics = MetricRoad::new(of_metrics, metrics.interval);
        let destinations = traces.destinations().chain(logs.destinations());
        let tasks = destinations.chain(metrics.destinations()).map(Destination::spawn);
        let tasks = tasks.chain(super::scrape::spawn(plan, &shared)).collect();
        let anchor = Anchor::now();
        Self { shared, traces, logs, metrics, tasks, links, anchor, pending: Vec::new() }
    }

    /// Works until a shutdown is over; gives back what there is to answer.
    pub(super) async fn run(mut self) -> Vec<(Request, Result<(), Error>)> {
        loop {
            let schedules = [self.traces.next, self.logs.next, self.metrics.next];
            let deadlines = self.pending.iter().map(|pending| pending.request.deadline.into());
            let wake_at = deadlines.chain(schedules).fold(schedules[0], Instant::min);
            // Woken or due: both mean another round.
            let _ = timeout_at(wake_at, self.shared.wake.notified()).await;
            let now = Instant::now();
            self.accept();
            let is_drained = self.round(now);
            if is_drained {
                self.aim();
            }
            if self.answer(now) {
                return self.leave().await;
            }
            if self.pending.is_empty() {
                self.destinations().for_each(|destination| destination.calm());
            }
        }
    }

    /// Takes new requests; a wait between two attempts ends for them.
    fn accept(&mut self) {
        let requests = self.shared.take_requests();
        if !requests.is_empty() {
            self.destinations().for_each(|destination| destination.hurry());
        }
        self.pending.extend(requests.into_iter().map(|request| Pending { request, targets: None }));
    }

    /// Drains what there is, and cuts what is due; false where some records had to stay.
    fn round(&mut self, now: Instant) -> bool {
        let Self { shared, traces, logs, metrics, anchor, pending, .. } = self;
        let is_asked = pending.iter().any(|pending| pending.targets.is_none());
        let is_due = [traces.is_due(now), logs.is_due(now)];
        *anchor = anchor.renewed();
        let is_drained = [traces.drain(&shared.traces, anchor), logs.drain(&shared.logs, anchor)];
        if is_due[0] || (is_asked && is_drained[0]) {
            traces.cut(&shared.traces, anchor);
        }
        if is_due[1] || (is_asked && is_drained[1]) {
            logs.cut(&shared.logs, anchor);
        }
        // A shutdown's collection is the last: nobody would wait for one that comes after it.
        let is_over = |pending: &Pending| pending.request.is_shutdown && pending.targets.is_some();
        let is_due = metrics.is_due(now) && !pending.iter().any(is_over);
        if is_due || (is_asked && is_drained == [true, true]) {
            metrics.collect(shared);
        }
        if (!is_drained[0] && traces.room() > 0) || (!is_drained[1] && logs.room() > 0) {
            // It was only this round's share; otherwise an answer wakes us.
            shared.wake.notify_one();
        }
        is_drained == [true, true]
    }

    fn destinations(&self) -> impl Iterator<Item = &std::rc::Rc<Destination>> {
        let records = self.traces.destinations().chain(self.logs.destinations());
        records.chain(self.metrics.destinations())
    }

    /// All that was recorded before the waiting requests is queued now.
    fn aim(&mut self) {
        let targets: Vec<u64> = self.destinations().map(|to| to.last_sequence()).collect();
        for pending in self.pending.iter_mut().filter(|pending| pending.targets.is_none()) {
            pending.targets = Some(targets.clone());
        }
    }

    /// Answers the requests that are done or late; true where one of them was a shutdown.
    fn answer(&mut self, now: Instant) -> bool {
        let mut waiting = Vec::new();
        let mut is_end = false;
        for pending in std::mem::take(&mut self.pending) {
            let is_done = self.is_done(&pending);
            let is_over = is_done || now >= pending.request.deadline.into();
            if is_over && !pending.request.is_shutdown {
                let result = if is_done { Ok(()) } else { Err(late(self.shared.waiting())) };
                pending.request.done.complete(result);
            } else {
                is_end |= is_over;
                waiting.push(pending);
            }
        }
        self.pending = waiting;
        is_end
    }

    fn is_done(&self, pending: &Pending) -> bool {
        pending.targets.as_ref().is_some_and(|targets| {
            self.destinations().zip(targets).all(|(to, target)| to.has_settled(*target))
        })
    }

    /// Counts what is left behind, and says what each request is to be told.
    async fn leave(mut self) -> Vec<(Request, Result<(), Error>)> {
        let left = self.shared.waiting();
        self.tasks.iter().for_each(JoinHandle::abort);
        self.round(Instant::now());
        self.traces.cut(&self.shared.traces, &self.anchor);
        self.logs.cut(&self.shared.logs, &self.anchor);
        self.destinations().for_each(|destination| destination.abandon());
        let ends = self.pending.iter().filter(|pending| pending.request.is_shutdown);
        let end = ends.map(|pending| pending.request.deadline).min();
        let end = end.unwrap_or_else(std::time::Instant::now);
        for destination in self.destinations() {
            destination.close(end.saturating_duration_since(std::time::Instant::now()));
        }
        // A peer that does not hear a farewell finds out soon enough.
        let farewell = Instant::from_std(end).min(Instant::now() + FAREWELL);
        let _ = timeout_at(farewell, self.links.close()).await;
        let result = if left == 0 { Ok(()) } else { Err(late(left)) };
        self.pending.drain(..).map(|pending| (pending.request, result.clone())).collect()
    }
}

/// An encoder and a destination for each exporter of a signal.
fn exits<'a, E>(
    shared: &Arc<Shared>,
    intake: &Intake,
    exporters: &'a [ExporterPlan],
    make: impl Fn(&'a ExporterPlan) -> (E, Setup<'a>),
) -> Vec<Exit<E>> {
    let accounts = exporters.iter().zip(&intake.accounts);
    let sent = accounts.filter(|(exporter, _)| !matches!(exporter, ExporterPlan::Prometheus(_)));
    let exit = sent.map(|(exporter, account)| {
        let (encoder, setup) = make(exporter);
        Exit { encoder, destination: Destination::new(setup, account, shared) }
    });
    exit.collect()
}

fn late(items: u64) -> Error {
    Error::timed_out(format!("the deadline passed with {items} items not answered"))
}
