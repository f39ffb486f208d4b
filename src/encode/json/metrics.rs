//! `Metric`.

use super::point::{Value, point};
use super::value::pairs;
use super::writer::Writer;
use crate::encode::view::{MetricData, MetricView, Point, Temporality};

pub(super) fn metric(out: &mut Writer, from: &MetricView<'_>) {
    out.object(|out| {
        out.text("name", from.name);
        out.text("description", from.description);
        out.text("unit", from.unit);
        pairs(out, "metadata", &from.metadata);
        match &from.data {
            MetricData::Empty => {}
            MetricData::Gauge(points) => data(out, "gauge", points, |_| {}),
            MetricData::Sum { points, temporality, monotonic } => data(out, "sum", points, |out| {
                aggregation(out, *temporality);
                if *monotonic {
                    out.key("isMonotonic");
                    out.boolean(true);
                }
            }),
            MetricData::Histogram { points, temporality } => {
                data(out, "histogram", points, |out| aggregation(out, *temporality));
            }
            MetricData::ExponentialHistogram { points, temporality } => {
                data(out, "exponentialHistogram", points, |out| aggregation(out, *temporality));
            }
            MetricData::Summary(points) => data(out, "summary", points, |_| {}),
        }
    });
}

fn data<V: Value>(
    out: &mut Writer,
    name: &'static str,
    points: &[Point<'_, V>],
    rest: impl FnOnce(&mut Writer),
) {
    out.key(name);
    out.object(|out| {
        out.list("dataPoints", points, point);
        rest(out);
    });
}

fn aggregation(out: &mut Writer, temporality: Temporality) {
    out.small("aggregationTemporality", temporality.number());
}
