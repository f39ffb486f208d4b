//! Metrics as an `ExportMetricsServiceRequest` with one `ResourceMetrics`, a `ScopeMetrics` for each scope.

use bytes::Bytes;

use super::attribute::key_value;
use super::envelope::{Envelope, ITEMS};
use super::proto::Writer;
use crate::encode::view::{
    Any, Buckets, Exemplar, ExponentialHistogram, Histogram, MetricData, MetricView, Number, Point,
    Resource, Summary,
};

/// The fields of `Gauge`, `Sum`, `Histogram`, `ExponentialHistogram` and `Summary`.
const POINTS: u64 = 1;
const TEMPORALITY: u64 = 2;
const MONOTONIC: u64 = 3;

/// Writes metrics one after the other and hands them out as whole requests.
#[derive(Debug)]
pub(crate) struct MetricsEncoder {
    envelope: Envelope,
    points: u32,
}

impl MetricsEncoder {
    /// The resource is encoded here, once.
    pub(crate) fn new(resource: &[(String, String)]) -> Self {
        Self::of(&resource.into())
    }

    /// The same with a resource whose values are of any kind.
    pub(crate) fn of(resource: &Resource<'_>) -> Self {
        Self { envelope: Envelope::new(resource), points: 0 }
    }

    /// Adds a metric to the batch, unless it has no points.
    pub(crate) fn metric(&mut self, metric: &MetricView<'_>) {
        if metric.points() == 0 {
            return;
        }
        let items = self.envelope.group_of(&metric.scope);
        items.message(ITEMS, 2, |out| write_metric(out, metric));
        self.points += u32::try_from(metric.points()).unwrap_or(u32::MAX);
    }

    /// How many points are in the batch.
    #[cfg(test)]
    pub(crate) fn points(&self) -> u32 {
        self.points
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.points == 0
    }

    /// The whole request; the encoder is ready for the next batch.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.points = 0;
        self.envelope.finish()
    }
}

pub(super) fn write_metric(out: &mut Writer, metric: &MetricView<'_>) {
    out.string(1, metric.name);
    out.string(2, metric.description);
    out.string(3, metric.unit);
    match &metric.data {
        MetricData::Empty => {}
        MetricData::Gauge(points) => out.message(5, 2, |out| write_points(out, points)),
        MetricData::Sum { points, temporality, monotonic } => out.message(7, 2, |out| {
            write_points(out, points);
            out.int32(TEMPORALITY, temporality.number());
            out.uint(MONOTONIC, (*monotonic).into());
        }),
        MetricData::Histogram { points, temporality } => out.message(9, 2, |out| {
            write_points(out, points);
            out.int32(TEMPORALITY, temporality.number());
        }),
        MetricData::ExponentialHistogram { points, temporality } => out.message(10, 2, |out| {
            write_points(out, points);
            out.int32(TEMPORALITY, temporality.number());
        }),
        MetricData::Summary(points) => out.message(11, 2, |out| write_points(out, points)),
    }
    pairs(out, 12, &metric.metadata);
}

fn write_points<V: Value>(out: &mut Writer, points: &[Point<'_, V>]) {
    for point in points {
        out.message(POINTS, 2, |out| V::write_point(out, point));
    }
}

/// Each kind of value has a message of its own for its points, with numbers of its own.
trait Value: Sized {
    fn write_point(out: &mut Writer, point: &Point<'_, Self>);
}

impl Value for Number {
    fn write_point(out: &mut Writer, point: &Point<'_, Self>) {
        times(out, point);
        number(out, 4, 6, point.value);
        exemplars(out, 5, &point.exemplars);
        pairs(out, 7, &point.attributes);
        out.uint(8, point.flags);
    }
}

impl Value for Histogram {
    fn write_point(out: &mut Writer, point: &Point<'_, Self>) {
        let value = &point.value;
        times(out, point);
        out.fixed64(4, value.count);
        out.optional_double(5, value.sum);
        out.packed_fixed64(6, value.counts.iter().copied());
        out.packed_fixed64(7, value.bounds.iter().map(|bound| bound.to_bits()));
        exemplars(out, 8, &point.exemplars);
        pairs(out, 9, &point.attributes);
        out.uint(10, point.flags);
        out.optional_double(11, value.min);
        out.optional_double(12, value.max);
    }
}

impl Value for ExponentialHistogram {
    fn write_point(out: &mut Writer, point: &Point<'_, Self>) {
        let value = &point.value;
        pairs(out, 1, &point.attributes);
        times(out, point);
        out.fixed64(4, value.count);
        out.optional_double(5, value.sum);
        out.sint(6, value.scale);
        out.fixed64(7, value.zero_count);
        buckets(out, 8, &value.positive);
        buckets(out, 9, &value.negative);
        out.uint(10, point.flags);
        exemplars(out, 11, &point.exemplars);
        out.optional_double(12, value.min);
        out.optional_double(13, value.max);
        out.fixed64(14, value.zero_threshold.to_bits());
    }
}

impl Value for Summary {
    fn write_point(out: &mut Writer, point: &Point<'_, Self>) {
        let value = &point.value;
        times(out, point);
        out.fixed64(4, value.count);
        out.fixed64(5, value.sum.to_bits());
        for (quantile, value) in &value.quantiles {
            out.message(6, 1, |out| {
                out.fixed64(1, quantile.to_bits());
                out.fixed64(2, value.to_bits());
            });
        }
        pairs(out, 7, &point.attributes);
        out.uint(8, point.flags);
    }
}

fn times<V>(out: &mut Writer, point: &Point<'_, V>) {
    out.fixed64(2, point.start);
    out.fixed64(3, point.time);
}

fn pairs(out: &mut Writer, field: u64, pairs: &[(&str, Any<'_>)]) {
    for (key, value) in pairs {
        key_value(out, field, key.as_bytes(), (*value).into());
    }
}

fn number(out: &mut Writer, double_field: u64, int_field: u64, value: Number) {
    match value {
        Number::Empty => {}
        Number::F64(value) => out.fixed64_field(double_field, value.to_bits()),
        Number::I64(value) => out.fixed64_field(int_field, value as u64),
    }
}

/// An offset without counts means nothing, but whoever hands a point on changes nothing.
fn buckets(out: &mut Writer, field: u64, buckets: &Buckets) {
    if buckets.offset != 0 || !buckets.counts.is_empty() {
        out.message(field, 1, |out| {
            out.sint(1, buckets.offset);
            out.packed_varint(2, &buckets.counts);
        });
    }
}

fn exemplars(out: &mut Writer, field: u64, exemplars: &[Exemplar<'_>]) {
    for exemplar in exemplars {
        out.message(field, 1, |out| {
            out.fixed64(2, exemplar.time);
            number(out, 3, 6, exemplar.value);
            if exemplar.span != 0 {
                out.bytes_field(4, &exemplar.span.to_be_bytes());
            }
            if exemplar.trace != 0 {
                out.bytes_field(5, &exemplar.trace.to_be_bytes());
            }
            pairs(out, 7, &exemplar.attributes);
        });
    }
}
