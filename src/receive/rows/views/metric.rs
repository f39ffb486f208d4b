//! Metrics, built one at a time.

use capnp::struct_list;

use super::value::{Gathered, Lender};
use super::{Table, trace};
use crate::encode::view::{
    Buckets, Exemplar, ExponentialHistogram, Histogram, MetricData, MetricView, Number, Pairs,
    Point, Scope, Summary, Temporality,
};
use crate::receive::rows::refusal::unknown;
use crate::receive::rows::value;
use crate::schema::metrics_capnp::{
    exemplar, exponential_histogram_point, histogram_point, metric, number_point, summary_point,
};

type Points<'a, T> = struct_list::Reader<'a, T>;
type Exemplars<'a> = capnp::Result<Points<'a, exemplar::Owned>>;

/// Lends the metric.
pub(in crate::receive::rows) fn with_metric<'a>(
    table: Table<'a>,
    row: metric::Reader<'a>,
    scope: &Scope<'_>,
    take: impl FnOnce(&MetricView<'_>),
) {
    let mut gathered = Gathered::default();
    gather(table, row, &mut gathered);
    let mut builder = Builder { table, lender: gathered.lender() };
    take(&MetricView {
        scope: scope.clone(),
        name: table.text(row.get_name()),
        description: table.text(row.get_description()),
        unit: table.text(row.get_unit()),
        metadata: builder.pairs(row.get_metadata()),
        data: builder.data(row),
    });
}

/// All attributes of the metric, in the order in which `Builder` asks for them.
fn gather<'a>(table: Table<'a>, row: metric::Reader<'a>, into: &mut Gathered<'a>) {
    use metric::data::Which;
    let mut add = |pairs: capnp::Result<value::Pairs<'a>>| into.add(table, pairs);
    add(row.get_metadata());
    macro_rules! points {
        ($data:expr) => {
            for point in table.list($data.get_points()) {
                add(point.get_attributes());
                for exemplar in table.list(point.get_exemplars()) {
                    add(exemplar.get_filtered_attributes());
                }
            }
        };
    }
    match row.get_data().which() {
        Ok(Which::Gauge(data)) => points!(data),
        Ok(Which::Sum(data)) => points!(data),
        Ok(Which::Histogram(data)) => points!(data),
        Ok(Which::ExponentialHistogram(data)) => points!(data),
        Ok(Which::Summary(data)) => {
            for point in table.list(data.get_points()) {
                add(point.get_attributes());
            }
        }
        Ok(Which::None(())) | Err(_) => {}
    }
}

struct Builder<'n, 'a> {
    table: Table<'a>,
    lender: Lender<'n, 'a>,
}

