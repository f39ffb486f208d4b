//! The predefined RPC metrics, behind one small interface: an `Observation` for each call, and
//! three functions. What aggregates underneath is this file's affair alone.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{
    BoundCounter, BoundHistogram, BoundUpDownCounter, Counter, Histogram, Meter, UpDownCounter,
};

use crate::health::diagnostics::{Diagnostics, Level};
use crate::pipeline::{self, Shared, clock};
use crate::record::gate;
use crate::telemetry::MetricNames;
use crate::telemetry::rpc::Direction;

/// Series of one metric; beyond them everything is one series with `otel.metric.overflow`.
const MAX_SERIES: usize = 2000;
/// Kinds of error that one call tells apart; the host's word for others is replaced.
const MAX_KINDS: usize = 32;
const OTHER: &str = "_OTHER";

/// The semantic conventions' boundaries for the duration of calls, in seconds.
const SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// The same in milliseconds, so that both names have the same buckets.
const MILLISECONDS: [f64; 14] =
    [5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1e3, 2.5e3, 5e3, 7.5e3, 1e4];
const STORAGE_MILLISECONDS: [f64; 15] =
    [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3];
const BYTES: [f64; 10] = [
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
];

/// The side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

/// The instruments, made once, and the series bound so far.
pub(crate) struct RpcMeters {
    requests: Option<Counter<u64>>,
    errors: Option<Counter<u64>>,
    milliseconds: Option<Histogram<f64>>,
    server_seconds: Option<Histogram<f64>>,
    client_seconds: Option<Histogram<f64>>,
    payload: [BoundHistogram<f64>; 2],
    storage: Histogram<f64>,
    sessions: Arc<BoundUpDownCounter<i64>>,
    handlers: Arc<BoundUpDownCounter<i64>>,
    bound: Mutex<Bound>,
    diagnostics: Arc<Diagnostics>,
}

#[derive(Default)]
struct Bound {
    calls: HashMap<(bool, Box<str>, Box<str>), Arc<Series>>,
    call_overflow: [Option<Arc<Series>>; 2],
    storage: HashMap<&'static str, Arc<BoundHistogram<f64>>>,
    storage_overflow: Option<Arc<BoundHistogram<f64>>>,
}

/// One call's handles: a method of a class, on one side.
struct Series {
    side: Side,
    attributes: Vec<KeyValue>,
    conventional: Vec<KeyValue>,
    /// By success: no, yes.
    requests: Option<[BoundCounter<u64>; 2]>,
    milliseconds: Option<BoundHistogram<f64>>,
    seconds: Option<BoundHistogram<f64>>,
    /// Bound at the first error of a kind.
    errors: Mutex<Vec<(&'static str, Arc<ErrorSeries>)>>,
}

struct ErrorSeries {
    count: Option<BoundCounter<u64>>,
    seconds: Option<BoundHistogram<f64>>,
}

impl RpcMeters {
    pub(super) fn new(meter: &Meter, names: MetricNames, diagnostics: &Arc<Diagnostics>) -> Self {
        let classic = names != MetricNames::Semconv;
        let conventional = names != MetricNames::Classic;
        let counter = |name, unit| meter.u64_counter(name).with_unit(unit).build();
        let histogram = |name, unit, bounds: &[f64]| {
            meter.f64_histogram(name).with_unit(unit).with_boundaries(bounds.to_vec()).build()
        };
        let up_down = |name, unit| {
            let counter: UpDownCounter<i64> =
                meter.i64_up_down_counter(name).with_unit(unit).build();
            Arc::new(counter.bind(&[]))
        };
        let payload: Histogram<f64> = histogram("rpc_payload_bytes", "By", &BYTES);
        Self {
            requests: classic.then(|| counter("rpc_requests_total", "{request}")),
            errors: classic.then(|| counter("rpc_errors_total", "{error}")),
            milliseconds: classic
                .then(|| histogram("rpc_request_duration_ms", "ms", &MILLISECONDS)),
            server_seconds: conventional
                .then(|| histogram("rpc.server.call.duration", "s", &SECONDS)),
            client_seconds: conventional
                .then(|| histogram("rpc.client.call.duration", "s", &SECONDS)),
            payload: ["IN", "OUT"]
                .map(|direction| payload.bind(&[KeyValue::new("direction", direction)])),
            storage: histogram("storage_op_latency_ms", "ms", &STORAGE_MILLISECONDS),
            sessions: up_down("active_sessions", "{session}"),
            handlers: up_down("active_handlers", "{handler}"),
            bound: Mutex::default(),
            diagnostics: Arc::clone(diagnostics),
        }
    }

    fn series(&self, side: Side, method: &str, cls_id: &str) -> Arc<Series> {
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (side == Side::Client, Box::from(method), Box::from(cls_id));
        if let Some(series) = bound.calls.get(&key) {
            return Arc::clone(series);
        }
        if bound.calls.len() < MAX_SERIES {
            let classic = vec![
                KeyValue::new("method", method.to_owned()),
                KeyValue::new("cls_id", cls_id.to_owned()),
            ];
            let name =
                if cls_id.is_empty() { method.to_owned() } else { format!("{cls_id}/{method}") };
            let conventional = vec![
                KeyValue::new("rpc.system.name", "trackside"),
                KeyValue::new("rpc.method", name),
            ];
            let series = Arc::new(self.bind(side, classic, conventional));
            bound.calls.insert(key, Arc::clone(&series));
            return series;
        }
        let overflow = bound.call_overflow[side as usize].get_or_insert_with(|| {
            self.warn_of_overflow("RPC");
            let mark = || vec![KeyValue::new("otel.metric.overflow", true)];
            Arc::new(self.bind(side, mark(), mark()))
        });
        Arc::clone(overflow)
    }

