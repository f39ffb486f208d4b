//! What the ledger says, as metrics: the SDK's own, by the semantic conventions, at each collection.
//!
//! Each destination counts as a processor with its exporter. Of each, at a quiet moment: what was processed
//! and what is in the queue are all that was recorded; what was exported, and what is in flight, are all
//! that was processed and not dropped.

mod components;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::config::plan::{ExporterPlan, Plan, Temporality};
use crate::encode::view::{
    Any, Histogram, MetricData, MetricView, Number, Pairs, Point, Scope, Temporality as OfView,
};
use crate::health::durations::{BOUNDS, Durations};
use crate::health::ledger::Account;

use super::clock;
use super::intake::Intake;
use super::shared::Shared;
use components::{Component, exporter, processor};

/// The metrics of one signal.
struct Names {
    unit: &'static str,
    /// None where nothing is batched.
    queue: Option<[&'static str; 3]>,
    inflight: &'static str,
    exported: &'static str,
}

static SPANS: Names = Names {
    unit: "{span}",
    queue: Some([
        "otel.sdk.processor.span.queue.size",
        "otel.sdk.processor.span.queue.capacity",
        "otel.sdk.processor.span.processed",
    ]),
    inflight: "otel.sdk.exporter.span.inflight",
    exported: "otel.sdk.exporter.span.exported",
};

static LOGS: Names = Names {
    unit: "{log_record}",
    queue: Some([
        "otel.sdk.processor.log.queue.size",
        "otel.sdk.processor.log.queue.capacity",
        "otel.sdk.processor.log.processed",
    ]),
    inflight: "otel.sdk.exporter.log.inflight",
    exported: "otel.sdk.exporter.log.exported",
};

static POINTS: Names = Names {
    unit: "{data_point}",
    queue: None,
    inflight: "otel.sdk.exporter.metric_data_point.inflight",
    exported: "otel.sdk.exporter.metric_data_point.exported",
};

const DURATION: &str = "otel.sdk.exporter.operation.duration";
const ERROR: &str = "error.type";

/// A destination of a signal.
struct Line {
    names: &'static Names,
    intake: fn(&Shared) -> &Intake,
    account: Arc<Account>,
    capacity: usize,
    processor: Component,
    exporter: Component,
}

/// The SDK's own metrics of one pipeline.
pub(super) struct SdkMetrics {
    lines: Vec<Line>,
    is_delta: bool,
    state: Mutex<State>,
}

/// What the last collection has seen.
struct State {
    start: u64,
    previous: u64,
    sums: HashMap<(usize, &'static str, &'static str), u64>,
    durations: Vec<Durations>,
}

/// A line's number under a name, with the kind of error or none.
struct Value {
    line: usize,
    name: &'static str,
    unit: &'static str,
    error: &'static str,
    number: u64,
    is_sum: bool,
}

impl SdkMetrics {
    /// `None` where nobody asked for them.
    pub(super) fn new(
        plan: &Plan,
        traces: &Intake,
        logs: &Intake,
        metrics: &Intake,
    ) -> Option<Self> {
        if !plan.metrics.of_sdk {
            return None;
        }
        let mut lines = Vec::new();
        let mut add = |names,
                       of: fn(&Shared) -> &Intake,
                       intake: &Intake,
                       exporters: &[ExporterPlan],
                       capacity,
                       noun| {
            for (index, (plan, account)) in exporters.iter().zip(&intake.accounts).enumerate() {
                // What is fetched is in no account.
                if matches!(plan, ExporterPlan::Prometheus(_)) {
                    continue;
                }
                lines.push(Line {
                    names,
                    intake: of,
                    account: Arc::clone(account),
                    capacity,
                    processor: processor(noun, index),
                    exporter: exporter(plan, noun, index),
                });
            }
        };
        let Plan { traces: spans, logs: records, metrics: points, .. } = plan;
        add(
            &SPANS,
            |shared| &shared.traces,
            traces,
            &spans.exporters,
            spans.batch.max_queue,
            "span",
        );
        add(&LOGS, |shared| &shared.logs, logs, &records.exporters, records.batch.max_queue, "log");
        add(&POINTS, |shared| &shared.metrics, metrics, &points.exporters, 0, "metric");
        let now = clock::unix_nanos(SystemTime::now());
        let durations = lines.iter().map(|_| Durations::default()).collect();
        let state = State { start: now, previous: now, sums: HashMap::new(), durations };
        let is_delta = plan.metrics.temporality != Temporality::Cumulative;
        Some(Self { lines, is_delta, state: Mutex::new(state) })
    }

