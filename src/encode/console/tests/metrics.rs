//! Tables of metrics.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::encode::console::MetricsConsole;
use crate::encode::console::quantile::Distribution;
use crate::encode::console::unit::{number, quantity};
use crate::encode::sample::arbitrary::{float, text};
use crate::encode::view::{
    Any, Buckets, ExponentialHistogram, Histogram, MetricData, MetricView, Number, Point, Scope,
    Temporality,
};

const TIME: u64 = 1_790_000_000_123_456_789;

#[test]
fn a_collection() {
    let place = [("success", Any::Bool(true)), ("method", Any::Str("place"))];
    let failed = [("method", Any::Str("place")), ("success", Any::Bool(false))];
    let method = [("method", Any::Str("place"))];
    let requests = vec![point(&place, Number::I64(1203)), point(&failed, Number::I64(4))];
    let sessions = vec![point(&[], Number::I64(3))];
    let directions = |bytes| vec![point(&[("direction", Any::Str("IN"))], bytes)];
    let metrics = [
        metric("rpc_requests_total", "{request}", sum(requests, Temporality::Cumulative)),
        metric("active_sessions", "", MetricData::Gauge(sessions)),
        metric("rpc_request_duration_ms", "ms", histogram(&method, milliseconds())),
        metric("storage_op_latency_ms", "ms", histogram(&[], Histogram::default())),
        metric("received", "By", sum(directions(Number::I64(3_500_000)), Temporality::Delta)),
    ];
    assert_eq!(
        draw(&metrics, false),
        "\
metrics 14:13:20.123 · checkout · 6 points
  metric                   attributes                      value
  rpc_requests_total       method=place success=false          4
                           method=place success=true        1203
  active_sessions                                              3
  received                 direction=IN                +3.34 MiB
  histogram                attributes                  count     mean      p50      p90      p99
  rpc_request_duration_ms  method=place                  100  4.20 ms  3.50 ms  8.12 ms  18.2 ms
  storage_op_latency_ms                                    0        –        –        –        –

"
    );
}

#[test]
fn many_attributes_stand_below_each_other_and_values_that_are_missing_are_marked() {
    let long = "x".repeat(40);
    let pairs = [("a", Any::Str(&long)), ("b", Any::Str(&long)), ("c", Any::Str("\u{1b}[31m"))];
    let mut gone = point(&pairs, Number::I64(5));
    gone.flags = 1;
    assert_eq!(
        draw(&[metric("m", "", MetricData::Gauge(vec![gone]))], false),
        format!(
            "\
metrics 14:13:20.123 · checkout · 1 point
  metric     attributes                                                 value
  m          a={long}                     –
             b={long} c=\"\\u{{1b}}[31m\"

"
        )
    );
}

