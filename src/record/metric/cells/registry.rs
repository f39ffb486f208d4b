//! What all threads share: the series, the points that each feeds, and what dead threads have left.
//!
//! Behind a lock that a thread takes once for each series of its own, and when it ends.

use std::collections::HashMap;
use std::sync::Arc;

use crate::record::log::BANDS;
use crate::record::metric::rpc::Side;
use crate::telemetry::MetricNames;
use crate::telemetry::rpc::Direction;

use super::cell::{Reader, Totals, Writer};
use super::exemplars::Exemplars;
use super::metric::{self, COUNT, Labels, Metric, Value, text};
use super::names::{Names, Of};

/// Points of one metric; beyond them everything is one point with `otel.metric.overflow`.
pub(in crate::record::metric) const MAX_SERIES: usize = 2000;
/// Kinds of error that one call tells apart; the host's word for others is replaced.
pub(in crate::record::metric) const MAX_KINDS: usize = 32;
pub(super) const OTHER: &str = "_OTHER";

/// A point: its metric, and its place among the metric's.
pub(super) type Place = (Metric, u32);

/// What threads record in cells, one of each thread's.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) live: Vec<Reader>,
    /// Of threads that are gone, or found no memory for a cell.
    pub(super) retired: Totals,
    pub(super) feeds: Arc<[Place]>,
    pub(super) exemplars: Exemplars,
}

/// The points of one metric.
#[derive(Debug, Default)]
pub(super) struct Points {
    /// In the order of their first record.
    pub(super) labels: Vec<Labels>,
    places: HashMap<Labels, u32>,
    overflow: Option<u32>,
}

/// What is measured once in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::record::metric) enum Single {
    Payload(Direction),
    Sessions,
    Handlers,
    /// Forwarded log records of a band.
    Logs(usize),
}

impl Single {
    /// How many there are.
    pub(super) const COUNT: usize = 4 + BANDS.len();

    pub(super) const fn index(self) -> usize {
        match self {
            Self::Payload(Direction::In) => 0,
            Self::Payload(Direction::Out) => 1,
            Self::Sessions => 2,
            Self::Handlers => 3,
            Self::Logs(band) => 4 + band,
        }
    }
}

/// A method of a class, on one side.
#[derive(Debug)]
struct Call {
    side: Side,
    /// `None` beyond the limit.
    names: Option<(Box<str>, Box<str>)>,
    /// Its series by the kind of error, `None` for success.
    kinds: Vec<(Option<&'static str>, u32)>,
}

#[derive(Debug)]
pub(super) struct Registry {
    names: MetricNames,
    /// Of calls the index in `calls`, of storage operations a series.
    numbers: Names,
    calls: Vec<Call>,
    pub(super) series: Vec<Series>,
    /// The series by what it feeds: where all is beyond the limit, one is enough.
    by_feeds: HashMap<Arc<[Place]>, u32>,
    pub(super) points: [Points; COUNT],
    /// What is beyond a limit since somebody last asked.
    overflown: Vec<&'static str>,
}

impl Registry {
    pub(super) fn new(names: MetricNames) -> Self {
        let beyond = |side| Call { side, names: None, kinds: Vec::new() };
        Self {
            names,
            numbers: Names::default(),
            calls: vec![beyond(Side::Server), beyond(Side::Client)],
            series: Vec::new(),
            by_feeds: HashMap::new(),
            points: Default::default(),
            overflown: Vec::new(),
        }
    }

    /// A call's number, and whether it has one of its own.
    pub(super) fn call(&mut self, side: Side, method: &str, cls_id: &str) -> (u32, bool) {
        let of = side.into();
        if let Some(number) = self.numbers.get(of, method, cls_id) {
            return (number, true);
        }
        if self.numbers.count(of) >= MAX_SERIES {
            return (side as u32, false);
        }
        let number = self.calls.len() as u32;
        let names = Some((method.into(), cls_id.into()));
        self.calls.push(Call { side, names, kinds: Vec::new() });
        self.numbers.insert(of, method, cls_id, number);
        (number, true)
    }

    /// The series of a call that is known already.
    pub(super) fn find_call(
        &mut self,
        side: Side,
        method: &str,
        cls_id: &str,
        error: Option<&str>,
    ) -> Option<&mut Series> {
        let number = self.numbers.get(side.into(), method, cls_id).unwrap_or(side as u32);
        let call = &self.calls[number as usize];
        let (_, series) = call.kinds.iter().find(|(kind, _)| *kind == error)?;
        self.series.get_mut(*series as usize)
    }

    /// The series of a call with this end, and the kind of error that it is counted as.
    pub(super) fn series_of_call(
        &mut self,
        call: u32,
        error: Option<&'static str>,
    ) -> (u32, Option<&'static str>) {
        let kinds = &self.calls[call as usize].kinds;
        let find = |error| kinds.iter().find(|(kind, _)| *kind == error).map(|(_, found)| *found);
        if let Some(series) = find(error) {
            return (series, error);
        }
        let failures = kinds.iter().filter(|(kind, _)| kind.is_some()).count();
        let error = error.map(|kind| if failures < MAX_KINDS { kind } else { OTHER });
        if let Some(series) = find(error) {
            return (series, error);
        }
        let feeds = self.feeds_of_call(call, error);
        let series = self.series_of(feeds);
        self.calls[call as usize].kinds.push((error, series));
        (series, error)
    }

