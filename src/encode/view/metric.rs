//! Metrics. They leave once a minute, so that a model with vectors does: unlike spans they are built,
//! but what is long in them stays borrowed.

use super::Any;

/// Attributes in order.
pub(crate) type Pairs<'a> = Vec<(&'a str, Any<'a>)>;

/// What a metric was collected from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) schema_url: &'a str,
    pub(crate) attributes: Pairs<'a>,
    pub(crate) dropped_attributes: u32,
}

/// One metric of one collection.
#[derive(Clone, Debug)]
pub(crate) struct MetricView<'a> {
    pub(crate) scope: Scope<'a>,
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    /// In UCUM's notation: `ms`, `By`, `{request}`.
    pub(crate) unit: &'a str,
    /// What else is known of it; ours have none.
    pub(crate) metadata: Pairs<'a>,
    pub(crate) data: MetricData<'a>,
}

/// The points of a metric; one point is one item.
#[allow(dead_code, reason = "of some only a receiver knows")]
#[derive(Clone, Debug)]
pub(crate) enum MetricData<'a> {
    /// No data, of no kind.
    Empty,
    Gauge(Vec<Point<'a, Number>>),
    Sum {
        points: Vec<Point<'a, Number>>,
        temporality: Temporality,
        monotonic: bool,
    },
    Histogram {
        points: Vec<Point<'a, Histogram>>,
        temporality: Temporality,
    },
    ExponentialHistogram {
        points: Vec<Point<'a, ExponentialHistogram>>,
        temporality: Temporality,
    },
    /// Nothing of ours produces one; it is handed on.
    Summary(Vec<Point<'a, Summary>>),
}

/// Since when a sum or a histogram counts.
#[allow(dead_code, reason = "of some only a receiver knows")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temporality {
    /// Since the last collection.
    Delta,
    /// Since the beginning.
    Cumulative,
    /// OTLP's number, which is not one of those above; 0 if none was said.
    Other(i32),
}

/// A series at one time. Times are nanoseconds since the Unix epoch.
#[derive(Clone, Debug)]
pub(crate) struct Point<'a, V> {
    pub(crate) attributes: Pairs<'a>,
    /// 0 if there is none, as for most gauges.
    pub(crate) start: u64,
    pub(crate) time: u64,
    pub(crate) value: V,
    pub(crate) exemplars: Vec<Exemplar<'a>>,
    /// OTLP's `DataPointFlags`.
    pub(crate) flags: u32,
}

/// A measured value.
#[allow(dead_code, reason = "of some only a receiver knows")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// None was recorded.
    Empty,
    I64(i64),
    F64(f64),
}

/// A distribution over given buckets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    pub(crate) count: u64,
    pub(crate) sum: Option<f64>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    /// The upper bound of each bucket but the last, which is open.
    pub(crate) bounds: Vec<f64>,
    /// One more than `bounds`, or none at all.
    pub(crate) counts: Vec<u64>,
}

/// A distribution over buckets whose bounds are powers of `2^(2^-scale)`.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExponentialHistogram {
    pub(crate) count: u64,
    pub(crate) sum: Option<f64>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) scale: i32,
    pub(crate) zero_count: u64,
    pub(crate) zero_threshold: f64,
    pub(crate) positive: Buckets,
    pub(crate) negative: Buckets,
}

/// A run of exponential buckets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buckets {
    /// The power that the first bucket begins with.
    pub(crate) offset: i32,
    pub(crate) counts: Vec<u64>,
}

/// A distribution that its source has made quantiles of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    /// Each share of all values, 0 to 1, and the value that it does not exceed.
    pub(crate) quantiles: Vec<(f64, f64)>,
}

/// One of the measurements behind a point.
#[derive(Clone, Debug)]
pub(crate) struct Exemplar<'a> {
    pub(crate) value: Number,
    pub(crate) time: u64,
    /// 0 outside a trace.
    pub(crate) trace: u128,
    /// 0 outside a span.
    pub(crate) span: u64,
    /// Those that the point does not have.
    pub(crate) attributes: Pairs<'a>,
}

impl Temporality {
    /// OTLP's `AggregationTemporality`.
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Delta => 1,
            Self::Cumulative => 2,
            Self::Other(number) => number,
        }
    }
}

impl MetricView<'_> {
    /// How many points it has.
    pub(crate) fn points(&self) -> usize {
        match &self.data {
            MetricData::Empty => 0,
            MetricData::Gauge(points) | MetricData::Sum { points, .. } => points.len(),
            MetricData::Histogram { points, .. } => points.len(),
            MetricData::ExponentialHistogram { points, .. } => points.len(),
            MetricData::Summary(points) => points.len(),
        }
    }
}
