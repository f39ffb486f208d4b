//! prost's metrics as a source of our view.

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::metrics::v1::{
    self as prost, ScopeMetrics, exemplar, exponential_histogram_data_point, metric::Data,
    number_data_point,
};

use crate::encode::view::{
    Any, Buckets, Entries, Exemplar, ExponentialHistogram, Histogram, Items, MetricData,
    MetricView, Number, Pairs, Point, Scope, Summary, Temporality,
};

pub(crate) fn view_of<'a>(group: &'a ScopeMetrics, metric: &'a prost::Metric) -> MetricView<'a> {
    let scope = group.scope.as_ref().unwrap();
    MetricView {
        scope: Scope {
            name: &scope.name,
            version: &scope.version,
            schema_url: &group.schema_url,
            attributes: pairs(&scope.attributes),
            dropped_attributes: scope.dropped_attributes_count,
        },
        name: &metric.name,
        description: &metric.description,
        unit: &metric.unit,
        metadata: pairs(&metric.metadata),
        data: match &metric.data {
            None => MetricData::Empty,
            Some(data) => view_of_data(data),
        },
    }
}

fn view_of_data(data: &Data) -> MetricData<'_> {
    match data {
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
        Data::Summary(data) => MetricData::Summary(data.data_points.iter().map(summary).collect()),
    }
}

fn temporality(number: i32) -> Temporality {
    match number {
        1 => Temporality::Delta,
        2 => Temporality::Cumulative,
        other => Temporality::Other(other),
    }
}

fn summary(point: &prost::SummaryDataPoint) -> Point<'_, Summary> {
    Point {
        attributes: pairs(&point.attributes),
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: Summary {
            count: point.count,
            sum: point.sum,
            quantiles: point.quantile_values.iter().map(|at| (at.quantile, at.value)).collect(),
        },
        exemplars: Vec::new(),
        flags: point.flags,
    }
}

fn number(point: &prost::NumberDataPoint) -> Point<'_, Number> {
    Point {
        attributes: pairs(&point.attributes),
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: match point.value {
            None => Number::Empty,
            Some(number_data_point::Value::AsDouble(value)) => Number::F64(value),
            Some(number_data_point::Value::AsInt(value)) => Number::I64(value),
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
        value: match from.value {
            None => Number::Empty,
            Some(exemplar::Value::AsDouble(value)) => Number::F64(value),
            Some(exemplar::Value::AsInt(value)) => Number::I64(value),
        },
        time: from.time_unix_nano,
        trace: from.trace_id[..].try_into().map_or(0, u128::from_be_bytes),
        span: from.span_id[..].try_into().map_or(0, u64::from_be_bytes),
        attributes: pairs(&from.filtered_attributes),
    }
}

pub(crate) fn pairs(attributes: &[KeyValue]) -> Pairs<'_> {
    attributes.iter().map(|pair| (&*pair.key, any(pair.value.as_ref().unwrap()))).collect()
}

pub(crate) fn any(value: &AnyValue) -> Any<'_> {
    let Some(value) = &value.value else { return Any::Empty };
    match value {
        any_value::Value::BoolValue(value) => Any::Bool(*value),
        any_value::Value::IntValue(value) => Any::I64(*value),
        any_value::Value::DoubleValue(value) => Any::F64(*value),
        any_value::Value::StringValue(value) => Any::Str(value),
        any_value::Value::BytesValue(value) => Any::Bytes(value),
        any_value::Value::ArrayValue(values) => Any::Array(values),
        any_value::Value::KvlistValue(entries) => Any::Map(entries),
        _ => unreachable!("never made"),
    }
}

impl Entries for KeyValueList {
    fn entries(&self, each: &mut dyn FnMut(&str, Any<'_>)) {
        pairs(&self.values).into_iter().for_each(|(key, value)| each(key, value));
    }
}

impl Items for ArrayValue {
    fn items(&self, each: &mut dyn FnMut(Any<'_>)) {
        self.values.iter().for_each(|value| each(any(value)));
    }
}
