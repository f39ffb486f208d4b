//! What recording threads, the worker and the host's handle share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::config::plan::{ExporterPlan, Plan};
use crate::encode::view::MetricView;
use crate::error::Error;
use crate::health::diagnostics::Diagnostics;
use crate::record::metric::Meters;
use crate::record::start::{Sampler, Settings};
use crate::telemetry::Signal;

use super::completion::Completion;
use super::intake::Intake;
use super::memory::Memory;
use super::sdk_metrics::SdkMetrics;

/// What the host asks of the worker.
pub(crate) struct Request {
    pub(crate) deadline: Instant,
    pub(crate) is_shutdown: bool,
    pub(crate) done: Arc<Completion<Result<(), Error>>>,
}

impl Drop for Request {
    /// Whoever waits is told, also where the worker is gone. A first answer stays.
    fn drop(&mut self) {
        self.done.complete(Err(Error::start("the telemetry thread has stopped")));
    }
}

/// One pipeline.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) diagnostics: Arc<Diagnostics>,
    pub(crate) traces: Intake,
    pub(crate) logs: Intake,
    pub(crate) metrics: Intake,
    pub(crate) meters: Meters,
    /// Where somebody asked for them.
    sdk_metrics: Option<SdkMetrics>,
    pub(super) memory: Arc<Memory>,
    pub(super) wake: Notify,
    requests: Mutex<Vec<Request>>,
    /// False once a shutdown has begun: records are refused and counted.
    running: AtomicBool,
    /// The worker is gone.
    stopped: AtomicBool,
}

impl Shared {
    pub(super) fn new(plan: &Plan, diagnostics: Arc<Diagnostics>) -> Self {
        let memory = Arc::new(Memory::new(plan.memory));
        let intake = |exporters: &[ExporterPlan], max_queue| {
            Intake::new(exporters.len(), max_queue, &memory)
        };
        let traces = intake(&plan.traces.exporters, plan.traces.batch.max_queue);
        let logs = intake(&plan.logs.exporters, plan.logs.batch.max_queue);
        let metrics = intake(&plan.metrics.exporters, 0);
        Self {
            sdk_metrics: SdkMetrics::new(plan, &traces, &logs, &metrics),
            // It may change while spans begin; the rest stays.
            settings: Settings { sampler: Sampler::OF_PROCESS, ..plan.into() },
            meters: Meters::new(plan, &diagnostics),
            diagnostics,
            traces,
            logs,
            metrics,
            memory,
            wake: Notify::new(),
            requests: Mutex::default(),
            running: AtomicBool::new(true),
            stopped: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    /// One collection of all metrics.
    pub(super) fn collect(&self, mut each: impl FnMut(&MetricView<'_>)) {
        self.meters.collect(&self.diagnostics, &mut each);
        if let Some(own) = &self.sdk_metrics {
            own.collect(self, &mut each);
        }
    }

    /// Wakes the worker before its schedule.
    #[cold]
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Hands a request to the worker.
    pub(crate) fn request(&self, request: Request) {
        if request.is_shutdown {
            self.running.store(false, Ordering::Release);
        }
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock: the worker stops first, and then takes what is there for the last time.
        if !self.stopped.load(Ordering::Acquire) {
            requests.push(request);
        }
        drop(requests);
        self.wake();
    }

    pub(super) fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn has_stopped(&self) {
        self.running.store(false, Ordering::Release);
        self.stopped.store(true, Ordering::Release);
    }

    /// One signal's counts, now.
    pub(crate) fn counts(&self, of: &Intake) -> Signal {
        of.counts(self.stopped.load(Ordering::Acquire))
    }

    /// Items of all signals in memory.
    pub(super) fn waiting(&self) -> u64 {
        let signals = [&self.traces, &self.logs, &self.metrics];
        signals.into_iter().map(|signal| self.counts(signal).waiting).sum()
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("traces", &self.counts(&self.traces))
            .field("logs", &self.counts(&self.logs))
            .field("metrics", &self.counts(&self.metrics))
            .finish_non_exhaustive()
    }
}
