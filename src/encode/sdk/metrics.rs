//! The SDK's metrics in our view.

#[cfg(test)]
mod tests;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::Temporality as SdkTemporality;
use opentelemetry_sdk::metrics::data::{
    self, AggregatedMetrics, ExponentialBucket, ExponentialHistogramDataPoint, HistogramDataPoint,
    ResourceMetrics,
};

use super::value::{pairs, scope, unix_nanos};
use crate::encode::view::{
    Buckets, Exemplar, ExponentialHistogram, Histogram, MetricData, MetricView, Number, Point,
    Temporality,
};

/// Lends each metric of one collection. Its resource is not read here: the encoder has been given one.
pub(crate) fn each_metric(from: &ResourceMetrics, mut each: impl FnMut(&MetricView<'_>)) {
    for group in from.scope_metrics() {
        let scope = scope(group.scope());
        for metric in group.metrics() {
            each(&MetricView {
                scope: scope.clone(),
                name: metric.name(),
                description: metric.description(),
                unit: metric.unit(),
                metadata: Vec::new(),
                data: match metric.data() {
                    AggregatedMetrics::F64(data) => metric_data(data),
                    AggregatedMetrics::U64(data) => metric_data(data),
                    AggregatedMetrics::I64(data) => metric_data(data),
                },
            });
        }
    }
}

/// What the SDK's instruments measure in.
trait Measured: Copy {
    fn number(self) -> Number;
    fn float(self) -> f64;
}

impl Measured for f64 {
    fn number(self) -> Number {
        Number::F64(self)
    }

    fn float(self) -> f64 {
        self
    }
}

impl Measured for i64 {
    fn number(self) -> Number {
        Number::I64(self)
    }

    fn float(self) -> f64 {
        self as f64
    }
}

impl Measured for u64 {
    /// Saturating: OTLP has no unsigned values.
    fn number(self) -> Number {
        Number::I64(i64::try_from(self).unwrap_or(i64::MAX))
    }

    fn float(self) -> f64 {
        self as f64
    }
}

fn metric_data<T: Measured>(data: &data::MetricData<T>) -> MetricData<'_> {
    match data {
        data::MetricData::Gauge(gauge) => {
            let times = (gauge.start_time().map_or(0, unix_nanos), unix_nanos(gauge.time()));
            let points = gauge.data_points();
            let points =
                points.map(|p| point(times, p.attributes(), p.exemplars(), p.value().number()));
            MetricData::Gauge(points.collect())
        }
        data::MetricData::Sum(sum) => {
            let times = (unix_nanos(sum.start_time()), unix_nanos(sum.time()));
            let points = sum.data_points();
            let points =
                points.map(|p| point(times, p.attributes(), p.exemplars(), p.value().number()));
            MetricData::Sum {
                points: points.collect(),
                temporality: temporality(sum.temporality()),
                monotonic: sum.is_monotonic(),
            }
        }
        data::MetricData::Histogram(all) => {
            let times = (unix_nanos(all.start_time()), unix_nanos(all.time()));
            let points = all.data_points();
            let points = points.map(|p| point(times, p.attributes(), p.exemplars(), histogram(p)));
            MetricData::Histogram {
                points: points.collect(),
                temporality: temporality(all.temporality()),
            }
        }
        data::MetricData::ExponentialHistogram(all) => {
            let times = (unix_nanos(all.start_time()), unix_nanos(all.time()));
            let points = all.data_points();
            let points =
                points.map(|p| point(times, p.attributes(), p.exemplars(), exponential(p)));
            MetricData::ExponentialHistogram {
                points: points.collect(),
                temporality: temporality(all.temporality()),
            }
        }
    }
}

fn point<'a, T: Measured + 'a, V>(
    (start, time): (u64, u64),
    attributes: impl Iterator<Item = &'a KeyValue>,
    exemplars: impl Iterator<Item = &'a data::Exemplar<T>>,
    value: V,
) -> Point<'a, V> {
    let exemplars = exemplars.map(exemplar).collect();
    Point { attributes: pairs(attributes), start, time, value, exemplars, flags: 0 }
}

fn exemplar<T: Measured>(from: &data::Exemplar<T>) -> Exemplar<'_> {
    Exemplar {
        value: from.value.number(),
        time: unix_nanos(from.time()),
        trace: u128::from_be_bytes(*from.trace_id()),
        span: u64::from_be_bytes(*from.span_id()),
        attributes: pairs(from.filtered_attributes()),
    }
}

fn histogram<T: Measured>(from: &HistogramDataPoint<T>) -> Histogram {
    Histogram {
        count: from.count(),
        sum: Some(from.sum().float()),
        min: from.min().map(T::float),
        max: from.max().map(T::float),
        bounds: from.bounds().collect(),
        counts: from.bucket_counts().collect(),
    }
}

fn exponential<T: Measured>(from: &ExponentialHistogramDataPoint<T>) -> ExponentialHistogram {
    ExponentialHistogram {
        count: from.count() as u64,
        sum: Some(from.sum().float()),
        min: from.min().map(T::float),
        max: from.max().map(T::float),
        scale: from.scale().into(),
        zero_count: from.zero_count(),
        zero_threshold: from.zero_threshold(),
        positive: buckets(from.positive_bucket()),
        negative: buckets(from.negative_bucket()),
    }
}

fn buckets(from: &ExponentialBucket) -> Buckets {
    Buckets { offset: from.offset(), counts: from.counts().collect() }
}

fn temporality(from: SdkTemporality) -> Temporality {
    match from {
        SdkTemporality::Delta => Temporality::Delta,
        // `LowMemory` is a preference: no data has it.
        _ => Temporality::Cumulative,
    }
}
