//! Metrics: arbitrary messages of prost's go through our view and our bytes, and come back the same.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar, exponential_histogram_data_point::Buckets, metric::Data,
    number_data_point, summary_data_point::ValueAtQuantile,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message as _;

use super::metrics_view::view_of;
use super::{expected_attributes, resource};
use crate::encode::otlp::MetricsEncoder;
use crate::encode::sample::SampleAttributes;
use crate::encode::sample::arbitrary::{float, integer, sample_attributes, text, time};

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Every field arrives, and the bytes are prost's own: minimal lengths, fields in order.
    #[test]
    fn prost_reads_what_was_written(batches in vec(vec(scope_metrics(), 0..4), 1..4)) {
        let mut encoder = MetricsEncoder::new(&resource());
        for batch in batches {
            assert_request(&mut encoder, batch)?;
        }
    }
}

#[test]
fn lengths_at_the_edges_of_varints() {
    let mut encoder = MetricsEncoder::new(&resource());
    for length in (0..20).chain(0x7f0..0x804).chain([0x4_0000, 0x4_0001]) {
        let buckets = Buckets { offset: -1, bucket_counts: vec![0x80; length] };
        let exponential = ExponentialHistogramDataPoint {
            positive: (length != 0).then_some(buckets),
            ..Default::default()
        };
        let histogram = HistogramDataPoint {
            bucket_counts: vec![1; length],
            explicit_bounds: vec![0.5; length],
            ..Default::default()
        };
        let data = [
            Data::ExponentialHistogram(ExponentialHistogram {
                data_points: vec![exponential],
                aggregation_temporality: 1,
            }),
            Data::Histogram(Histogram { data_points: vec![histogram], aggregation_temporality: 2 }),
        ];
        let metrics = data.map(|data| Metric { data: Some(data), ..Metric::default() });
        let group = ScopeMetrics {
            scope: Some(InstrumentationScope::default()),
            metrics: metrics.to_vec(),
            schema_url: "s".repeat(length),
        };
        assert_request(&mut encoder, vec![group]).unwrap();
    }
}

#[test]
fn scopes_that_alternate_stay_together_and_metrics_without_points_are_left_out() {
    let metric = |version: &str, name: &str, points: usize| ScopeMetrics {
        scope: Some(InstrumentationScope {
            name: "meter".into(),
            version: version.into(),
            ..InstrumentationScope::default()
        }),
        metrics: vec![Metric {
            name: name.into(),
            data: Some(Data::Gauge(Gauge { data_points: vec![number(1); points] })),
            ..Metric::default()
        }],
        schema_url: String::new(),
    };
    let mut encoder = MetricsEncoder::new(&[]);
    let other_schema = ScopeMetrics { schema_url: "other".into(), ..metric("1", "d", 1) };
    let sources = [
        metric("1", "a", 1),
        metric("2", "b", 2),
        metric("3", "none", 0),
        other_schema,
        metric("1", "c", 1),
    ];
    for group in &sources {
        encoder.metric(&view_of(group, &group.metrics[0]));
    }
    assert_eq!(encoder.points(), 5);
    let request = ExportMetricsServiceRequest::decode(encoder.finish()).unwrap();
    let groups = request.resource_metrics[0].scope_metrics.iter().map(|group| {
        let version = group.scope.clone().unwrap_or_default().version;
        let names: Vec<String> = group.metrics.iter().map(|metric| metric.name.clone()).collect();
        (version, names.join(","))
    });
    let expected = [("1", "a,c"), ("2", "b"), ("1", "d")]
        .map(|(version, names)| (version.into(), names.into()));
    assert_eq!(groups.collect::<Vec<(String, String)>>(), expected);
}

