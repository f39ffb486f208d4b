//! prost's metrics as a source of our view.

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    self as prost, ScopeMetrics, exemplar, exponential_histogram_data_point, metric::Data,
    number_data_point,
};

use crate::encode::view::{
    Any, Buckets, Exemplar, ExponentialHistogram, Histogram, Items, MetricData, MetricView, Number,
    Pairs, Point, Scope, Temporality,
};

pub(super) fn view_of<'a>(group: &'a ScopeMetrics, metric: &'a prost::Metric) -> MetricView<'a> {
    let scope = group.scope.as_ref().unwrap();
    MetricView {
        scope: Scope {
            name: &scope.name,
            version: &scope.version,
            schema_url: &group.schema_url,
            attributes: pairs(&scope.attributes),
        },
        name: &metric.name,
        description: &metric.description,
        unit: &metric.unit,
        data: match metric.data.as_ref().unwrap() {
            Data::Gauge(data) => MetricData::Gauge(data.data_points.iter().map(number).collect()),
            Data::Sum(data) => MetricData::Sum {
                points: data.data_points.iter().map(number).collect(),
                temporality: temporality(data.aggregation_temporality),
                monotonic: data.is_monotonic,
            },
            Data::Histogram(data) => MetricData::Histogram {
                points: data.data_points.iter().map(histogram).collect(),
                temporality: temporality(data.aggregation_temporality),
            },
            Data::ExponentialHistogram(data) => MetricData::ExponentialHistogram {
                points: data.data_points.iter().map(exponential).collect(),
                temporality: temporality(data.aggregation_temporality),
            },
            Data::Summary(_) => unreachable!("never made"),
        },
    }
}

fn temporality(number: i32) -> Temporality {
    match number {
        1 => Temporality::Delta,
        2 => Temporality::Cumulative,
        _ => unreachable!("never made"),
    }
}

fn number(point: &prost::NumberDataPoint) -> Point<'_, Number> {
    Point {
        attributes: pairs(&point.attributes),
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: match point.value.unwrap() {
            number_data_point::Value::AsDouble(value) => Number::F64(value),
            number_data_point::Value::AsInt(value) => Number::I64(value),
        },
        exemplars: exemplars(&point.exemplars),
        flags: point.flags,
    }
}

fn histogram(point: &prost::HistogramDataPoint) -> Point<'_, Histogram> {
    Point {
        attributes: pairs(&point.attributes),
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: Histogram {
            count: point.count,
            sum: point.sum,
            min: point.min,
            max: point.max,
            bounds: point.explicit_bounds.clone(),
            counts: point.bucket_counts.clone(),
        },
        exemplars: exemplars(&point.exemplars),
        flags: point.flags,
    }
}

fn exponential(point: &prost::ExponentialHistogramDataPoint) -> Point<'_, ExponentialHistogram> {
    Point {
        attributes: pairs(&point.attributes),
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: ExponentialHistogram {
            count: point.count,
            sum: point.sum,
            min: point.min,
            max: point.max,
            scale: point.scale,
            zero_count: point.zero_count,
            zero_threshold: point.zero_threshold,
            positive: buckets(point.positive.as_ref()),
            negative: buckets(point.negative.as_ref()),
        },
        exemplars: exemplars(&point.exemplars),
        flags: point.flags,
    }
}

fn buckets(buckets: Option<&exponential_histogram_data_point::Buckets>) -> Buckets {
    let buckets = buckets.cloned().unwrap_or_default();
    Buckets { offset: buckets.offset, counts: buckets.bucket_counts }
}

fn exemplars(exemplars: &[prost::Exemplar]) -> Vec<Exemplar<'_>> {
    exemplars.iter().map(exemplar).collect()
}

fn exemplar(from: &prost::Exemplar) -> Exemplar<'_> {
    Exemplar {
        value: match from.value.unwrap() {
            exemplar::Value::AsDouble(value) => Number::F64(value),
            exemplar::Value::AsInt(value) => Number::I64(value),
        },
        time: from.time_unix_nano,
        trace: from.trace_id[..].try_into().map_or(0, u128::from_be_bytes),
        span: from.span_id[..].try_into().map_or(0, u64::from_be_bytes),
        attributes: pairs(&from.filtered_attributes),
    }
}

fn pairs(attributes: &[KeyValue]) -> Pairs<'_> {
    attributes.iter().map(|pair| (&*pair.key, any(pair.value.as_ref().unwrap()))).collect()
}

fn any(value: &AnyValue) -> Any<'_> {
    match value.value.as_ref().unwrap() {
        any_value::Value::BoolValue(value) => Any::Bool(*value),
        any_value::Value::IntValue(value) => Any::I64(*value),
        any_value::Value::DoubleValue(value) => Any::F64(*value),
        any_value::Value::StringValue(value) => Any::Str(value),
        any_value::Value::BytesValue(value) => Any::Bytes(value),
        any_value::Value::ArrayValue(values) => Any::Array(values),
        _ => unreachable!("never made"),
    }
}

impl Items for ArrayValue {
    fn items(&self, each: &mut dyn FnMut(Any<'_>)) {
        self.values.iter().for_each(|value| each(any(value)));
    }
}
