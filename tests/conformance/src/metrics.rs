//! The metrics of a run by their names, and the points of each by their attributes.
//!
//! How long something took differs from run to run: for histograms of times, sum, least, greatest and buckets are
//! checked against each other, and leave the document, as exemplars do.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::comparison::Comparison;
use crate::otlp::{attributes, each, integer, items, keyed, rest, time};

const KINDS: [&str; 5] = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];
/// UCUM's names of the units of time that occur.
const TIMES: [&str; 2] = ["ms", "s"];
/// Sums of binary fractions are that exact at least.
const PRECISION: f64 = 1e-9;

/// Every metric of every request, each with its scope.
pub(crate) fn metrics(requests: &[Value]) -> impl Iterator<Item = (&Value, &Value)> {
    each(requests, "resourceMetrics")
        .flat_map(|of| items(of, "scopeMetrics"))
        .flat_map(|of| items(of, "metrics").map(|metric| (&of["scope"], metric)))
}

/// The points of a metric, of whatever kind.
pub(crate) fn points(metric: &Value) -> impl Iterator<Item = &Value> {
    KINDS.into_iter().flat_map(|kind| items(&metric[kind], "dataPoints"))
}

pub(crate) fn read(requests: &[Value], ran: &RangeInclusive<u64>, to: &mut Comparison) -> Value {
    keyed(metrics(requests).map(|(scope, metric)| {
        let mut fields = rest(metric, "name");
        let is_time = TIMES.iter().any(|unit| metric["unit"] == **unit);
        for kind in KINDS {
            if let Some(Value::Object(data)) = fields.get_mut(kind) {
                let place = format!("metric {}", metric["name"]);
                let points = items(&metric[kind], "dataPoints")
                    .map(|point| self::point(&place, kind, is_time, point, ran, to));
                data.insert("dataPoints".to_owned(), keyed(points));
                data.entry("isMonotonic").or_insert(json!(false));
            }
        }
        fields.insert("scope".to_owned(), scope.clone());
        (metric["name"].clone(), Value::Object(fields))
    }))
}

/// The point's attributes as its key, and what is left of it.
fn point(
    place: &str,
    kind: &str,
    is_time: bool,
    point: &Value,
    ran: &RangeInclusive<u64>,
    to: &mut Comparison,
) -> (Value, Value) {
    let attributes = attributes(point.get("attributes"));
    let place = format!("{place} {attributes}");
    let (start, end) = (time(point, "startTimeUnixNano"), time(point, "timeUnixNano"));
    let is_in_run = ran.contains(&start) && ran.contains(&end) && start <= end;
    to.that(&format!("{place}: times"), is_in_run, || {
        format!("from {start} to {end}, not one after the other in the run: {ran:?}")
    });
    let mut fields = point.as_object().cloned().unwrap_or_default();
    for gone in ["attributes", "startTimeUnixNano", "timeUnixNano"] {
        fields.remove(gone);
    }
    // Which calls they name differs from run to run.
    for exemplar in items(point, "exemplars") {
        let at = time(exemplar, "timeUnixNano");
        let lengths = ["traceId", "spanId"].map(|id| exemplar[id].as_str().map_or(0, str::len));
        let value = exemplar["asDouble"].as_f64().unwrap_or(f64::NAN);
        let of = |field: &str| point[field].as_f64().unwrap_or(f64::NAN);
        // A span's length is rounded to nanoseconds once more.
        let is_among = (0.99 * of("min")..=1.01 * of("max")).contains(&value);
        let is_right = is_time && is_among && ran.contains(&at) && lengths == [32, 16];
        to.that(&format!("{place}: exemplars"), is_right, || format!("not a span: {exemplar}"));
    }
    fields.remove("exemplars");
    if kind == "histogram" {
        let wrong = Histogram::read(point).map_or(Some("it is incomplete"), |of| of.is_wrong());
        to.that(&place, wrong.is_none(), || format!("{}: {point}", wrong.unwrap_or_default()));
        if is_time {
            ["sum", "min", "max", "bucketCounts"]
                .iter()
                .for_each(|gone| drop(fields.remove(*gone)));
        }
    }
    fields.entry("flags").or_insert(json!(0));
    (json!(attributes.to_string()), Value::Object(fields))
}

/// A point of a histogram that holds at least one value.
struct Histogram {
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
    counts: Vec<u64>,
    bounds: Vec<f64>,
}

impl Histogram {
    fn read(point: &Value) -> Option<Self> {
        Some(Self {
            count: integer(&point["count"])?,
            sum: point["sum"].as_f64()?,
            min: point["min"].as_f64()?,
            max: point["max"].as_f64()?,
            counts: point["bucketCounts"].as_array()?.iter().map(integer).collect::<Option<_>>()?,
            bounds: point["explicitBounds"]
                .as_array()?
                .iter()
                .map(Value::as_f64)
                .collect::<Option<_>>()?,
        })
    }

    /// What so many values between the least and the greatest cannot give.
    fn is_wrong(&self) -> Option<&'static str> {
        let others = self.count.saturating_sub(1) as f64;
        let (least, greatest) = (others * self.min + self.max, self.min + others * self.max);
        let slack = PRECISION * self.sum.abs();
        let filled = || self.counts.iter().zip(0..).filter(|(count, _)| **count != 0);
        let bucket_of = |value: f64| self.bounds.iter().take_while(|bound| value > **bound).count();
        let rules = [
            (self.count > 0, "it holds no value"),
            (self.counts.len() == self.bounds.len() + 1, "buckets and bounds do not fit"),
            (
                self.counts.iter().sum::<u64>() == self.count,
                "the buckets do not sum up to the count",
            ),
            (self.min <= self.max, "the least is above the greatest"),
            (self.sum >= least - slack, "the sum is too small"),
            (self.sum <= greatest + slack, "the sum is too great"),
            (
                filled().next().is_some_and(|(_, at)| at == bucket_of(self.min)),
                "the least is not in the first bucket",
            ),
            (
                filled().last().is_some_and(|(_, at)| at == bucket_of(self.max)),
                "the greatest is not in the last bucket",
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map(|(_, rule)| rule)
    }
}