    fn feeds_of_call(&mut self, call: u32, error: Option<&'static str>) -> Vec<Place> {
        let Call { side, names, .. } = &self.calls[call as usize];
        let (classic, conventional) = match names {
            Some((method, class)) => {
                let name = match &**class {
                    "" => String::from(&**method),
                    class => format!("{class}/{method}"),
                };
                (
                    vec![
                        ("method", text(String::from(&**method))),
                        ("cls_id", text(String::from(&**class))),
                    ],
                    vec![("rpc.system.name", text("trackside")), ("rpc.method", text(name))],
                )
            }
            None => (overflow_labels(), overflow_labels()),
        };
        let seconds = match side {
            Side::Server => Metric::ServerSeconds,
            Side::Client => Metric::ClientSeconds,
        };
        let is_served = *side == Side::Server;
        let mut wanted = Vec::new();
        if is_served {
            wanted
                .push((Metric::Requests, with(&classic, "success", Value::Bool(error.is_none()))));
            wanted.push((Metric::Milliseconds, classic.clone()));
        }
        match error {
            Some(kind) => {
                if is_served {
                    wanted.push((Metric::Errors, with(&classic, "error_kind", text(kind))));
                }
                wanted.push((seconds, with(&conventional, "error.type", text(kind))));
            }
            None => wanted.push((seconds, conventional)),
        }
        wanted.retain(|(metric, _)| metric.is_in(self.names));
        wanted.into_iter().map(|(metric, labels)| self.place(metric, labels, "RPC")).collect()
    }

    pub(super) fn series_of_storage(&mut self, operation: &'static str) -> u32 {
        if let Some(series) = self.numbers.get(Of::Storage, operation, "") {
            return series;
        }
        let place = self.place(Metric::Storage, vec![("operation", text(operation))], "storage");
        let series = self.series_of(vec![place]);
        if self.numbers.count(Of::Storage) < MAX_SERIES {
            self.numbers.insert(Of::Storage, operation, "", series);
        }
        series
    }

    pub(super) fn series_of_single(&mut self, single: Single) -> u32 {
        let (metric, labels) = match single {
            Single::Payload(Direction::In) => (Metric::Payload, vec![("direction", text("IN"))]),
            Single::Payload(Direction::Out) => (Metric::Payload, vec![("direction", text("OUT"))]),
            Single::Sessions => (Metric::Sessions, Vec::new()),
            Single::Handlers => (Metric::Handlers, Vec::new()),
            Single::Logs(band) => (Metric::Logs, vec![("level", text(BANDS[band].2))]),
        };
        let place = self.place(metric, labels, "");
        self.series_of(vec![place])
    }

    /// The point with these attributes, or the one for all beyond the limit.
    fn place(
        &mut self,
        metric: Metric,
        labels: Vec<(&'static str, Value)>,
        what: &'static str,
    ) -> Place {
        let points = &mut self.points[metric as usize];
        let labels: Labels = labels.into();
        let is_overflow = labels == metric::overflow();
        if let Some(found) = points.places.get(&labels) {
            return (metric, *found);
        }
        let next = points.labels.len() as u32;
        if points.places.len() < MAX_SERIES && !is_overflow {
            points.labels.push(Arc::clone(&labels));
            points.places.insert(labels, next);
            return (metric, next);
        }
        let place = *points.overflow.get_or_insert_with(|| {
            points.labels.push(metric::overflow());
            self.overflown.push(what);
            next
        });
        (metric, place)
    }

    fn series_of(&mut self, feeds: Vec<Place>) -> u32 {
        let feeds: Arc<[Place]> = feeds.into();
        if let Some(series) = self.by_feeds.get(&feeds) {
            return *series;
        }
        let series = self.series.len() as u32;
        self.by_feeds.insert(Arc::clone(&feeds), series);
        self.series.push(Series {
            live: Vec::new(),
            retired: Totals::default(),
            feeds,
            exemplars: Exemplars::default(),
        });
        series
    }

    /// What a thread leaves behind.
    pub(super) fn fold(&mut self, series: u32, writer: &Writer) {
        let series = &mut self.series[series as usize];
        if let Some(at) = series.live.iter().position(|reader| writer.is_of(reader)) {
            let gone = series.live.swap_remove(at);
            series.retired.merge(&gone.read());
        }
    }

    pub(super) fn take_overflown(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.overflown)
    }
}

fn overflow_labels() -> Vec<(&'static str, Value)> {
    metric::overflow().to_vec()
}

/// The overflow has no other attributes.
fn with(
    labels: &[(&'static str, Value)],
    key: &'static str,
    value: Value,
) -> Vec<(&'static str, Value)> {
    let mut labels = labels.to_vec();
    if labels[..] != metric::overflow()[..] {
        labels.push((key, value));
    }
    labels
}

impl From<Side> for Of {
    fn from(side: Side) -> Self {
        match side {
            Side::Server => Self::Server,
            Side::Client => Self::Client,
        }
    }
}