fn assert_request(
    encoder: &mut MetricsEncoder,
    groups: Vec<ScopeMetrics>,
) -> Result<(), TestCaseError> {
    prop_assert!(encoder.is_empty());
    for group in &groups {
        for metric in &group.metrics {
            encoder.metric(&view_of(group, metric));
        }
    }
    let points = groups.iter().flat_map(|group| &group.metrics).map(points);
    prop_assert_eq!(encoder.points() as usize, points.sum::<usize>());
    let bytes = encoder.finish();

    let pairs = resource().into_iter().map(|(key, value)| (key, value.into())).collect();
    let attributes = expected_attributes(&SampleAttributes { pairs, dropped: 0 });
    let expected = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource { attributes, ..Resource::default() }),
            scope_metrics: groups,
            schema_url: String::new(),
        }],
    };
    let decoded = ExportMetricsServiceRequest::decode(bytes.clone());
    let decoded = decoded.map_err(|error| TestCaseError::fail(error.to_string()))?;
    // By their text, since NaN differs from itself.
    prop_assert_eq!(format!("{decoded:?}"), format!("{expected:?}"));
    prop_assert!(expected.encode_to_vec() == bytes, "not the canonical bytes");
    Ok(())
}

pub(in crate::encode) fn points(metric: &Metric) -> usize {
    match metric.data.as_ref().unwrap() {
        Data::Gauge(data) => data.data_points.len(),
        Data::Sum(data) => data.data_points.len(),
        Data::Histogram(data) => data.data_points.len(),
        Data::ExponentialHistogram(data) => data.data_points.len(),
        Data::Summary(data) => data.data_points.len(),
    }
}

fn number(value: i64) -> NumberDataPoint {
    NumberDataPoint {
        value: Some(number_data_point::Value::AsInt(value)),
        ..NumberDataPoint::default()
    }
}

/// One scope; the version makes it differ from its neighbours.
pub(in crate::encode) fn scope_metrics() -> impl Strategy<Value = ScopeMetrics> {
    let schema_url = prop_oneof![Just(String::new()), text()];
    (text(), any::<u128>(), attributes(), flags(), schema_url, vec(metric(), 1..4)).prop_map(
        |(name, version, attributes, dropped, schema_url, metrics)| ScopeMetrics {
            scope: Some(InstrumentationScope {
                name,
                version: version.to_string(),
                attributes,
                dropped_attributes_count: dropped,
            }),
            metrics,
            schema_url,
        },
    )
}

pub(crate) fn metric() -> impl Strategy<Value = Metric> {
    let numbers = || vec(number_point(), 1..4);
    let data = prop_oneof![
        numbers().prop_map(|data_points| Data::Gauge(Gauge { data_points })),
        (numbers(), temporality(), any::<bool>()).prop_map(
            |(data_points, temporality, is_monotonic)| {
                Data::Sum(Sum { data_points, aggregation_temporality: temporality, is_monotonic })
            }
        ),
        (vec(histogram_point(), 1..4), temporality()).prop_map(|(data_points, temporality)| {
            Data::Histogram(Histogram { data_points, aggregation_temporality: temporality })
        }),
        (vec(exponential_point(), 1..4), temporality()).prop_map(|(data_points, temporality)| {
            let aggregation_temporality = temporality;
            Data::ExponentialHistogram(ExponentialHistogram {
                data_points,
                aggregation_temporality,
            })
        }),
        vec(summary_point(), 1..4).prop_map(|data_points| Data::Summary(Summary { data_points })),
    ];
    (text(), text(), text(), attributes(), data).prop_map(
        |(name, description, unit, metadata, data)| Metric {
            name,
            description,
            unit,
            metadata,
            data: Some(data),
        },
    )
}

fn temporality() -> impl Strategy<Value = i32> {
    prop_oneof![0..=2, any::<i32>()]
}

pub(crate) fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    sample_attributes().prop_map(|attributes| expected_attributes(&attributes))
}

fn flags() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(1), any::<u32>()]
}

