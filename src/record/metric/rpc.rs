//! The predefined RPC metrics, behind one small interface: an `Observation` for each call, and
//! three functions. What aggregates underneath is this file's affair alone: cells of our own, or the
//! SDK's instruments where a metric exporter of the SDK's is plugged in.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use opentelemetry::metrics::BoundUpDownCounter;

use crate::pipeline::clock;
use crate::record::{gate, local};
use crate::telemetry::rpc::Direction;

use super::cells::{self, Single};
use super::sdk_set::{self, Series};

/// The side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

/// One call under measurement; empty where metrics are off.
#[derive(Default)]
pub(crate) struct Observation {
    /// Ticks; 0 until the first poll.
    start: u64,
    call: Call,
}

/// Where a call is counted.
#[derive(Default)]
enum Call {
    #[default]
    Nowhere,
    Cells(cells::Call),
    Sdk(AssertUnwindSafe<Arc<Series>>),
}

/// Whether this thread measures.
fn measures() -> bool {
    gate::read() & gate::MEASURES != 0 && !local::is_suppressed()
}

impl Observation {
    pub(crate) fn new(side: Side, method: &str, cls_id: &str) -> Self {
        if !measures() {
            return Self::default();
        }
        let call = match cells::call(side, method, cls_id) {
            Some(call) => Call::Cells(call),
            None => sdk_set::call(side, method, cls_id)
                .map_or(Call::Nowhere, |series| Call::Sdk(AssertUnwindSafe(series))),
        };
        Self { start: 0, call }
    }

    /// The first poll starts the clock, which is the span's where that has one.
    #[inline]
    pub(crate) fn begin(&mut self, span: impl FnOnce() -> Option<u64>) {
        if self.start == 0 && !matches!(self.call, Call::Nowhere) {
            self.start = span().unwrap_or_else(clock::ticks);
        }
    }

    /// Whether there is something to record.
    #[inline]
    pub(crate) fn is_running(&self) -> bool {
        self.start != 0
    }

    /// Records the call, once; a call that never began is none. `end` is the span's, if it has one.
    #[inline(always)]
    pub(crate) fn end(&mut self, end: Option<u64>, error: Option<&'static str>) {
        if self.is_running() {
            self.end_now(end, error);
        }
    }

    #[inline(never)]
    fn end_now(&mut self, end: Option<u64>, error: Option<&'static str>) {
        let start = std::mem::take(&mut self.start);
        let nanos = clock::between(start, end.unwrap_or_else(clock::ticks));
        if let Call::Cells(call) = self.call {
            self.call = Call::Nowhere;
            return cells::record_call(call, nanos, error);
        }
        self.end_in_sdk(nanos, error);
    }

    #[inline(never)]
    fn end_in_sdk(&mut self, nanos: u64, error: Option<&'static str>) {
        if let Call::Sdk(series) = std::mem::take(&mut self.call) {
            series.record(nanos as f64 / 1e9, error);
        }
    }
}

/// Up while it lives: one handler, or one session.
#[derive(Default)]
pub(crate) struct Active(Level);

/// What comes down again.
#[derive(Default)]
enum Level {
    #[default]
    Nowhere,
    /// In one pipeline.
    Cells(Single, u32),
    Sdk(AssertUnwindSafe<Arc<BoundUpDownCounter<i64>>>),
}

impl Active {
    fn up(single: Single) -> Self {
        if !measures() {
            return Self::default();
        }
        if let Some(pipeline) = cells::record_single(single, 1, None) {
            return Self(Level::Cells(single, pipeline));
        }
        let counter = sdk_set::up_down(single);
        if let Some(counter) = &counter {
            counter.add(1);
        }
        Self(counter.map_or(Level::Nowhere, |counter| Level::Sdk(AssertUnwindSafe(counter))))
    }

    pub(crate) fn handler() -> Self {
        Self::up(Single::Handlers)
    }

    pub(crate) fn session() -> Self {
        Self::up(Single::Sessions)
    }
}

impl Drop for Active {
    /// Where it went up, also where another pipeline has started meanwhile.
    fn drop(&mut self) {
        match &self.0 {
            Level::Nowhere => {}
            Level::Cells(single, pipeline) => {
                cells::record_single(*single, 1_u64.wrapping_neg(), Some(*pipeline));
            }
            Level::Sdk(counter) => counter.add(-1),
        }
    }
}

/// One value of `rpc_payload_bytes`.
pub(crate) fn payload(direction: Direction, bytes: usize) {
    if measures() && cells::record_single(Single::Payload(direction), bytes as u64, None).is_none()
    {
        sdk_set::payload(direction, bytes);
    }
}

/// One record of `python_logs_forwarded_total`; `band` is an index of `log::BANDS`.
pub(crate) fn count_forwarded_log(band: usize) {
    if cells::record_single(Single::Logs(band), 1, None).is_none() {
        sdk_set::count_forwarded_log(band);
    }
}

/// Ticks at the start of a storage operation; 0 where metrics are off.
pub(crate) fn storage_start() -> u64 {
    if gate::read() & gate::MEASURES == 0 { 0 } else { clock::ticks() }
}

/// One value of `storage_op_latency_ms`.
pub(crate) fn storage_end(operation: &'static str, start: u64) {
    if start == 0 || !measures() {
        return;
    }
    let nanos = clock::between(start, clock::ticks());
    if !cells::record_storage(operation, nanos) {
        sdk_set::storage(operation, nanos as f64 / 1e6);
    }
}

impl std::fmt::Debug for Observation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observation").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Active {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Active").finish_non_exhaustive()
    }
}
