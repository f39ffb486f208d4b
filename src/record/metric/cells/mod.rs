//! The predefined set in cells of each thread's own, collected by the worker.
//!
//! `cell` is one series of one thread, `bounds` chooses its bucket, `names` finds it, `thread` keeps
//! what a thread has; `registry` is what threads share, `metric` says what is exported, `collect`
//! makes points of it; `exemplars` hold the spans behind them, which the `onlooker` chooses.

mod bounds;
mod cell;
mod collect;
mod exemplars;
mod metric;
mod names;
mod onlooker;
mod registry;
mod sync;
#[cfg(test)]
mod tests;
mod thread;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::config::plan::{Exemplars as Filter, MetricsPlan, Temporality};
use crate::health::diagnostics::{Diagnostics, Level};
use crate::pipeline::clock;

use cell::{Totals, Writer};
use collect::Collector;
use exemplars::Exemplar;
use registry::Registry;

pub(crate) use onlooker::Onlooker;
pub(super) use registry::{MAX_KINDS, MAX_SERIES, Single};
pub(crate) use thread::forget;
pub(super) use thread::{Call, call, record_call, record_single, record_storage};

/// The set of one pipeline.
pub(super) struct Cells {
    /// Which pipeline's; a call that ends in another's time is not counted there.
    id: u32,
    /// Names the time between two collections: extremes are one interval's. From 1 on; it stays
    /// there where sums are cumulative.
    interval: AtomicU64,
    registry: Mutex<Registry>,
    collector: Mutex<Collector>,
    exemplars: Filter,
    diagnostics: Arc<Diagnostics>,
}

impl Cells {
    pub(super) fn new(plan: &MetricsPlan, diagnostics: &Arc<Diagnostics>) -> Self {
        static IDS: AtomicU32 = AtomicU32::new(1);
        Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            interval: AtomicU64::new(1),
            registry: Mutex::new(Registry::new(plan.names)),
            collector: Mutex::new(Collector::new(plan.temporality != Temporality::Cumulative)),
            exemplars: plan.exemplars,
            diagnostics: Arc::clone(diagnostics),
        }
    }

    /// Under the lock; what is beyond a limit is said after it.
    fn with_registry<R>(&self, run: impl FnOnce(&mut Registry) -> R) -> R {
        let mut registry = self.lock_registry();
        let result = run(&mut registry);
        let overflown = registry.take_overflown();
        drop(registry);
        overflown.into_iter().for_each(|what| warn_of_overflow(&self.diagnostics, what));
        result
    }

    fn lock_registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn interval(&self) -> u64 {
        self.interval.load(Ordering::Relaxed)
    }

    /// A cell of the calling thread's.
    fn writer(&self, series: u32) -> Writer {
        let (writer, reader) = cell::cell();
        self.lock_registry().series[series as usize].live.push(reader);
        writer
    }

    /// Where every call may be an exemplar, this one is, without a span; a sampled span's follows, and wins. While
    /// somebody else has the lock there is none: a call never waits.
    #[inline]
    fn offer(&self, series: u32, nanos: u64) {
        if self.exemplars == Filter::Always {
            self.offer_now(series, nanos);
        }
    }

    #[cold]
    fn offer_now(&self, series: u32, nanos: u64) {
        let time = clock::unix_nanos(SystemTime::now());
        if let Ok(mut registry) = self.registry.try_lock() {
            let exemplars = &mut registry.series[series as usize].exemplars;
            exemplars.put(bounds::CALLS.bucket(nanos), Exemplar { nanos, time, trace: 0, span: 0 });
        }
    }

    /// One value without a cell: of a thread that is being torn down.
    fn record_shared(&self, series: u32, bucket: usize, value: u64) {
        let interval = self.interval();
        let totals: &mut Totals = &mut self.lock_registry().series[series as usize].retired;
        totals.record(bucket, value, interval);
    }
}

pub(super) fn warn_of_overflow(diagnostics: &Diagnostics, what: &str) {
    let line = format!(
        "the {what} metrics have {MAX_SERIES} series; new ones are counted as otel.metric.overflow"
    );
    diagnostics.say(Level::Warn, &format!("overflow {what}"), &line);
}