fn number_point() -> impl Strategy<Value = NumberDataPoint> {
    let value = prop_oneof![
        integer().prop_map(number_data_point::Value::AsInt),
        float().prop_map(number_data_point::Value::AsDouble),
    ];
    let value = option::weighted(0.9, value);
    (attributes(), time(), time(), value, vec(exemplar(), 0..3), flags()).prop_map(
        |(attributes, start, time, value, exemplars, flags)| NumberDataPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: time,
            exemplars,
            flags,
            value,
        },
    )
}

fn summary_point() -> impl Strategy<Value = SummaryDataPoint> {
    // prost leaves out a negative zero, which is not the default.
    let value = || float().prop_filter("not -0", |value| value.to_bits() != 1 << 63);
    let quantile =
        (value(), value()).prop_map(|(quantile, value)| ValueAtQuantile { quantile, value });
    let head = (attributes(), time(), time());
    (head, time(), value(), vec(quantile, 0..4), flags()).prop_map(
        |((attributes, start, time), count, sum, quantile_values, flags)| SummaryDataPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: time,
            count,
            sum,
            quantile_values,
            flags,
        },
    )
}

type Distribution = (u64, Option<f64>, Option<f64>, Option<f64>);

fn distribution() -> impl Strategy<Value = Distribution> {
    (time(), option::of(float()), option::of(float()), option::of(float()))
}

fn histogram_point() -> impl Strategy<Value = HistogramDataPoint> {
    let buckets = (vec(time(), 0..30), vec(float(), 0..30));
    let head = (attributes(), time(), time());
    (head, distribution(), buckets, vec(exemplar(), 0..3), flags()).prop_map(
        |((attributes, start, time), (count, sum, min, max), buckets, exemplars, flags)| {
            HistogramDataPoint {
                attributes,
                start_time_unix_nano: start,
                time_unix_nano: time,
                count,
                sum,
                bucket_counts: buckets.0,
                explicit_bounds: buckets.1,
                exemplars,
                flags,
                min,
                max,
            }
        },
    )
}

fn exponential_point() -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    let buckets = || {
        let some = (any::<i32>(), vec(prop_oneof![0..300_u64, any::<u64>()], 0..30));
        let some = some.prop_map(|(offset, bucket_counts)| Buckets { offset, bucket_counts });
        // One that says nothing is left out.
        option::of(some.prop_filter("not empty", |some| *some != Buckets::default()))
    };
    let head = (attributes(), time(), time(), any::<i32>());
    let zero = (time(), prop_oneof![Just(0.0), Just(1e-9), Just(f64::INFINITY)]);
    let tail = (vec(exemplar(), 0..3), flags());
    (head, distribution(), zero, buckets(), buckets(), tail).prop_map(
        |(head, (count, sum, min, max), zero, positive, negative, (exemplars, flags))| {
            ExponentialHistogramDataPoint {
                attributes: head.0,
                start_time_unix_nano: head.1,
                time_unix_nano: head.2,
                count,
                sum,
                scale: head.3,
                zero_count: zero.0,
                positive,
                negative,
                flags,
                exemplars,
                min,
                max,
                zero_threshold: zero.1,
            }
        },
    )
}

fn exemplar() -> impl Strategy<Value = Exemplar> {
    let value = prop_oneof![
        integer().prop_map(exemplar::Value::AsInt),
        float().prop_map(exemplar::Value::AsDouble),
    ];
    let value = option::weighted(0.9, value);
    let ids = option::of((1..=u64::MAX, 1..=u128::MAX));
    (attributes(), time(), ids, value).prop_map(|(filtered_attributes, time, ids, value)| {
        Exemplar {
            filtered_attributes,
            time_unix_nano: time,
            span_id: ids.map_or_else(Vec::new, |(span, _)| span.to_be_bytes().to_vec()),
            trace_id: ids.map_or_else(Vec::new, |(_, trace)| trace.to_be_bytes().to_vec()),
            value,
        }
    })
}