#[test]
fn colours_only_if_asked_for() {
    let gauge = || MetricData::Gauge(vec![point(&[("k", Any::I64(1))], Number::F64(0.5))]);
    let colored = draw(&[metric("load", "1", gauge())], true);
    assert!(colored.contains("\u{1b}[1mload\u{1b}[0m"), "{colored:?}");
    assert!(colored.contains("\u{1b}[2mk=1\u{1b}[0m"), "{colored:?}");
    let mut bare = colored;
    for code in ["0", "1", "2", "36"] {
        bare = bare.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(bare, draw(&[metric("load", "1", gauge())], false));
}

#[test]
fn nothing_to_say() {
    assert_eq!(draw(&[], false), "");
    assert_eq!(draw(&[metric("m", "", MetricData::Gauge(Vec::new()))], false), "");
}

#[test]
fn units() {
    for (value, unit, expected) in [
        (0.0, "ms", "0 ms"),
        (2.5, "ms", "2.50 ms"),
        (1_500.0, "ms", "1.50 s"),
        (0.0042, "s", "4.20 ms"),
        (-7.0, "us", "-7.00 µs"),
        (90.0, "s", "90.0 s"),
        (3.0, "h", "180 min"),
        (0.25, "ns", "0.25 ns"),
        (980.0, "By", "980 B"),
        (1_024.0, "By", "1 KiB"),
        (1_048_570.0, "By", "1 MiB"),
        (-3_500_000.0, "By", "-3.34 MiB"),
        (12.0, "%", "12 %"),
        (0.125, "1", "0.125"),
        (-0.0, "", "0"),
        (1_234_567.8, "", "1234568"),
        (0.000_012, "Cel", "1.20e-5 Cel"),
        (f64::NAN, "ms", "NaN ms"),
        (f64::INFINITY, "By", "inf B"),
        (f64::MAX, "s", "1.80e308 s"),
        (f64::MAX, "us", "1.80e308 µs"),
        (2.0, "a\nb", "2 a\\nb"),
        (2.0, "{call}", "2"),
    ] {
        assert_eq!(quantity(value, unit), expected, "{value} {unit}");
    }
    assert_eq!(number(Number::I64(i64::MAX), "{call}"), "9223372036854775807");
    assert_eq!(number(Number::I64(1500), "ms"), "1.50 s");
}

#[test]
fn quantiles_are_linear_inside_a_bucket() {
    let quantiles = |histogram: &Histogram| {
        let distribution = Distribution::from(histogram);
        [0.0, 0.5, 0.9, 1.0].map(|q| distribution.quantile(q))
    };
    let even = Histogram {
        count: 10,
        bounds: vec![10.0, 20.0],
        counts: vec![5, 5, 0],
        ..Histogram::default()
    };
    assert_eq!(quantiles(&even), [0.0, 10.0, 18.0, 20.0].map(Some));
    // Nothing beyond what was measured, also in the open buckets.
    let clamped = Histogram { min: Some(8.0), max: Some(15.0), ..even.clone() };
    assert_eq!(quantiles(&clamped), [8.0, 10.0, 14.0, 15.0].map(Some));
    let open =
        Histogram { min: Some(-40.0), max: Some(60.0), counts: vec![5, 0, 5], ..even.clone() };
    assert_eq!(quantiles(&open), [-40.0, 10.0, 52.0, 60.0].map(Some));
    let one = Histogram {
        bounds: vec![],
        counts: vec![4],
        min: Some(1.0),
        max: Some(3.0),
        ..Histogram::default()
    };
    assert_eq!(quantiles(&one), [1.0, 2.0, 2.8, 3.0].map(Some));
    // What cannot be known is not guessed.
    assert_eq!(quantiles(&Histogram { min: None, max: None, ..one }), [None; 4]);
    assert_eq!(quantiles(&Histogram { counts: vec![], ..even }), [None; 4]);
}

#[test]
fn quantiles_of_exponential_buckets() {
    // Scale 0: the bounds are powers of two.
    let distribution = Distribution::from(&ExponentialHistogram {
        count: 8,
        sum: Some(4.0),
        zero_count: 2,
        positive: Buckets { offset: 1, counts: vec![2, 0, 2] },
        negative: Buckets { offset: 0, counts: vec![2] },
        ..ExponentialHistogram::default()
    });
    assert_eq!(distribution.mean, Some(0.5));
    let quantiles = [0.0, 0.125, 0.25, 0.5, 0.75, 1.0].map(|q| distribution.quantile(q));
    assert_eq!(quantiles, [-2.0, -1.5, -1.0, 0.0, 4.0, 16.0].map(Some));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// However wrong a histogram is, it is drawn, and drives no terminal.
    #[test]
    fn anything_is_drawn(
        name in text(), unit in text(), key in text(), scale in any::<i32>(),
        bounds in vec(float(), 0..5), counts in vec(any::<u64>(), 0..7),
        ends in proptest::array::uniform3(proptest::option::of(float())),
    ) {
        let [sum, min, max] = ends;
        let pairs = [(&*key, Any::Str(&name))];
        let buckets = Buckets { offset: scale.wrapping_mul(7), counts: counts.clone() };
        let exponential = ExponentialHistogram {
            count: 5, sum, min, max, scale, zero_count: 1, zero_threshold: 0.5,
            positive: buckets.clone(), negative: buckets,
        };
        let temporality = Temporality::Delta;
        let points = vec![point(&pairs, exponential)];
        let histogram = histogram(&pairs, Histogram { count: 5, sum, min, max, bounds, counts });
        let metrics = [
            metric(&name, &unit, histogram),
            metric(&name, &unit, MetricData::ExponentialHistogram { points, temporality }),
        ];
        let text = draw(&metrics, false);
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        prop_assert!(text.lines().count() >= 5);
    }
}

fn draw(metrics: &[MetricView<'_>], color: bool) -> String {
    let resource = [("service.name".into(), "checkout".into())];
    let mut encoder = MetricsConsole::new(&resource, color);
    metrics.iter().for_each(|metric| encoder.metric(metric));
    let points: usize = metrics.iter().map(MetricView::points).sum();
    assert_eq!((encoder.points() as usize, encoder.is_empty()), (points, points == 0));
    let text = encoder.finish();
    assert!(encoder.is_empty());
    String::from_utf8(text.to_vec()).unwrap()
}

fn metric<'a>(name: &'a str, unit: &'a str, data: MetricData<'a>) -> MetricView<'a> {
    MetricView { scope: Scope::default(), name, description: "", unit, metadata: Vec::new(), data }
}

fn point<'a, V>(pairs: &[(&'a str, Any<'a>)], value: V) -> Point<'a, V> {
    let attributes = pairs.to_vec();
    Point { attributes, start: 1, time: TIME, value, exemplars: Vec::new(), flags: 0 }
}

fn sum(points: Vec<Point<'_, Number>>, temporality: Temporality) -> MetricData<'_> {
    MetricData::Sum { points, temporality, monotonic: true }
}

fn histogram<'a>(pairs: &[(&'a str, Any<'a>)], value: Histogram) -> MetricData<'a> {
    let points = vec![point(pairs, value)];
    MetricData::Histogram { points, temporality: Temporality::Cumulative }
}

fn milliseconds() -> Histogram {
    Histogram {
        count: 100,
        sum: Some(420.0),
        min: Some(1.0),
        max: Some(21.0),
        bounds: vec![1.0, 5.0, 10.0],
        counts: vec![0, 80, 16, 4],
    }
}
