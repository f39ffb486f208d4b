//! Metrics as a collector gets them.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use prost::Message as _;
use trackside::telemetry::Telemetry;

use super::collector::{Collector, Received};
use super::{SOON, assert_conserved};

pub(crate) const METRICS: [(&str, &str); 1] = [("OTEL_METRICS_EXPORTER", "otlp")];

fn shown(attributes: &[KeyValue]) -> String {
    let mut pairs: Vec<_> = attributes
        .iter()
        .map(|pair| match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
            Some(Any::StringValue(text)) => format!("{}={text}", pair.key),
            Some(Any::BoolValue(flag)) => format!("{}={flag}", pair.key),
            other => format!("{}={other:?}", pair.key),
        })
        .collect();
    pairs.sort();
    pairs.join(",")
}

/// `name{attributes}` and value or count, of one request.
pub(crate) fn series(request: &Received) -> BTreeMap<String, f64> {
    let decoded = ExportMetricsServiceRequest::decode(&request.body[..]).expect("the body is OTLP");
    series_of(decoded.resource_metrics)
}

/// The same of one resource, or of several that have nothing in common.
pub(crate) fn series_of(
    resources: impl IntoIterator<Item = ResourceMetrics>,
) -> BTreeMap<String, f64> {
    let scopes = resources.into_iter().flat_map(|resource| resource.scope_metrics);
    let mut all = BTreeMap::new();
    for metric in scopes.flat_map(|scope| scope.metrics) {
        let mut put = |attributes: &[KeyValue], value| {
            let key = format!("{}{{{}}}", metric.name, shown(attributes));
            assert!(all.insert(key, value).is_none(), "a series twice in {}", metric.name);
        };
        let number = |value: &Option<Number>| match value {
            Some(Number::AsInt(value)) => *value as f64,
            Some(Number::AsDouble(value)) => *value,
            None => f64::NAN,
        };
        match metric.data.as_ref().expect("a metric has data") {
            Data::Sum(sum) => {
                sum.data_points.iter().for_each(|p| put(&p.attributes, number(&p.value)))
            }
            Data::Gauge(g) => {
                g.data_points.iter().for_each(|p| put(&p.attributes, number(&p.value)))
            }
            Data::Histogram(h) => {
                for point in &h.data_points {
                    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
                    put(&point.attributes, point.count as f64);
                }
            }
            other => panic!("{other:?}"),
        }
    }
    all
}

/// Flushes, and gives back the series of the newest metric request.
pub(crate) fn collect(telemetry: &Telemetry, collector: &Collector) -> BTreeMap<String, f64> {
    telemetry.force_flush(SOON).expect("the collector answers");
    assert_conserved(telemetry);
    let requests = collector.requests();
    let mut metrics = requests.iter().filter(|request| request.path == "/v1/metrics");
    metrics.next_back().map(series).unwrap_or_default()
}
