//! What the cells promise together: exact sums whoever writes and ends, in both temporalities.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use crate::config::plan::Temporality;
use crate::encode::view::{Histogram, MetricData, Number, Temporality as OfView};
use crate::record::metric::rpc::Side;
use crate::telemetry::MetricNames;

use super::bounds::CALLS;
use super::registry::Single;
use super::thread::Cell;
use super::*;

const MILLISECOND: u64 = 1_000_000;

fn cells(temporality: Temporality) -> Arc<Cells> {
    let plan = MetricsPlan {
        exporters: Vec::new(),
        why: String::new(),
        interval: Duration::from_secs(60),
        timeout: None,
        temporality,
        names: MetricNames::Both,
        exemplars: crate::config::plan::Exemplars::OfSpans,
        of_sdk: false,
        histograms: crate::config::plan::Histograms::Explicit,
    };
    Arc::new(Cells::new(&plan, &Arc::new(Diagnostics::new(None, None))))
}

fn success(cells: &Cells, method: &str) -> u32 {
    cells.with_registry(|all| {
        let (call, _) = all.call(Side::Server, method, "Store");
        all.series_of_call(call, None).0
    })
}

/// A point, whatever its kind.
#[derive(Clone, Debug, Default)]
struct Seen {
    start: u64,
    time: u64,
    number: i64,
    histogram: Histogram,
    is_delta: bool,
}

