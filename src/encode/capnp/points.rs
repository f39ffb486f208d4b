//! The points of metrics.

use capnp::traits::HasStructSize;

use super::message::{Message, Place};
use super::trace::halves;
use super::value::Values;
use super::words::Run;
use crate::encode::view::{
    Buckets, Exemplar, ExponentialHistogram, Histogram, Number, Point, Summary,
};
use crate::schema::metrics_capnp::{
    exemplar, exponential_histogram_point, histogram_point, number_point, summary_point,
};

/// The points of a batch: metrics name runs of each kind.
#[derive(Debug, Default)]
pub(super) struct Points {
    numbers: Vec<Staged<Number>>,
    histograms: Vec<Staged<StagedHistogram>>,
    exponentials: Vec<Staged<StagedExponential>>,
    summaries: Vec<Staged<StagedSummary>>,
    exemplars: Vec<StagedExemplar>,
    counts: Vec<u64>,
    bounds: Vec<f64>,
    quantiles: Vec<(f64, f64)>,
}

#[derive(Debug)]
struct Staged<V> {
    start: u64,
    time: u64,
    flags: u32,
    attributes: Run,
    exemplars: Run,
    value: V,
}

#[derive(Debug)]
struct StagedHistogram {
    count: u64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    counts: Run,
    bounds: Run,
}

#[derive(Debug)]
struct StagedExponential {
    count: u64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    scale: i32,
    zero_count: u64,
    zero_threshold: f64,
    positive: (i32, Run),
    negative: (i32, Run),
}

#[derive(Debug)]
struct StagedSummary {
    count: u64,
    sum: f64,
    quantiles: Run,
}

#[derive(Debug)]
struct StagedExemplar {
    time: u64,
    trace: u128,
    span: u64,
    value: Number,
    attributes: Run,
}

