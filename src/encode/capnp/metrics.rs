//! Metrics.

use super::message::{Message, Place};
use super::points::Points;
use super::value::Values;
use super::words::Run;
use crate::encode::view::{MetricData, MetricView};
use crate::schema::metrics_capnp::metric;

/// The metrics of a batch; `scope` is whose each of them is.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    metrics: Vec<Metric>,
    points: Points,
}

#[derive(Debug)]
struct Metric {
    scope: u32,
    name: u32,
    description: u32,
    unit: u32,
    metadata: Run,
    data: Data,
}

/// Where a metric has them, in numbers of four bytes.
const TEMPORALITY: usize = 4;
const IS_MONOTONIC: usize = 5;

/// Which points a metric has; temporality is OTLP's number.
#[derive(Debug)]
enum Data {
    Empty,
    Gauge(Run),
    Sum { run: Run, temporality: i32, monotonic: bool },
    Histogram { run: Run, temporality: i32 },
    ExponentialHistogram { run: Run, temporality: i32 },
    Summary(Run),
}

impl Metrics {
    pub(super) fn stage(&mut self, values: &mut Values, scope: u32, from: &MetricView<'_>) {
        let metric = Metric {
            scope,
            name: values.strings.index(from.name),
            description: values.strings.index(from.description),
            unit: values.strings.index(from.unit),
            metadata: values.pairs(&from.metadata),
            data: stage_data(&mut self.points, values, &from.data),
        };
        self.metrics.push(metric);
    }

    /// Puts the metrics of each scope in a row; they keep their order.
    pub(super) fn sort(&mut self) {
        self.metrics.sort_by_key(|metric| metric.scope);
    }

    pub(super) fn clear(&mut self) {
        self.metrics.clear();
        self.points.clear();
    }

    /// The metrics of `run` as the list that `pointer` leads to.
    pub(super) fn write(&self, values: &Values, run: Run, to: &mut Message, pointer: usize) {
        let list = to.list::<metric::Builder<'_>>(pointer, run.len());
        for (at, metric) in list.zip(run.of(&self.metrics)) {
            to.u32(at, 0, metric.name);
            to.u32(at, 1, metric.description);
            to.u32(at, 2, metric.unit);
            values.write(metric.metadata, to, at.pointer(0));
            self.write_data(values, &metric.data, to, at);
        }
    }

    /// The union of the data and what belongs to each member of it.
    fn write_data(&self, values: &Values, from: &Data, to: &mut Message, at: Place) {
        let (points, pointer) = (&self.points, at.pointer(1));
        let kind = match *from {
            Data::Empty => 0,
            Data::Gauge(run) => {
                points.write_numbers(values, run, to, pointer);
                1
            }
            Data::Sum { run, temporality, monotonic } => {
                to.i32(at, TEMPORALITY, temporality);
                to.u32(at, IS_MONOTONIC, monotonic.into());
                points.write_numbers(values, run, to, pointer);
                2
            }
            Data::Histogram { run, temporality } => {
                to.i32(at, TEMPORALITY, temporality);
                points.write_histograms(values, run, to, pointer);
                3
            }
            Data::ExponentialHistogram { run, temporality } => {
                to.i32(at, TEMPORALITY, temporality);
                points.write_exponentials(values, run, to, pointer);
                4
            }
            Data::Summary(run) => {
                points.write_summaries(values, run, to, pointer);
                5
            }
        };
        to.u16(at, 6, kind);
    }
}

fn stage_data(points: &mut Points, values: &mut Values, from: &MetricData<'_>) -> Data {
    match from {
        MetricData::Empty => Data::Empty,
        MetricData::Gauge(from) => Data::Gauge(points.numbers(values, from)),
        MetricData::Sum { points: from, temporality, monotonic } => Data::Sum {
            run: points.numbers(values, from),
            temporality: temporality.number(),
            monotonic: *monotonic,
        },
        MetricData::Histogram { points: from, temporality } => Data::Histogram {
            run: points.histograms(values, from),
            temporality: temporality.number(),
        },
        MetricData::ExponentialHistogram { points: from, temporality } => {
            Data::ExponentialHistogram {
                run: points.exponentials(values, from),
                temporality: temporality.number(),
            }
        }
        MetricData::Summary(from) => Data::Summary(points.summaries(values, from)),
    }
}