    fn bind(&self, side: Side, attributes: Vec<KeyValue>, conventional: Vec<KeyValue>) -> Series {
        let classic = side == Side::Server;
        let with = |success: bool| [&attributes[..], &[KeyValue::new("success", success)]].concat();
        let requests = self.requests.as_ref().filter(|_| classic);
        let milliseconds = self.milliseconds.as_ref().filter(|_| classic);
        Series {
            side,
            requests: requests
                .map(|counter| [false, true].map(|success| counter.bind(&with(success)))),
            milliseconds: milliseconds.map(|histogram| histogram.bind(&attributes)),
            seconds: self.seconds(side).map(|histogram| histogram.bind(&conventional)),
            errors: Mutex::default(),
            attributes,
            conventional,
        }
    }

    const fn seconds(&self, side: Side) -> Option<&Histogram<f64>> {
        match side {
            Side::Server => self.server_seconds.as_ref(),
            Side::Client => self.client_seconds.as_ref(),
        }
    }

    fn error_series(&self, series: &Series, kind: &'static str) -> Arc<ErrorSeries> {
        let mut errors = series.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let find = |errors: &[(&'static str, Arc<ErrorSeries>)], kind| {
            errors.iter().find(|(of, _)| *of == kind).map(|(_, found)| Arc::clone(found))
        };
        if let Some(found) = find(&errors, kind) {
            return found;
        }
        let kind = if errors.len() < MAX_KINDS { kind } else { OTHER };
        find(&errors, kind).unwrap_or_else(|| {
            let classic = [&series.attributes[..], &[KeyValue::new("error_kind", kind)]].concat();
            let conventional =
                [&series.conventional[..], &[KeyValue::new("error.type", kind)]].concat();
            let counter = self.errors.as_ref().filter(|_| series.side == Side::Server);
            let made = Arc::new(ErrorSeries {
                count: counter.map(|counter| counter.bind(&classic)),
                seconds: self.seconds(series.side).map(|histogram| histogram.bind(&conventional)),
            });
            errors.push((kind, Arc::clone(&made)));
            made
        })
    }

    fn storage(&self, operation: &'static str) -> Arc<BoundHistogram<f64>> {
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        let Bound { storage, storage_overflow, .. } = &mut *bound;
        if storage.len() < MAX_SERIES || storage.contains_key(operation) {
            let bind = || Arc::new(self.storage.bind(&[KeyValue::new("operation", operation)]));
            return Arc::clone(storage.entry(operation).or_insert_with(bind));
        }
        Arc::clone(storage_overflow.get_or_insert_with(|| {
            self.warn_of_overflow("storage");
            Arc::new(self.storage.bind(&[KeyValue::new("otel.metric.overflow", true)]))
        }))
    }

    fn warn_of_overflow(&self, what: &str) {
        let line = format!(
            "the {what} metrics have {MAX_SERIES} series; new ones are counted as otel.metric.overflow"
        );
        self.diagnostics.say(Level::Warn, &format!("overflow {what}"), &line);
    }
}

/// What a thread has looked up before, for the pipeline of one gate.
#[derive(Default)]
struct Known {
    gate: u32,
    shared: Option<Arc<Shared>>,
    /// By side, method, class.
    calls: [HashMap<Box<str>, HashMap<Box<str>, Arc<Series>>>; 2],
    storage: HashMap<&'static str, Arc<BoundHistogram<f64>>>,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// Runs with the running pipeline's meters and what this thread knows of them; `None` where metrics are off.
fn with_known<R>(run: impl FnOnce(&Arc<Shared>, &mut Known) -> R) -> Option<R> {
    let gate = gate::read();
    if gate & gate::MEASURES == 0 {
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
                let classes = of_method.entry(method.into()).or_default();
                // What overflows is not remembered, or this map would grow without end.
                if classes.len() < MAX_SERIES {
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
        let series = &call.series;
        let seconds = clock::ticks().saturating_sub(call.start) as f64 / 1e9;
        if let Some(requests) = &series.requests {
            requests[usize::from(error.is_none())].add(1);
        }
        if let Some(milliseconds) = &series.milliseconds {
            milliseconds.record(seconds * 1e3);
        }
        let Some(kind) = error else {
            if let Some(histogram) = &series.seconds {
                histogram.record(seconds);
            }
            return;
        };
        let failed = call.shared.meters.rpc().error_series(series, kind);
        if let Some(count) = &failed.count {
            count.add(1);
        }
        if let Some(histogram) = &failed.seconds {
            histogram.record(seconds);
        }
    }
}

/// Up while it lives: one handler, or one session.
#[derive(Default)]
pub(crate) struct Active(Option<AssertUnwindSafe<Arc<BoundUpDownCounter<i64>>>>);

impl Active {
    fn up(of: impl FnOnce(&RpcMeters) -> &Arc<BoundUpDownCounter<i64>>) -> Self {
        let counter = with_known(|shared, _| Arc::clone(of(shared.meters.rpc())));
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
        let way = usize::from(direction == Direction::Out);
        shared.meters.rpc().payload[way].record(bytes as f64);
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
        let milliseconds = clock::ticks().saturating_sub(start) as f64 / 1e6;
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