impl Points {
    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.histograms.clear();
        self.exponentials.clear();
        self.summaries.clear();
        self.exemplars.clear();
        self.counts.clear();
        self.bounds.clear();
        self.quantiles.clear();
    }

    pub(super) fn numbers(&mut self, values: &mut Values, from: &[Point<'_, Number>]) -> Run {
        let start = self.numbers.len();
        for point in from {
            let point = self.point(values, point, point.value);
            self.numbers.push(point);
        }
        Run::since(start, self.numbers.len())
    }

    pub(super) fn histograms(&mut self, values: &mut Values, from: &[Point<'_, Histogram>]) -> Run {
        let start = self.histograms.len();
        for point in from {
            let value = &point.value;
            let first = self.bounds.len();
            self.bounds.extend_from_slice(&value.bounds);
            let value = StagedHistogram {
                count: value.count,
                sum: value.sum,
                min: value.min,
                max: value.max,
                counts: self.counts(&value.counts),
                bounds: Run::since(first, self.bounds.len()),
            };
            let point = self.point(values, point, value);
            self.histograms.push(point);
        }
        Run::since(start, self.histograms.len())
    }

    pub(super) fn exponentials(
        &mut self,
        values: &mut Values,
        from: &[Point<'_, ExponentialHistogram>],
    ) -> Run {
        let start = self.exponentials.len();
        for point in from {
            let value = &point.value;
            let value = StagedExponential {
                count: value.count,
                sum: value.sum,
                min: value.min,
                max: value.max,
                scale: value.scale,
                zero_count: value.zero_count,
                zero_threshold: value.zero_threshold,
                positive: self.buckets(&value.positive),
                negative: self.buckets(&value.negative),
            };
            let point = self.point(values, point, value);
            self.exponentials.push(point);
        }
        Run::since(start, self.exponentials.len())
    }

    pub(super) fn summaries(&mut self, values: &mut Values, from: &[Point<'_, Summary>]) -> Run {
        let start = self.summaries.len();
        for point in from {
            let first = self.quantiles.len();
            self.quantiles.extend_from_slice(&point.value.quantiles);
            let quantiles = Run::since(first, self.quantiles.len());
            let (count, sum) = (point.value.count, point.value.sum);
            let point = self.point(values, point, StagedSummary { count, sum, quantiles });
            self.summaries.push(point);
        }
        Run::since(start, self.summaries.len())
    }

    fn counts(&mut self, from: &[u64]) -> Run {
        let start = self.counts.len();
        self.counts.extend_from_slice(from);
        Run::since(start, self.counts.len())
    }

    fn buckets(&mut self, from: &Buckets) -> (i32, Run) {
        (from.offset, self.counts(&from.counts))
    }

    fn point<V, S>(&mut self, values: &mut Values, from: &Point<'_, V>, value: S) -> Staged<S> {
        let first = self.exemplars.len();
        for exemplar in &from.exemplars {
            let exemplar = stage_exemplar(values, exemplar);
            self.exemplars.push(exemplar);
        }
        let exemplars = Run::since(first, self.exemplars.len());
        Staged {
            start: from.start,
            time: from.time,
            flags: from.flags,
            attributes: values.pairs(&from.attributes),
            exemplars,
            value,
        }
    }

    pub(super) fn write_numbers(
        &self,
        values: &Values,
        run: Run,
        to: &mut Message,
        pointer: usize,
    ) {
        let points = run.of(&self.numbers);
        for (at, point) in list::<number_point::Builder<'_>>(to, pointer, points.len()).zip(points)
        {
            to.u64(at, 0, point.start);
            to.u64(at, 1, point.time);
            to.u32(at, 4, point.flags);
            number(to, at, point.value, 10, 3);
            values.write(point.attributes, to, at.pointer(0));
            self.exemplars(values, point.exemplars, to, at.pointer(1));
        }
    }

    pub(super) fn write_histograms(
        &self,
        values: &Values,
        run: Run,
        to: &mut Message,
        pointer: usize,
    ) {
        let points = run.of(&self.histograms);
        let list = list::<histogram_point::Builder<'_>>(to, pointer, points.len());
        for (at, point) in list.zip(points) {
            let value = &point.value;
            to.u64(at, 0, point.start);
            to.u64(at, 1, point.time);
            to.u64(at, 2, value.count);
            to.u32(at, 6, point.flags);
            optional(to, at, value.sum, 14, 4);
            optional(to, at, value.min, 15, 5);
            optional(to, at, value.max, 24, 7);
            to.u64s(at.pointer(0), value.counts.of(&self.counts).iter().copied());
            let bounds = value.bounds.of(&self.bounds).iter();
            to.u64s(at.pointer(1), bounds.map(|bound| bound.to_bits()));
            values.write(point.attributes, to, at.pointer(2));
            self.exemplars(values, point.exemplars, to, at.pointer(3));
        }
    }

    pub(super) fn write_exponentials(
        &self,
        values: &Values,
        run: Run,
        to: &mut Message,
        pointer: usize,
    ) {
        let points = run.of(&self.exponentials);
        let list = list::<exponential_histogram_point::Builder<'_>>(to, pointer, points.len());
        for (at, point) in list.zip(points) {
            let value = &point.value;
            to.u64(at, 0, point.start);
            to.u64(at, 1, point.time);
            to.u64(at, 2, value.count);
            to.u64(at, 3, value.zero_count);
            to.f64(at, 4, value.zero_threshold);
            to.i32(at, 10, value.scale);
            to.u32(at, 11, point.flags);
            optional(to, at, value.sum, 24, 7);
            optional(to, at, value.min, 25, 8);
            optional(to, at, value.max, 26, 9);
            to.i32(at, 20, value.positive.0);
            to.u64s(at.pointer(0), value.positive.1.of(&self.counts).iter().copied());
            to.i32(at, 21, value.negative.0);
            to.u64s(at.pointer(1), value.negative.1.of(&self.counts).iter().copied());
            values.write(point.attributes, to, at.pointer(2));
            self.exemplars(values, point.exemplars, to, at.pointer(3));
        }
    }

    pub(super) fn write_summaries(
        &self,
        values: &Values,
        run: Run,
        to: &mut Message,
        pointer: usize,
    ) {
        let points = run.of(&self.summaries);
        let list = list::<summary_point::Builder<'_>>(to, pointer, points.len());
        for (at, point) in list.zip(points) {
            to.u64(at, 0, point.start);
            to.u64(at, 1, point.time);
            to.u64(at, 2, point.value.count);
            to.f64(at, 3, point.value.sum);
            to.u32(at, 8, point.flags);
            let quantiles = point.value.quantiles.of(&self.quantiles);
            if !quantiles.is_empty() {
                to.open_list::<summary_point::quantile::Builder<'_>>(
                    at.pointer(0),
                    quantiles.len(),
                );
                for (quantile, value) in quantiles {
                    to.words([quantile.to_bits(), value.to_bits()]);
                }
            }
            values.write(point.attributes, to, at.pointer(1));
        }
    }

    fn exemplars(&self, values: &Values, run: Run, to: &mut Message, pointer: usize) {
        let exemplars = run.of(&self.exemplars);
        let list = list::<exemplar::Builder<'_>>(to, pointer, exemplars.len());
        for (at, exemplar) in list.zip(exemplars) {
            let [high, low] = halves(exemplar.trace);
            to.u64(at, 0, exemplar.time);
            to.u64(at, 1, high);
            to.u64(at, 2, low);
            to.u64(at, 3, exemplar.span);
            number(to, at, exemplar.value, 16, 5);
            values.write(exemplar.attributes, to, at.pointer(0));
        }
    }
}

/// The places of a list's elements; nothing is made for none.
fn list<T: HasStructSize>(
    to: &mut Message,
    pointer: usize,
    length: usize,
) -> impl Iterator<Item = Place> + use<T> {
    let list = (length != 0).then(|| to.list::<T>(pointer, length));
    list.into_iter().flatten()
}

/// A union of none, a double and an integer: its kind in numbers of two bytes, its value in those of eight.
fn number(to: &mut Message, at: Place, value: Number, kind: usize, place: usize) {
    match value {
        Number::Empty => {}
        Number::F64(value) => {
            to.u16(at, kind, 1);
            to.f64(at, place, value);
        }
        Number::I64(value) => {
            to.u16(at, kind, 2);
            to.u64(at, place, value as u64);
        }
    }
}

/// A union of nothing and a double, in the same way.
fn optional(to: &mut Message, at: Place, value: Option<f64>, kind: usize, place: usize) {
    // Memory is zero, which is nothing.
    if let Some(value) = value {
        to.u16(at, kind, 1);
        to.f64(at, place, value);
    }
}

fn stage_exemplar(values: &mut Values, from: &Exemplar<'_>) -> StagedExemplar {
    StagedExemplar {
        time: from.time,
        trace: from.trace,
        span: from.span,
        value: from.value,
        attributes: values.pairs(&from.attributes),
    }
}
