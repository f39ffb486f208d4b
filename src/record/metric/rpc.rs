//! The predefined RPC metrics, behind one small interface: an `Observation` for each call, and
//! three functions. What aggregates underneath is this file's affair alone.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use opentelemetry::metrics::{BoundHistogram, BoundUpDownCounter};

use crate::pipeline::{self, Shared, clock};
use crate::record::{gate, local};
use crate::telemetry::rpc::Direction;

use super::rpc_series::{MAX_SERIES, RpcMeters, Series, UpDown};

/// The side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

/// By method and class.
type Calls = HashMap<Box<str>, HashMap<Box<str>, Arc<Series>>>;

/// What a thread has looked up before, for the pipeline of one gate.
#[derive(Default)]
struct Known {
    gate: u32,
    shared: Option<Arc<Shared>>,
    /// By side.
    calls: [Calls; 2],
    /// How many they are.
    count: usize,
    storage: HashMap<&'static str, Arc<BoundHistogram<f64>>>,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// Runs with the running pipeline's meters and what this thread knows of them; `None` where metrics are off.
fn with_known<R>(run: impl FnOnce(&Arc<Shared>, &mut Known) -> R) -> Option<R> {
    let gate = gate::read();
    if gate & gate::MEASURES == 0 || local::is_suppressed() {
        return None;
    }
    let known = KNOWN.try_with(|known| {
        let mut known = known.try_borrow_mut().ok()?;
        if known.gate != gate {
            *known = Known { gate, shared: pipeline::current(), ..Known::default() };
        }
        let shared = known.shared.clone()?;
        Some(run(&shared, &mut known))
    });
    known.ok().flatten()
}

/// One call under measurement; empty where metrics are off.
#[derive(Default)]
pub(crate) struct Observation(Option<AssertUnwindSafe<Call>>);

struct Call {
    shared: Arc<Shared>,
    series: Arc<Series>,
    /// Ticks; 0 until the first poll.
    start: u64,
}

impl Observation {
    pub(crate) fn new(side: Side, method: &str, cls_id: &str) -> Self {
        let call = with_known(|shared, known| {
            let of_method = &mut known.calls[side as usize];
            let found = of_method.get(method).and_then(|classes| classes.get(cls_id)).cloned();
            let series = found.unwrap_or_else(|| {
                let series = shared.meters.rpc().series(side, method, cls_id);
                // What overflows is not remembered, or this map would grow without end.
                if known.count < MAX_SERIES {
                    known.count += 1;
                    let classes = of_method.entry(method.into()).or_default();
                    classes.insert(cls_id.into(), Arc::clone(&series));
                }
                series
            });
            AssertUnwindSafe(Call { shared: Arc::clone(shared), series, start: 0 })
        });
        Self(call)
    }

    /// The first poll starts the clock.
    pub(crate) fn begin(&mut self) {
        if let Some(call) = self.0.as_mut().filter(|call| call.start == 0) {
            call.start = clock::ticks();
        }
    }

    /// Records the call, once; a call that never began is none.
    pub(crate) fn end(&mut self, error: Option<&'static str>) {
        let Some(AssertUnwindSafe(call)) = self.0.take().filter(|call| call.start != 0) else {
            return;
        };
        let seconds = clock::between(call.start, clock::ticks()) as f64 / 1e9;
        call.shared.meters.rpc().record(&call.series, seconds, error);
    }
}

/// Up while it lives: one handler, or one session.
#[derive(Default)]
pub(crate) struct Active(Option<AssertUnwindSafe<Arc<BoundUpDownCounter<i64>>>>);

impl Active {
    fn up(of: impl FnOnce(&RpcMeters) -> &UpDown) -> Self {
        let counter = with_known(|shared, _| Arc::clone(of(shared.meters.rpc()).bound()));
        if let Some(counter) = &counter {
            counter.add(1);
        }
        Self(counter.map(AssertUnwindSafe))
    }

    pub(crate) fn handler() -> Self {
        Self::up(|meters| &meters.handlers)
    }

    pub(crate) fn session() -> Self {
        Self::up(|meters| &meters.sessions)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        if let Some(counter) = &self.0 {
            // The same counter, also where another pipeline has started meanwhile.
            counter.add(-1);
        }
    }
}

/// One value of `rpc_payload_bytes`.
pub(crate) fn payload(direction: Direction, bytes: usize) {
    with_known(|shared, _| {
        shared.meters.rpc().payload(direction, bytes);
    });
}

/// Ticks at the start of a storage operation; 0 where metrics are off.
pub(crate) fn storage_start() -> u64 {
    if gate::read() & gate::MEASURES == 0 { 0 } else { clock::ticks() }
}

/// One value of `storage_op_latency_ms`.
pub(crate) fn storage_end(operation: &'static str, start: u64) {
    if start == 0 {
        return;
    }
    with_known(|shared, known| {
        let milliseconds = clock::between(start, clock::ticks()) as f64 / 1e6;
        let series = known
            .storage
            .entry(operation)
            .or_insert_with(|| shared.meters.rpc().storage(operation));
        series.record(milliseconds);
    });
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
