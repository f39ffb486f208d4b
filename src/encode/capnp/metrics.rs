//! Metrics.

use capnp::struct_list;

use super::points::Points;
use super::value::Values;
use super::words::{Run, list};
use crate::encode::view::{MetricData, MetricView};
use crate::schema::metrics_capnp::{
    exponential_histogram_point, histogram_point, metric, number_point, summary_point,
};

/// The metrics of a batch; `scope` is whose each of them is.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    metrics: Vec<Metric>,
    points: Points,
    words: usize,
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
        self.words += match &metric.data {
            Data::Empty => 0,
            Data::Gauge(run) | Data::Sum { run, .. } => {
                list::<number_point::Builder<'_>>(run.len())
            }
            Data::Histogram { run, .. } => list::<histogram_point::Builder<'_>>(run.len()),
            Data::ExponentialHistogram { run, .. } => {
                list::<exponential_histogram_point::Builder<'_>>(run.len())
            }
            Data::Summary(run) => list::<summary_point::Builder<'_>>(run.len()),
        };
        self.metrics.push(metric);
    }

    /// What the lists inside of metrics take, but for attributes.
    pub(super) fn words(&self) -> usize {
        self.words + self.points.words()
    }

    /// Puts the metrics of each scope in a row; they keep their order.
    pub(super) fn sort(&mut self) {
        self.metrics.sort_by_key(|metric| metric.scope);
    }

    pub(super) fn clear(&mut self) {
        self.metrics.clear();
        self.points.clear();
        self.words = 0;
    }

    /// The metrics of `run` into their list.
    pub(super) fn write(
        &self,
        values: &Values,
        run: Run,
        mut to: struct_list::Builder<'_, metric::Owned>,
    ) {
        for (index, metric) in (0..).zip(run.of(&self.metrics)) {
            let mut to = to.reborrow().get(index);
            to.set_name(metric.name);
            to.set_description(metric.description);
            to.set_unit(metric.unit);
            values.write(metric.metadata, |length| to.reborrow().init_metadata(length));
            self.write_data(values, &metric.data, to.init_data());
        }
    }

    fn write_data(&self, values: &Values, from: &Data, mut to: metric::data::Builder<'_>) {
        let points = &self.points;
        match *from {
            Data::Empty => to.set_none(()),
            Data::Gauge(run) => {
                let to = to.init_gauge();
                if let Some(length) = length(run) {
                    points.write_numbers(values, run, to.init_points(length));
                }
            }
            Data::Sum { run, temporality, monotonic } => {
                let mut to = to.init_sum();
                to.set_temporality(temporality);
                to.set_is_monotonic(monotonic);
                if let Some(length) = length(run) {
                    points.write_numbers(values, run, to.init_points(length));
                }
            }
            Data::Histogram { run, temporality } => {
                let mut to = to.init_histogram();
                to.set_temporality(temporality);
                if let Some(length) = length(run) {
                    points.write_histograms(values, run, to.init_points(length));
                }
            }
            Data::ExponentialHistogram { run, temporality } => {
                let mut to = to.init_exponential_histogram();
                to.set_temporality(temporality);
                if let Some(length) = length(run) {
                    points.write_exponentials(values, run, to.init_points(length));
                }
            }
            Data::Summary(run) => {
                let to = to.init_summary();
                if let Some(length) = length(run) {
                    points.write_summaries(values, run, to.init_points(length));
                }
            }
        }
    }
}

/// How long the list is; none is made for nothing.
fn length(run: Run) -> Option<u32> {
    (run.len() != 0).then_some(run.len() as u32)
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