/// The points of one collection, by metric and first attribute.
fn collect(cells: &Cells) -> BTreeMap<String, Seen> {
    let mut all = BTreeMap::new();
    cells.collect(&mut |metric| {
        let key = |pairs: &[(&str, crate::encode::view::Any<'_>)]| {
            let first = pairs.first().map(|(_, value)| format!("{value:?}"));
            format!("{} {}", metric.name, first.unwrap_or_default())
        };
        match &metric.data {
            MetricData::Sum { points, temporality, .. } => all.extend(points.iter().map(|point| {
                let Number::I64(number) = point.value else { panic!("{metric:?}") };
                let is_delta = *temporality == OfView::Delta;
                let seen = Seen {
                    start: point.start,
                    time: point.time,
                    number,
                    is_delta,
                    ..Seen::default()
                };
                (key(&point.attributes), seen)
            })),
            MetricData::Histogram { points, temporality } => {
                all.extend(points.iter().map(|point| {
                    let is_delta = *temporality == OfView::Delta;
                    let histogram = point.value.clone();
                    let seen = Seen {
                        start: point.start,
                        time: point.time,
                        histogram,
                        is_delta,
                        ..Seen::default()
                    };
                    (key(&point.attributes), seen)
                }))
            }
            other => panic!("{other:?}"),
        }
    });
    all
}

const REQUESTS: &str = "rpc_requests_total \"get\"";
const MILLISECONDS: &str = "rpc_request_duration_ms \"get\"";

#[test]
fn cumulative_goes_on_and_keeps_its_start() {
    let cells = cells(Temporality::Cumulative);
    assert!(collect(&cells).is_empty());
    let mut cell = Cell::new(&cells, success(&cells, "get"));
    cell.record(&CALLS, 3 * MILLISECOND);
    let first = collect(&cells);
    cell.record(&CALLS, 80 * MILLISECOND);
    let second = collect(&cells);
    let third = collect(&cells);
    assert_eq!([&first, &second, &third].map(|of| of[REQUESTS].number), [1, 2, 2]);
    let of = &third[MILLISECONDS];
    assert!(!of.is_delta && of.start == first[MILLISECONDS].start && of.start <= of.time);
    let Histogram { count, sum, min, max, .. } = of.histogram;
    assert_eq!((count, sum, min, max), (2, Some(83.0), Some(3.0), Some(80.0)));
    assert_eq!(of.histogram.bounds[..3], [5.0, 10.0, 25.0]);
    assert_eq!(of.histogram.counts, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let seconds = &third["rpc.server.call.duration \"trackside\""].histogram;
    assert_eq!((seconds.sum, seconds.min, seconds.bounds[0]), (Some(0.083), Some(0.003), 0.005));
}

#[test]
fn delta_is_what_came_since() {
    let cells = cells(Temporality::Delta);
    let mut cell = Cell::new(&cells, success(&cells, "get"));
    let mut level =
        Cell::new(&cells, cells.with_registry(|all| all.series_of_single(Single::Sessions)));
    let mut previous = None;
    for (values, expected) in [
        (&[3, 80][..], Some((2, 83.0, 3.0, 80.0))),
        (&[20], Some((1, 20.0, 20.0, 20.0))),
        (&[], None),
        (&[], None),
        (&[7, 6, 9], Some((3, 22.0, 6.0, 9.0))),
    ] {
        values.iter().for_each(|value| cell.record(&CALLS, value * MILLISECOND));
        level.record(&bounds::NONE, 1);
        level.record(&bounds::NONE, 1_u64.wrapping_neg());
        level.record(&bounds::NONE, 1);
        let all = collect(&cells);
        let found = all.get(MILLISECONDS).map(|seen| {
            let Histogram { count, sum, min, max, .. } = seen.histogram;
            (count, sum.unwrap_or_default(), min.unwrap_or_default(), max.unwrap_or_default())
        });
        assert_eq!(found, expected);
        assert_eq!(all.get(REQUESTS).map(|seen| seen.number), expected.map(|of| of.0 as i64));
        let level = &all["active_sessions "];
        assert!(!level.is_delta && level.number > 0);
        if let Some(seen) = all.get(MILLISECONDS) {
            assert!(seen.is_delta && previous.is_none_or(|previous| seen.start == previous));
        }
        previous = Some(level.time);
    }
    assert_eq!(collect(&cells)["active_sessions "].number, 5);
}

#[test]
fn threads_come_and_go_and_nothing_of_them_stays_but_their_sums() {
    const THREADS: u64 = 10_000;
    let cells = cells(Temporality::Cumulative);
    let series = success(&cells, "get");
    for _ in 0..THREADS / 100 {
        std::thread::scope(|scope| {
            for _ in 0..100 {
                scope.spawn(|| Cell::new(&cells, series).record(&CALLS, MILLISECOND));
            }
        });
    }
    assert!(cells.lock_registry().series[series as usize].live.is_empty());
    assert_eq!(Arc::strong_count(&cells), 1);
    let found = &collect(&cells)[MILLISECONDS].histogram;
    assert_eq!((found.count, found.sum), (THREADS, Some(THREADS as f64)));
}

/// While two threads record without a pause and others begin and end, each collection holds together,
/// and all of them together hold every record once.
#[test]
fn sums_are_exact_under_load() {
    const EACH: u64 = 100_000;
    let cells = cells(Temporality::Delta);
    let series = success(&cells, "get");
    let (mut count, mut sum, mut collections) = (0, 0.0, 0);
    let mut add = || {
        collections += 1;
        let all = collect(&cells);
        if let Some(seen) = all.get(MILLISECONDS) {
            let of = &seen.histogram;
            assert_eq!(of.counts.iter().sum::<u64>(), of.count);
            // A writer that is put aside midway may have a record's sum and extremes in one collection
            // and its count in the next.
            assert!(of.min.is_none_or(|min| min >= 1.0), "{of:?}");
            assert!(of.max.is_none_or(|max| max <= 200.0), "{of:?}");
            let total = of.sum.unwrap();
            // A writer that was put aside may be one record ahead in its sum.
            let (least, most) = (of.count as f64 - 600.0, of.count as f64 * 200.0 + 600.0);
            assert!((least..=most).contains(&total), "{of:?}");
            count += of.count;
            sum += total;
        }
    };
    let value = |index: u64| (1 + index % 200) * MILLISECOND;
    std::thread::scope(|scope| {
        let hammer = || {
            let mut cell = Cell::new(&cells, series);
            (0..EACH).for_each(|index| cell.record(&CALLS, value(index)));
        };
        let churn = || {
            for index in 0..200 {
                let once = || Cell::new(&cells, series).record(&CALLS, value(index));
                std::thread::scope(|inner| drop(inner.spawn(once)));
            }
        };
        let busy = [scope.spawn(hammer), scope.spawn(hammer), scope.spawn(churn)];
        while busy.iter().any(|thread| !thread.is_finished()) {
            add();
        }
    });
    add();
    let sum_of = |records: u64| (0..records).map(value).sum::<u64>() as f64 / 1e6;
    assert_eq!(count, 2 * EACH + 200);
    assert!((sum - 2.0 * sum_of(EACH) - sum_of(200)).abs() < 1.0, "{sum} in {collections}");
}

#[test]
fn a_metric_has_so_many_points_and_one_for_all_others() {
    let cells = cells(Temporality::Delta);
    for number in 0..MAX_SERIES + 50 {
        Cell::new(&cells, success(&cells, &format!("m{number}"))).record(&CALLS, 1);
    }
    let all = collect(&cells);
    let requests: Vec<_> = all.iter().filter(|(key, _)| key.starts_with("rpc_requests")).collect();
    assert_eq!(requests.len(), MAX_SERIES + 1);
    assert_eq!(all["rpc_requests_total true"].number, 50);
    assert_eq!(all["rpc.server.call.duration true"].histogram.count, 50);
    // What is beyond the limit shares a series: more of it takes no more memory.
    assert_eq!(cells.lock_registry().series.len(), MAX_SERIES + 1);
}

proptest! {
    #[test]
    fn a_point_is_what_a_plain_reckoning_gives(
        values in proptest::collection::vec((0_u64..12_000 * MILLISECOND, any::<bool>()), 1..60)
    ) {
        let cells = cells(Temporality::Cumulative);
        let series = success(&cells, "get");
        let mut threads = [Cell::new(&cells, series), Cell::new(&cells, series)];
        for (value, second) in &values {
            threads[usize::from(*second)].record(&CALLS, *value);
        }
        let found = &collect(&cells)[MILLISECONDS].histogram;
        let mut counts = vec![0; found.bounds.len() + 1];
        for (value, _) in &values {
            let milliseconds = *value as f64 / 1e6;
            counts[found.bounds.iter().filter(|bound| **bound < milliseconds).count()] += 1;
        }
        let all = || values.iter().map(|(value, _)| *value);
        prop_assert_eq!(&found.counts, &counts);
        prop_assert_eq!(found.count, values.len() as u64);
        prop_assert_eq!(found.sum, Some(all().sum::<u64>() as f64 / 1e6));
        prop_assert_eq!(found.min, all().min().map(|least| least as f64 / 1e6));
        prop_assert_eq!(found.max, all().max().map(|greatest| greatest as f64 / 1e6));
    }
}