impl<'n, 'a> Builder<'n, 'a> {
    fn data(&mut self, row: metric::Reader<'a>) -> MetricData<'n> {
        use metric::data::Which;
        let which = row.get_data().which().map_err(|kind| unknown("metric.data", kind));
        match self.table.read(which) {
            None | Some(Which::None(())) => MetricData::Empty,
            Some(Which::Gauge(data)) => {
                MetricData::Gauge(self.points(data.get_points(), Self::number))
            }
            Some(Which::Sum(data)) => MetricData::Sum {
                points: self.points(data.get_points(), Self::number),
                temporality: temporality(data.get_temporality()),
                monotonic: data.get_is_monotonic(),
            },
            Some(Which::Histogram(data)) => MetricData::Histogram {
                points: self.points(data.get_points(), Self::histogram),
                temporality: temporality(data.get_temporality()),
            },
            Some(Which::ExponentialHistogram(data)) => MetricData::ExponentialHistogram {
                points: self.points(data.get_points(), Self::exponential),
                temporality: temporality(data.get_temporality()),
            },
            Some(Which::Summary(data)) => {
                MetricData::Summary(self.points(data.get_points(), Self::summary))
            }
        }
    }

    fn points<T: capnp::traits::OwnedStruct, V>(
        &mut self,
        points: capnp::Result<Points<'a, T>>,
        build: impl Fn(&mut Self, T::Reader<'a>) -> Point<'n, V>,
    ) -> Vec<Point<'n, V>> {
        self.table.list(points).map(|point| build(self, point)).collect()
    }

    fn number(&mut self, point: number_point::Reader<'a>) -> Point<'n, Number> {
        use number_point::value::Which;
        Point {
            attributes: self.pairs(point.get_attributes()),
            start: point.get_start_time_unix_nano(),
            time: point.get_time_unix_nano(),
            value: match point.get_value().which() {
                Ok(Which::Double(value)) => Number::F64(value),
                Ok(Which::Int(value)) => Number::I64(value),
                Ok(Which::None(())) | Err(_) => Number::Empty,
            },
            exemplars: self.exemplars(point.get_exemplars()),
            flags: point.get_flags(),
        }
    }

    fn histogram(&mut self, point: histogram_point::Reader<'a>) -> Point<'n, Histogram> {
        use histogram_point::{max, min, sum};
        let (bounds, counts) = (point.get_explicit_bounds(), point.get_bucket_counts());
        Point {
            attributes: self.pairs(point.get_attributes()),
            start: point.get_start_time_unix_nano(),
            time: point.get_time_unix_nano(),
            value: Histogram {
                count: point.get_count(),
                sum: match point.get_sum().which() {
                    Ok(sum::Value(value)) => Some(value),
                    _ => None,
                },
                min: match point.get_min().which() {
                    Ok(min::Value(value)) => Some(value),
                    _ => None,
                },
                max: match point.get_max().which() {
                    Ok(max::Value(value)) => Some(value),
                    _ => None,
                },
                bounds: self.table.read(bounds).iter().flat_map(|list| list.iter()).collect(),
                counts: self.table.read(counts).iter().flat_map(|list| list.iter()).collect(),
            },
            exemplars: self.exemplars(point.get_exemplars()),
            flags: point.get_flags(),
        }
    }

    fn exponential(
        &mut self,
        point: exponential_histogram_point::Reader<'a>,
    ) -> Point<'n, ExponentialHistogram> {
        use exponential_histogram_point::{max, min, sum};
        let (positive, negative) = (point.get_positive(), point.get_negative());
        Point {
            attributes: self.pairs(point.get_attributes()),
            start: point.get_start_time_unix_nano(),
            time: point.get_time_unix_nano(),
            value: ExponentialHistogram {
                count: point.get_count(),
                sum: match point.get_sum().which() {
                    Ok(sum::Value(value)) => Some(value),
                    _ => None,
                },
                min: match point.get_min().which() {
                    Ok(min::Value(value)) => Some(value),
                    _ => None,
                },
                max: match point.get_max().which() {
                    Ok(max::Value(value)) => Some(value),
                    _ => None,
                },
                scale: point.get_scale(),
                zero_count: point.get_zero_count(),
                zero_threshold: point.get_zero_threshold(),
                positive: self.buckets(positive.get_offset(), positive.get_counts()),
                negative: self.buckets(negative.get_offset(), negative.get_counts()),
            },
            exemplars: self.exemplars(point.get_exemplars()),
            flags: point.get_flags(),
        }
    }

    fn buckets(
        &self,
        offset: i32,
        counts: capnp::Result<capnp::primitive_list::Reader<'a, u64>>,
    ) -> Buckets {
        let counts = self.table.read(counts);
        Buckets { offset, counts: counts.iter().flat_map(|list| list.iter()).collect() }
    }

    fn summary(&mut self, point: summary_point::Reader<'a>) -> Point<'n, Summary> {
        let quantiles = self.table.list(point.get_quantiles());
        Point {
            attributes: self.pairs(point.get_attributes()),
            start: point.get_start_time_unix_nano(),
            time: point.get_time_unix_nano(),
            value: Summary {
                count: point.get_count(),
                sum: point.get_sum(),
                quantiles: quantiles.map(|at| (at.get_quantile(), at.get_value())).collect(),
            },
            exemplars: Vec::new(),
            flags: point.get_flags(),
        }
    }

    fn exemplars(&mut self, from: Exemplars<'a>) -> Vec<Exemplar<'n>> {
        use exemplar::value::Which;
        let table = self.table;
        let exemplar = |from: exemplar::Reader<'a>| Exemplar {
            value: match from.get_value().which() {
                Ok(Which::Double(value)) => Number::F64(value),
                Ok(Which::Int(value)) => Number::I64(value),
                Ok(Which::None(())) | Err(_) => Number::Empty,
            },
            time: from.get_time_unix_nano(),
            trace: trace(from.get_trace_id_high(), from.get_trace_id_low()),
            span: from.get_span_id(),
            attributes: self.pairs(from.get_filtered_attributes()),
        };
        table.list(from).map(exemplar).collect()
    }

    fn pairs(&mut self, pairs: capnp::Result<value::Pairs<'a>>) -> Pairs<'n> {
        self.lender.pairs(self.table, pairs)
    }
}

fn temporality(number: i32) -> Temporality {
    match number {
        1 => Temporality::Delta,
        2 => Temporality::Cumulative,
        other => Temporality::Other(other),
    }
}
