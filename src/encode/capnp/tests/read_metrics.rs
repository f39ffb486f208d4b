//! Metrics read with the generated readers, into OpenTelemetry's own messages.

use capnp::struct_list;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, Sum, Summary, SummaryDataPoint, exemplar,
    exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
    summary_data_point::ValueAtQuantile,
};

use super::read::{Texts, pairs, span_id, trace_id};
use crate::schema::metrics_capnp::{
    exemplar as exemplar_row, exponential_histogram_point as exponential_row,
    histogram_point as histogram_row, metric, number_point as number_row,
    summary_point as summary_row,
};

pub(super) fn metric(texts: &Texts, from: metric::Reader<'_>) -> Metric {
    Metric {
        name: texts.get(from.get_name()),
        description: texts.get(from.get_description()),
        unit: texts.get(from.get_unit()),
        metadata: pairs(texts, from.get_metadata().unwrap()),
        data: data(texts, from.get_data()),
    }
}

fn data(texts: &Texts, from: metric::data::Reader<'_>) -> Option<Data> {
    Some(match from.which().unwrap() {
        metric::data::None(()) => return None,
        metric::data::Gauge(from) => {
            Data::Gauge(Gauge { data_points: numbers(texts, from.get_points().unwrap()) })
        }
        metric::data::Sum(from) => Data::Sum(Sum {
            data_points: numbers(texts, from.get_points().unwrap()),
            aggregation_temporality: from.get_temporality(),
            is_monotonic: from.get_is_monotonic(),
        }),
        metric::data::Histogram(from) => {
            let points = from.get_points().unwrap().iter();
            Data::Histogram(Histogram {
                data_points: points.map(|point| histogram(texts, point)).collect(),
                aggregation_temporality: from.get_temporality(),
            })
        }
        metric::data::ExponentialHistogram(from) => {
            let points = from.get_points().unwrap().iter();
            Data::ExponentialHistogram(ExponentialHistogram {
                data_points: points.map(|point| exponential(texts, point)).collect(),
                aggregation_temporality: from.get_temporality(),
            })
        }
        metric::data::Summary(from) => {
            let points = from.get_points().unwrap().iter();
            Data::Summary(Summary {
                data_points: points.map(|point| summary(texts, point)).collect(),
            })
        }
    })
}

fn numbers(
    texts: &Texts,
    from: struct_list::Reader<'_, number_row::Owned>,
) -> Vec<NumberDataPoint> {
    let point = |from: number_row::Reader<'_>| NumberDataPoint {
        attributes: pairs(texts, from.get_attributes().unwrap()),
        start_time_unix_nano: from.get_start_time_unix_nano(),
        time_unix_nano: from.get_time_unix_nano(),
        exemplars: exemplars(texts, from.get_exemplars().unwrap()),
        flags: from.get_flags(),
        value: match from.get_value().which().unwrap() {
            number_row::value::None(()) => None,
            number_row::value::Double(value) => Some(number_data_point::Value::AsDouble(value)),
            number_row::value::Int(value) => Some(number_data_point::Value::AsInt(value)),
        },
    };
    from.iter().map(point).collect()
}

fn histogram(texts: &Texts, from: histogram_row::Reader<'_>) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: pairs(texts, from.get_attributes().unwrap()),
        start_time_unix_nano: from.get_start_time_unix_nano(),
        time_unix_nano: from.get_time_unix_nano(),
        count: from.get_count(),
        sum: match from.get_sum().which().unwrap() {
            histogram_row::sum::Absent(()) => None,
            histogram_row::sum::Value(value) => Some(value),
        },
        bucket_counts: from.get_bucket_counts().unwrap().iter().collect(),
        explicit_bounds: from.get_explicit_bounds().unwrap().iter().collect(),
        exemplars: exemplars(texts, from.get_exemplars().unwrap()),
        flags: from.get_flags(),
        min: match from.get_min().which().unwrap() {
            histogram_row::min::Absent(()) => None,
            histogram_row::min::Value(value) => Some(value),
        },
        max: match from.get_max().which().unwrap() {
            histogram_row::max::Absent(()) => None,
            histogram_row::max::Value(value) => Some(value),
        },
    }
}

fn exponential(texts: &Texts, from: exponential_row::Reader<'_>) -> ExponentialHistogramDataPoint {
    let buckets = |offset: i32, counts: capnp::primitive_list::Reader<'_, u64>| {
        let buckets = Buckets { offset, bucket_counts: counts.iter().collect() };
        (buckets != Buckets::default()).then_some(buckets)
    };
    let (positive, negative) = (from.get_positive(), from.get_negative());
    ExponentialHistogramDataPoint {
        attributes: pairs(texts, from.get_attributes().unwrap()),
        start_time_unix_nano: from.get_start_time_unix_nano(),
        time_unix_nano: from.get_time_unix_nano(),
        count: from.get_count(),
        sum: match from.get_sum().which().unwrap() {
            exponential_row::sum::Absent(()) => None,
            exponential_row::sum::Value(value) => Some(value),
        },
        scale: from.get_scale(),
        zero_count: from.get_zero_count(),
        positive: buckets(positive.get_offset(), positive.get_counts().unwrap()),
        negative: buckets(negative.get_offset(), negative.get_counts().unwrap()),
        flags: from.get_flags(),
        exemplars: exemplars(texts, from.get_exemplars().unwrap()),
        min: match from.get_min().which().unwrap() {
            exponential_row::min::Absent(()) => None,
            exponential_row::min::Value(value) => Some(value),
        },
        max: match from.get_max().which().unwrap() {
            exponential_row::max::Absent(()) => None,
            exponential_row::max::Value(value) => Some(value),
        },
        zero_threshold: from.get_zero_threshold(),
    }
}

fn summary(texts: &Texts, from: summary_row::Reader<'_>) -> SummaryDataPoint {
    let quantiles = from.get_quantiles().unwrap();
    let quantile = |from: summary_row::quantile::Reader<'_>| ValueAtQuantile {
        quantile: from.get_quantile(),
        value: from.get_value(),
    };
    SummaryDataPoint {
        attributes: pairs(texts, from.get_attributes().unwrap()),
        start_time_unix_nano: from.get_start_time_unix_nano(),
        time_unix_nano: from.get_time_unix_nano(),
        count: from.get_count(),
        sum: from.get_sum(),
        quantile_values: quantiles.iter().map(quantile).collect(),
        flags: from.get_flags(),
    }
}

fn exemplars(texts: &Texts, from: struct_list::Reader<'_, exemplar_row::Owned>) -> Vec<Exemplar> {
    let exemplar = |from: exemplar_row::Reader<'_>| Exemplar {
        filtered_attributes: pairs(texts, from.get_filtered_attributes().unwrap()),
        time_unix_nano: from.get_time_unix_nano(),
        span_id: span_id(from.get_span_id()),
        trace_id: trace_id(from.get_trace_id_high(), from.get_trace_id_low()),
        value: match from.get_value().which().unwrap() {
            exemplar_row::value::None(()) => None,
            exemplar_row::value::Double(value) => Some(exemplar::Value::AsDouble(value)),
            exemplar_row::value::Int(value) => Some(exemplar::Value::AsInt(value)),
        },
    };
    from.iter().map(exemplar).collect()
}
