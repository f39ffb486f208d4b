//! Points of what the cells hold: sums since the start, or since the last collection.
//!
//! Writers never begin anew. For delta temporality the collector keeps what it saw last; the extremes
//! are kept by interval in the cells.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use crate::encode::view::{
    Exemplar as ExemplarView, Histogram, MetricData, MetricView, Number, Point, Scope, Temporality,
};
use crate::pipeline::clock;

use super::Cells;
use super::bounds::Bounds;
use super::cell::{Extremes, Totals};
use super::exemplars::Exemplars;
use super::metric::{COUNT, Description, Labels, METRICS, Shape, pairs};
use super::registry::Registry;
use super::sync::BUCKETS;

/// What the collecting thread alone knows.
#[derive(Debug)]
pub(super) struct Collector {
    is_delta: bool,
    /// When the set began.
    start: u64,
    /// When it was last collected, or began.
    previous: u64,
    /// By metric and point, as in the registry.
    tallies: [Vec<Tally>; COUNT],
}

/// A point, between the cells and the view.
#[derive(Debug)]
struct Tally {
    labels: Labels,
    now: Totals,
    last: Totals,
    exemplars: Exemplars,
}

impl Collector {
    pub(super) fn new(is_delta: bool) -> Self {
        let start = clock::unix_nanos(SystemTime::now());
        Self { is_delta, start, previous: start, tallies: Default::default() }
    }

    /// Reads every cell: as short as it can be, since new threads and new series wait for it.
    fn read(&mut self, registry: &mut Registry) {
        for (tallies, points) in self.tallies.iter_mut().zip(&registry.points) {
            tallies.iter_mut().for_each(|tally| {
                tally.now = Totals::default();
                tally.exemplars = Exemplars::default();
            });
            tallies.extend(points.labels[tallies.len()..].iter().map(|labels| Tally {
                labels: Arc::clone(labels),
                now: Totals::default(),
                last: Totals::default(),
                exemplars: Exemplars::default(),
            }));
        }
        for series in &mut registry.series {
            let mut totals = series.retired;
            series.live.iter().for_each(|reader| totals.merge(&reader.read()));
            let exemplars = std::mem::take(&mut series.exemplars);
            for (metric, place) in series.feeds.iter() {
                let tally = &mut self.tallies[*metric as usize][*place as usize];
                tally.now.merge(&totals);
                tally.exemplars.merge(&exemplars);
            }
        }
    }

    /// Lends a metric, unless it has no points.
    fn lend(
        &mut self,
        of: &Description,
        interval: u64,
        time: u64,
        each: &mut dyn FnMut(&MetricView<'_>),
    ) {
        let (is_delta, start) = match (self.is_delta, of.shape) {
            (true, Shape::Count | Shape::Distribution(_)) => (true, self.previous),
            _ => (false, self.start),
        };
        let temporality = if is_delta { Temporality::Delta } else { Temporality::Cumulative };
        let mut tallies = self.tallies[of.metric as usize].iter_mut();
        let mut next = || {
            tallies.find_map(|tally| {
                let totals = if is_delta { tally.now.since(&tally.last) } else { tally.now };
                if totals.count() == 0 {
                    return None;
                }
                tally.last = tally.now;
                Some((&*tally, totals))
            })
        };
        let data = match of.shape {
            Shape::Distribution(unit) => {
                let points = std::iter::from_fn(&mut next).map(|(tally, totals)| Point {
                    attributes: pairs(&tally.labels),
                    start,
                    time,
                    value: histogram(&totals, of.bounds, unit, interval),
                    exemplars: exemplars(&tally.exemplars, &totals, unit),
                    flags: 0,
                });
                MetricData::Histogram { points: points.collect(), temporality }
            }
            Shape::Count | Shape::Level => {
                let monotonic = matches!(of.shape, Shape::Count);
                let points = std::iter::from_fn(&mut next).map(|(tally, totals)| Point {
                    attributes: pairs(&tally.labels),
                    start,
                    time,
                    value: Number::I64(match monotonic {
                        true => i64::try_from(totals.count()).unwrap_or(i64::MAX),
                        false => totals.sum as i64,
                    }),
                    exemplars: Vec::new(),
                    flags: 0,
                });
                MetricData::Sum { points: points.collect(), temporality, monotonic }
            }
        };
        let scope = Scope {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            ..Scope::default()
        };
        let view = MetricView { scope, name: of.name, description: "", unit: of.unit, data };
        if view.points() > 0 {
            each(&view);
        }
    }
}

impl Cells {
    /// One collection.
    pub(in crate::record::metric) fn collect(&self, each: &mut dyn FnMut(&MetricView<'_>)) {
        let mut collector = self.collector.lock().unwrap_or_else(PoisonError::into_inner);
        let interval = match collector.is_delta {
            // First: what is recorded from here on has extremes of its own.
            true => self.interval.fetch_add(1, Ordering::Relaxed),
            false => self.interval(),
        };
        collector.read(&mut self.lock_registry());
        // After the cells: no value is younger than its point.
        let time = clock::unix_nanos(SystemTime::now()).max(collector.previous);
        for description in &METRICS {
            collector.lend(description, interval, time, each);
        }
        collector.previous = time;
    }
}

fn histogram(totals: &Totals, bounds: &Bounds, unit: f64, interval: u64) -> Histogram {
    let of_unit = |value: u64| value as f64 / unit;
    let buckets = bounds.upper().len() + 1;
    let extremes = extremes(totals, bounds, interval);
    Histogram {
        count: totals.count(),
        sum: Some(of_unit(totals.sum)),
        min: extremes.map(|(least, _)| of_unit(least)),
        max: extremes.map(|(_, greatest)| of_unit(greatest)),
        bounds: bounds.upper().iter().map(|bound| of_unit(*bound)).collect(),
        counts: totals.counts[..buckets].to_vec(),
    }
}

/// The least and the greatest value of an interval. What was recorded while the collection went on is
/// the next interval's by its extremes, and this one's by its count: both are asked, and what belongs
/// to no bucket with a count is cut off.
fn extremes(totals: &Totals, bounds: &Bounds, interval: u64) -> Option<(u64, u64)> {
    let is_meant = |of: &&Extremes| of.interval == interval || of.interval == interval + 1;
    let meant = || totals.extremes.iter().filter(is_meant);
    let (least, greatest) =
        (meant().map(|of| of.least).min()?, meant().map(|of| of.greatest).max()?);
    let first = totals.counts.iter().position(|count| *count != 0)?;
    let last = totals.counts.iter().rposition(|count| *count != 0)?.min(BUCKETS - 1);
    let (from, to) = (bounds.range(first), bounds.range(last));
    Some((least.clamp(from.0, from.1), greatest.clamp(to.0, to.1)))
}

/// Those whose bucket has a count.
fn exemplars(of: &Exemplars, totals: &Totals, unit: f64) -> Vec<ExemplarView<'static>> {
    let counted = of.iter().filter(|(bucket, _)| totals.counts[*bucket] != 0);
    let view = counted.map(|(_, exemplar)| ExemplarView {
        value: Number::F64(exemplar.nanos as f64 / unit),
        time: exemplar.time,
        trace: exemplar.trace,
        span: exemplar.span,
        attributes: Vec::new(),
    });
    view.collect()
}
