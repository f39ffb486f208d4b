//! The points of metrics.

use capnp::struct_list;

use super::value::Values;
use super::words::{Run, list, numbers};
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
    words: usize,
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
    pub(super) fn words(&self) -> usize {
        self.words
    }

    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.histograms.clear();
        self.exponentials.clear();
        self.summaries.clear();
        self.exemplars.clear();
        self.counts.clear();
        self.bounds.clear();
        self.quantiles.clear();
        self.words = 0;
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
            self.words += value.bounds.len();
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
            self.words += list::<summary_point::quantile::Builder<'_>>(quantiles.len());
            let (count, sum) = (point.value.count, point.value.sum);
            let point = self.point(values, point, StagedSummary { count, sum, quantiles });
            self.summaries.push(point);
        }
        Run::since(start, self.summaries.len())
    }

    fn counts(&mut self, from: &[u64]) -> Run {
        let start = self.counts.len();
        self.counts.extend_from_slice(from);
        self.words += from.len();
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
        self.words += list::<exemplar::Builder<'_>>(exemplars.len());
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
        mut to: struct_list::Builder<'_, number_point::Owned>,
    ) {
        for (index, point) in (0..).zip(run.of(&self.numbers)) {
            let mut to = to.reborrow().get(index);
            to.set_start_time_unix_nano(point.start);
            to.set_time_unix_nano(point.time);
            to.set_flags(point.flags);
            let mut value = to.reborrow().init_value();
            match point.value {
                Number::Empty => value.set_none(()),
                Number::F64(number) => value.set_double(number),
                Number::I64(number) => value.set_int(number),
            }
            values.write(point.attributes, |length| to.reborrow().init_attributes(length));
            self.exemplars(values, point.exemplars, |length| to.init_exemplars(length));
        }
    }

    pub(super) fn write_histograms(
        &self,
        values: &Values,
        run: Run,
        mut to: struct_list::Builder<'_, histogram_point::Owned>,
    ) {
        for (index, point) in (0..).zip(run.of(&self.histograms)) {
            let mut to = to.reborrow().get(index);
            to.set_start_time_unix_nano(point.start);
            to.set_time_unix_nano(point.time);
            to.set_count(point.value.count);
            to.set_flags(point.flags);
            // Memory is zero, which is `absent`.
            if let Some(sum) = point.value.sum {
                to.reborrow().init_sum().set_value(sum);
            }
            if let Some(min) = point.value.min {
                to.reborrow().init_min().set_value(min);
            }
            if let Some(max) = point.value.max {
                to.reborrow().init_max().set_value(max);
            }
            numbers!(point.value.counts.of(&self.counts), to.reborrow(), init_bucket_counts);
            numbers!(point.value.bounds.of(&self.bounds), to.reborrow(), init_explicit_bounds);
            values.write(point.attributes, |length| to.reborrow().init_attributes(length));
            self.exemplars(values, point.exemplars, |length| to.init_exemplars(length));
        }
    }

    pub(super) fn write_exponentials(
        &self,
        values: &Values,
        run: Run,
        mut to: struct_list::Builder<'_, exponential_histogram_point::Owned>,
    ) {
        for (index, point) in (0..).zip(run.of(&self.exponentials)) {
            let mut to = to.reborrow().get(index);
            let value = &point.value;
            to.set_start_time_unix_nano(point.start);
            to.set_time_unix_nano(point.time);
            to.set_count(value.count);
            to.set_zero_count(value.zero_count);
            to.set_zero_threshold(value.zero_threshold);
            to.set_scale(value.scale);
            to.set_flags(point.flags);
            if let Some(sum) = value.sum {
                to.reborrow().init_sum().set_value(sum);
            }
            if let Some(min) = value.min {
                to.reborrow().init_min().set_value(min);
            }
            if let Some(max) = value.max {
                to.reborrow().init_max().set_value(max);
            }
            let mut side = to.reborrow().init_positive();
            side.set_offset(value.positive.0);
            numbers!(value.positive.1.of(&self.counts), side, init_counts);
            let mut side = to.reborrow().init_negative();
            side.set_offset(value.negative.0);
            numbers!(value.negative.1.of(&self.counts), side, init_counts);
            values.write(point.attributes, |length| to.reborrow().init_attributes(length));
            self.exemplars(values, point.exemplars, |length| to.init_exemplars(length));
        }
    }

    pub(super) fn write_summaries(
        &self,
        values: &Values,
        run: Run,
        mut to: struct_list::Builder<'_, summary_point::Owned>,
    ) {
        for (index, point) in (0..).zip(run.of(&self.summaries)) {
            let mut to = to.reborrow().get(index);
            to.set_start_time_unix_nano(point.start);
            to.set_time_unix_nano(point.time);
            to.set_count(point.value.count);
            to.set_sum(point.value.sum);
            to.set_flags(point.flags);
            let quantiles = point.value.quantiles.of(&self.quantiles);
            if !quantiles.is_empty() {
                let mut list = to.reborrow().init_quantiles(quantiles.len() as u32);
                for (index, (quantile, value)) in (0..).zip(quantiles) {
                    let mut to = list.reborrow().get(index);
                    to.set_quantile(*quantile);
                    to.set_value(*value);
                }
            }
            values.write(point.attributes, |length| to.init_attributes(length));
        }
    }

    fn exemplars<'a>(
        &self,
        values: &Values,
        run: Run,
        init: impl FnOnce(u32) -> struct_list::Builder<'a, exemplar::Owned>,
    ) {
        if run.len() == 0 {
            return;
        }
        let mut list = init(run.len() as u32);
        for (index, exemplar) in (0..).zip(run.of(&self.exemplars)) {
            let mut to = list.reborrow().get(index);
            to.set_time_unix_nano(exemplar.time);
            to.set_trace_id_high((exemplar.trace >> 64) as u64);
            to.set_trace_id_low(exemplar.trace as u64);
            to.set_span_id(exemplar.span);
            let mut value = to.reborrow().init_value();
            match exemplar.value {
                Number::Empty => value.set_none(()),
                Number::F64(number) => value.set_double(number),
                Number::I64(number) => value.set_int(number),
            }
            values.write(exemplar.attributes, |length| to.init_filtered_attributes(length));
        }
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
