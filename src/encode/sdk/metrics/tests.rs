//! A real meter provider's metrics in our view.

use std::sync::{Arc, Weak};
use std::time::Duration;

use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Stream,
    Temporality as SdkTemporality,
};
use prost::Message as _;

use super::each_metric;
use crate::encode::otlp::MetricsEncoder;
use crate::encode::view::{MetricData, Number, Pairs, Point, Temporality};

/// OpenTelemetry's own conversion of the same collection is the judge: every kind, every field.
#[test]
fn the_same_as_the_stock_conversion() {
    for temporality in [SdkTemporality::Cumulative, SdkTemporality::Delta] {
        let (provider, reader) = provider(temporality);
        record_all(
            &provider.meter_with_scope(
                InstrumentationScope::builder("first")
                    .with_version("1.2.3")
                    .with_schema_url("https://example.com/schema")
                    .with_attributes([KeyValue::new("scope.kind", "test")])
                    .build(),
            ),
        );
        record_all(&provider.meter("second"));

        for _ in 0..2 {
            let collected = reader.collected();
            let mut encoder = MetricsEncoder::new(&[]);
            each_metric(&collected, |metric| encoder.metric(metric));
            let ours = ExportMetricsServiceRequest::decode(encoder.finish()).unwrap();
            let mut stock = ExportMetricsServiceRequest::from(&collected);
            drop_empty(&mut stock);
            assert!(!stock.resource_metrics[0].scope_metrics.is_empty());
            let (ours, stock) = (&ours.resource_metrics[0], &stock.resource_metrics[0]);
            assert_eq!(ours.scope_metrics.len(), stock.scope_metrics.len());
            for (ours, stock) in ours.scope_metrics.iter().zip(&stock.scope_metrics) {
                assert_eq!((&ours.scope, &ours.schema_url), (&stock.scope, &stock.schema_url));
                assert_eq!(ours.metrics.len(), stock.metrics.len());
                for (ours, stock) in ours.metrics.iter().zip(&stock.metrics) {
                    assert_eq!(ours, stock);
                }
            }
        }
    }
}

#[test]
fn values_of_every_kind() {
    let (provider, reader) = provider(SdkTemporality::Cumulative);
    record_all(&provider.meter("meter"));
    let collected = reader.collected();
    let mut names = Vec::new();
    each_metric(&collected, |metric| {
        names.push(metric.name.to_owned());
        assert_eq!((metric.scope.name, metric.description, metric.unit), ("meter", "what", "By"));
        assert_eq!(metric.points(), 1);
        match (metric.name, &metric.data) {
            ("counter.u64", MetricData::Sum { points, temporality, monotonic }) => {
                assert_eq!((*temporality, *monotonic), (Temporality::Cumulative, true));
                assert_eq!(points[0].value, Number::I64(8));
                // The SDK keeps no order.
                let mut attributes = points[0].attributes.clone();
                attributes.sort_by_key(|(key, _)| *key);
                assert_eq!(format!("{attributes:?}"), every_attribute());
                assert!(points[0].start > 0 && points[0].start <= points[0].time);
            }
            ("counter.f64", MetricData::Sum { points, monotonic: true, .. }) => {
                assert_eq!(points[0].value, Number::F64(1.5));
            }
            ("up_down.i64", MetricData::Sum { points, monotonic: false, .. }) => {
                assert_eq!(points[0].value, Number::I64(-2));
            }
            ("up_down.f64", MetricData::Sum { points, monotonic: false, .. }) => {
                assert_eq!(points[0].value, Number::F64(-0.5));
            }
            ("gauge.u64" | "gauge.i64" | "observed.i64", MetricData::Gauge(points)) => {
                assert_eq!(points[0].value, Number::I64(7));
            }
            ("gauge.f64", MetricData::Gauge(points)) => {
                assert_eq!(points[0].value, Number::F64(0.25));
            }
            ("histogram.u64" | "histogram.f64", MetricData::Histogram { points, .. }) => {
                let Point { value, .. } = &points[0];
                assert_eq!((value.count, value.sum), (3, Some(56.0)));
                assert_eq!((value.min, value.max), (Some(1.0), Some(50.0)));
                assert_eq!(
                    (&value.bounds[..], &value.counts[..]),
                    (&[5., 10.][..], &[2, 0, 1][..])
                );
            }
            ("exponential", MetricData::ExponentialHistogram { points, .. }) => {
                let Point { value, .. } = &points[0];
                assert_eq!((value.count, value.zero_count, value.sum), (4, 1, Some(3.0)));
                assert_eq!((value.min, value.max), (Some(-1.0), Some(3.0)));
                let buckets = [&value.positive, &value.negative];
                assert_eq!(buckets.map(|side| side.counts.iter().sum::<u64>()), [2, 1]);
                // 3 is in its bucket: base^offset < 3 <= base^(offset + 1), and so on.
                let base = f64::exp2(f64::exp2(f64::from(-value.scale)));
                let last = value.positive.offset + value.positive.counts.len() as i32;
                assert!(base.powi(last - 1) < 3.0 && 3.0 <= base.powi(last));
            }
            (name, data) => panic!("{name}: {data:?}"),
        }
    });
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 11);
}

