//! The points of metrics: `NumberDataPoint` and its kin.

use super::value::pairs;
use super::writer::Writer;
use crate::encode::view::{
    Buckets, Exemplar, ExponentialHistogram, Histogram, Number, Point, Summary,
};

/// Each kind of value has a message of its own for its points.
pub(super) trait Value: Sized {
    fn write(&self, out: &mut Writer);
}

pub(super) fn point<V: Value>(out: &mut Writer, from: &Point<'_, V>) {
    out.object(|out| {
        pairs(out, "attributes", &from.attributes);
        out.large("startTimeUnixNano", from.start);
        out.large("timeUnixNano", from.time);
        from.value.write(out);
        out.list("exemplars", &from.exemplars, exemplar);
        out.small("flags", from.flags);
    });
}

/// The member of the oneof is written whatever its value is.
impl Value for Number {
    fn write(&self, out: &mut Writer) {
        match self {
            Self::Empty => {}
            Self::I64(value) => {
                out.key("asInt");
                out.quoted(value);
            }
            Self::F64(value) => {
                out.key("asDouble");
                out.double(*value);
            }
        }
    }
}

impl Value for Histogram {
    fn write(&self, out: &mut Writer) {
        out.large("count", self.count);
        optional(out, "sum", self.sum);
        out.list("bucketCounts", &self.counts, |out, count| out.quoted(count));
        out.list("explicitBounds", &self.bounds, |out, bound| out.double(*bound));
        optional(out, "min", self.min);
        optional(out, "max", self.max);
    }
}

impl Value for ExponentialHistogram {
    fn write(&self, out: &mut Writer) {
        out.large("count", self.count);
        optional(out, "sum", self.sum);
        out.small("scale", self.scale);
        out.large("zeroCount", self.zero_count);
        buckets(out, "positive", &self.positive);
        buckets(out, "negative", &self.negative);
        optional(out, "min", self.min);
        optional(out, "max", self.max);
        double(out, "zeroThreshold", self.zero_threshold);
    }
}

impl Value for Summary {
    fn write(&self, out: &mut Writer) {
        out.large("count", self.count);
        double(out, "sum", self.sum);
        out.list("quantileValues", &self.quantiles, |out, (quantile, value)| {
            out.object(|out| {
                double(out, "quantile", *quantile);
                double(out, "value", *value);
            });
        });
    }
}

fn buckets(out: &mut Writer, name: &'static str, from: &Buckets) {
    if from.offset == 0 && from.counts.is_empty() {
        return;
    }
    out.key(name);
    out.object(|out| {
        out.small("offset", from.offset);
        out.list("bucketCounts", &from.counts, |out, count| out.quoted(count));
    });
}

fn exemplar(out: &mut Writer, from: &Exemplar<'_>) {
    out.object(|out| {
        pairs(out, "filteredAttributes", &from.attributes);
        out.large("timeUnixNano", from.time);
        from.value.write(out);
        out.span_id("spanId", from.span);
        out.trace_id("traceId", from.trace);
    });
}

/// Absent is not 0.
fn optional(out: &mut Writer, name: &'static str, value: Option<f64>) {
    if let Some(value) = value {
        out.key(name);
        out.double(value);
    }
}

/// Unless it is the default, which -0 is not.
fn double(out: &mut Writer, name: &'static str, value: f64) {
    if value.to_bits() != 0 {
        out.key(name);
        out.double(value);
    }
}