    /// One collection.
    pub(super) fn collect(&self, shared: &Shared, each: &mut dyn FnMut(&MetricView<'_>)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let values: Vec<_> =
            self.lines.iter().enumerate().flat_map(|(at, line)| line.values(at, shared)).collect();
        let time = clock::unix_nanos(SystemTime::now()).max(state.previous);
        let mut names: Vec<&'static str> = Vec::new();
        for value in &values {
            if !names.contains(&value.name) {
                names.push(value.name);
            }
        }
        for name in names {
            let own: Vec<_> = values.iter().filter(|value| value.name == name).collect();
            each(&self.sum(&mut state, &own, time));
        }
        self.durations(&mut state, time, each);
        state.previous = time;
    }

    fn sum<'a>(&'a self, state: &mut State, values: &[&Value], time: u64) -> MetricView<'a> {
        let (name, unit, is_sum) = (values[0].name, values[0].unit, values[0].is_sum);
        let is_delta = self.is_delta && is_sum;
        let point = |value: &&Value| {
            let line = &self.lines[value.line];
            let component = match name.starts_with("otel.sdk.processor") {
                true => &line.processor,
                false => &line.exporter,
            };
            let mut number = value.number;
            if is_delta {
                let before = state.sums.insert((value.line, name, value.error), number);
                number -= before.unwrap_or(0).min(number);
            }
            Point {
                attributes: with_error(component, value.error),
                start: if is_delta { state.previous } else { state.start },
                time,
                value: Number::I64(i64::try_from(number).unwrap_or(i64::MAX)),
                exemplars: Vec::new(),
                flags: 0,
            }
        };
        let points = values.iter().map(point).collect();
        let temporality = if is_delta { OfView::Delta } else { OfView::Cumulative };
        view(name, unit, MetricData::Sum { points, temporality, monotonic: is_sum })
    }

    /// Of all signals under one name.
    fn durations(&self, state: &mut State, time: u64, each: &mut dyn FnMut(&MetricView<'_>)) {
        let start = if self.is_delta { state.previous } else { state.start };
        let mut points = Vec::new();
        for (line, before) in self.lines.iter().zip(&mut state.durations) {
            let now = line.account.durations();
            let shown = if self.is_delta { now.since(before) } else { now.clone() };
            for (error, durations) in shown.by_error().filter(|(_, of)| of.count() > 0) {
                points.push(Point {
                    attributes: with_error(&line.exporter, error),
                    start,
                    time,
                    value: Histogram {
                        count: durations.count(),
                        sum: Some(durations.seconds()),
                        min: None,
                        max: None,
                        bounds: BOUNDS.to_vec(),
                        counts: durations.counts().to_vec(),
                    },
                    exemplars: Vec::new(),
                    flags: 0,
                });
            }
            *before = now;
        }
        let temporality = if self.is_delta { OfView::Delta } else { OfView::Cumulative };
        if !points.is_empty() {
            each(&view(DURATION, "s", MetricData::Histogram { points, temporality }));
        }
    }
}

impl Line {
    fn values(&self, line: usize, shared: &Shared) -> Vec<Value> {
        let Names { unit, queue, inflight, exported } = self.names;
        let mut values = Vec::new();
        let mut put = |name: &'static str, error, number, is_sum| {
            values.push(Value { line, name, unit, error, number, is_sum });
        };
        let account = &self.account;
        let under_way = account.under_way();
        let ends = [
            ("", account.delivered.read()),
            ("rejected", account.rejected.read()),
            ("unconfirmed", account.unconfirmed.read()),
            ("too_large", account.too_large.read()),
        ];
        if let Some([size, capacity, processed]) = queue {
            let entrance = (self.intake)(shared).entrance();
            let waiting = (entrance.waiting + account.waiting()).saturating_sub(under_way);
            put(size, "", waiting, false);
            put(capacity, "", self.capacity as u64, false);
            let handed_on = under_way + ends.iter().map(|(_, number)| number).sum::<u64>();
            put(processed, "", handed_on, true);
            let dropped = [
                ("queue_full", entrance.refused + account.queue_full.read()),
                ("shutdown", entrance.late + account.shutdown.read()),
            ];
            for (error, number) in dropped.into_iter().filter(|(_, number)| *number > 0) {
                put(processed, error, number, true);
            }
        }
        put(inflight, "", under_way, false);
        for (error, number) in
            ends.into_iter().filter(|(error, number)| error.is_empty() || *number > 0)
        {
            put(exported, error, number, true);
        }
        values
    }
}

fn with_error<'a>(component: &'a Component, error: &'static str) -> Pairs<'a> {
    let mut pairs = component.pairs();
    if !error.is_empty() {
        pairs.push((ERROR, Any::Str(error)));
    }
    pairs
}

fn view<'a>(name: &'a str, unit: &'a str, data: MetricData<'a>) -> MetricView<'a> {
    let scope = Scope {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        ..Scope::default()
    };
    MetricView { scope, name, description: "", unit, metadata: Vec::new(), data }
}