/// OTLP has no unsigned values; the stock conversion lets them wrap.
#[test]
fn what_does_not_fit_saturates() {
    let (provider, reader) = provider(SdkTemporality::Cumulative);
    provider.meter("meter").u64_counter("large").build().add(u64::MAX, &[]);
    let mut seen = Vec::new();
    each_metric(&reader.collected(), |metric| {
        let MetricData::Sum { points, .. } = &metric.data else { panic!("a sum") };
        seen.extend(points.iter().map(|point| point.value));
    });
    assert_eq!(seen, [Number::I64(i64::MAX)]);
}

#[test]
fn delta_is_what_came_since_the_last_time() {
    let (provider, reader) = provider(SdkTemporality::Delta);
    let counter = provider.meter("meter").u64_counter("requests").build();
    let bound = counter.bind(&[KeyValue::new("method", "get")]);
    let mut seen = Vec::new();
    for amount in [3, 4] {
        bound.add(amount);
        each_metric(&reader.collected(), |metric| {
            let MetricData::Sum { points, temporality, .. } = &metric.data else { panic!("a sum") };
            let method: &Pairs<'_> = &points[0].attributes;
            seen.push(format!("{temporality:?} {method:?} {:?}", points[0].value));
        });
    }
    assert_eq!(seen, [3, 4].map(|n| format!("Delta [(\"method\", \"get\")] I64({n})")));
}

/// One instrument of each kind, each with one series.
fn record_all(meter: &Meter) {
    macro_rules! instrument {
        ($kind:ident, $name:literal) => {
            meter.$kind($name).with_description("what").with_unit("By")
        };
    }
    let counter = instrument!(u64_counter, "counter.u64").build();
    counter.add(5, &attributes());
    counter.add(3, &attributes());
    instrument!(f64_counter, "counter.f64").build().add(1.5, &attributes());
    instrument!(i64_up_down_counter, "up_down.i64").build().add(-2, &attributes());
    instrument!(f64_up_down_counter, "up_down.f64").build().add(-0.5, &[]);
    instrument!(u64_gauge, "gauge.u64").build().record(7, &[]);
    instrument!(i64_gauge, "gauge.i64").build().record(7, &attributes());
    instrument!(f64_gauge, "gauge.f64").build().record(0.25, &[]);
    let observed = instrument!(i64_observable_gauge, "observed.i64");
    observed.with_callback(|observer| observer.observe(7, &[])).build();
    let bounds = || vec![5.0, 10.0];
    let integers = instrument!(u64_histogram, "histogram.u64").with_boundaries(bounds()).build();
    [1, 5, 50].into_iter().for_each(|value| integers.record(value, &attributes()));
    let floats = instrument!(f64_histogram, "histogram.f64").with_boundaries(bounds()).build();
    [1.0, 5.0, 50.0].into_iter().for_each(|value| floats.record(value, &[]));
    let exponential = instrument!(f64_histogram, "exponential").build();
    for value in [-1.0, 0.0, 1.0, 3.0] {
        exponential.record(value, &attributes());
    }
}

fn attributes() -> [KeyValue; 8] {
    let array = |array: Array| Value::Array(array);
    [
        KeyValue::new("bool", true),
        KeyValue::new("int", i64::MIN),
        KeyValue::new("double", 0.5),
        KeyValue::new("text", "tëxt"),
        KeyValue::new("bools", array(vec![true, false].into())),
        KeyValue::new("ints", array(vec![1, -1].into())),
        KeyValue::new("doubles", array(vec![0.5].into())),
        KeyValue::new("texts", array(vec![StringValue::from("a"), "b".into()].into())),
    ]
}

fn every_attribute() -> &'static str {
    r#"[("bool", true), ("bools", [true, false]), ("double", 0.5), ("doubles", [0.5]), ("int", -9223372036854775808), ("ints", [1, -1]), ("text", "tëxt"), ("texts", ["a", "b"])]"#
}

/// The stock conversion says more than it must, and no less than we do.
fn drop_empty(request: &mut ExportMetricsServiceRequest) {
    let metrics = request.resource_metrics.iter_mut().flat_map(|group| &mut group.scope_metrics);
    for metric in metrics.flat_map(|group| &mut group.metrics) {
        if let Data::ExponentialHistogram(data) = metric.data.as_mut().unwrap() {
            for point in &mut data.data_points {
                point.positive.take_if(|buckets| buckets.bucket_counts.is_empty());
                point.negative.take_if(|buckets| buckets.bucket_counts.is_empty());
            }
        }
    }
}

fn provider(temporality: SdkTemporality) -> (SdkMeterProvider, Reader) {
    let reader = ManualReader::builder().with_temporality(temporality).build();
    let reader = Reader(Arc::new(reader));
    let exponential = |instrument: &Instrument| {
        let aggregation = Aggregation::Base2ExponentialHistogram {
            max_size: 160,
            max_scale: 20,
            record_min_max: true,
        };
        let stream = || Stream::builder().with_aggregation(aggregation).build().unwrap();
        (instrument.name() == "exponential").then(stream)
    };
    let builder = SdkMeterProvider::builder().with_reader(reader.clone());
    (builder.with_view(exponential).build(), reader)
}

/// A reader that the test keeps.
#[derive(Clone, Debug)]
struct Reader(Arc<ManualReader>);

impl Reader {
    fn collected(&self) -> ResourceMetrics {
        let mut collected = ResourceMetrics::default();
        self.0.collect(&mut collected).unwrap();
        collected
    }
}

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, collected: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(collected)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> SdkTemporality {
        self.0.temporality(kind)
    }
}
