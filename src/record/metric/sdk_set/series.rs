//! The instruments of the set, and the series bound so far.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{
    BoundCounter, BoundHistogram, BoundUpDownCounter, Counter, Histogram, Meter, UpDownCounter,
};

use crate::health::diagnostics::Diagnostics;
use crate::record::log::BANDS;
use crate::record::metric::cells::{MAX_KINDS, MAX_SERIES, Single, warn_of_overflow};
use crate::record::metric::rpc::Side;
use crate::telemetry::MetricNames;
use crate::telemetry::rpc::Direction;

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

/// The instruments, made once, and the series bound so far.
pub(in crate::record::metric) struct SdkSet {
    of_calls: Arc<CallInstruments>,
    payload: Histogram<f64>,
    /// In and out; like the others bound at the first use, since a bound series is exported.
    payload_ways: [OnceLock<BoundHistogram<f64>>; 2],
    storage: Histogram<f64>,
    sessions: UpDown,
    handlers: UpDown,
    logs: Counter<u64>,
    /// By the band of the level.
    log_bands: [OnceLock<BoundCounter<u64>>; BANDS.len()],
    bound: Mutex<Bound>,
    diagnostics: Arc<Diagnostics>,
}

/// What calls are measured with.
struct CallInstruments {
    requests: Option<Counter<u64>>,
    errors: Option<Counter<u64>>,
    milliseconds: Option<Histogram<f64>>,
    server_seconds: Option<Histogram<f64>>,
    client_seconds: Option<Histogram<f64>>,
}

#[derive(Default)]
struct Bound {
    calls: HashMap<(bool, Box<str>, Box<str>), Arc<Series>>,
    call_overflow: [Option<Arc<Series>>; 2],
    storage: HashMap<&'static str, Arc<BoundHistogram<f64>>>,
    storage_overflow: Option<Arc<BoundHistogram<f64>>>,
}

/// One call's handles: a method of a class, on one side.
pub(in crate::record::metric) struct Series {
    instruments: Arc<CallInstruments>,
    side: Side,
    attributes: Vec<KeyValue>,
    conventional: Vec<KeyValue>,
    /// By success: no, yes.
    requests: [OnceLock<BoundCounter<u64>>; 2],
    milliseconds: OnceLock<BoundHistogram<f64>>,
    seconds: OnceLock<BoundHistogram<f64>>,
    /// Bound at the first error of a kind.
    errors: Mutex<Vec<(&'static str, Arc<ErrorSeries>)>>,
}

struct ErrorSeries {
    count: Option<BoundCounter<u64>>,
    seconds: Option<BoundHistogram<f64>>,
}

impl SdkSet {
    pub(in crate::record::metric) fn new(
        meter: &Meter,
        names: MetricNames,
        diagnostics: &Arc<Diagnostics>,
    ) -> Self {
        let classic = names != MetricNames::Semconv;
        let conventional = names != MetricNames::Classic;
        let counter = |name, unit| meter.u64_counter(name).with_unit(unit).build();
        let histogram = |name, unit, bounds: &[f64]| {
            meter.f64_histogram(name).with_unit(unit).with_boundaries(bounds.to_vec()).build()
        };
        let up_down = |name, unit| UpDown {
            counter: meter.i64_up_down_counter(name).with_unit(unit).build(),
            bound: OnceLock::new(),
        };
        let of_calls = CallInstruments {
            requests: classic.then(|| counter("rpc_requests_total", "{request}")),
            errors: classic.then(|| counter("rpc_errors_total", "{error}")),
            milliseconds: classic
                .then(|| histogram("rpc_request_duration_ms", "ms", &MILLISECONDS)),
            server_seconds: conventional
                .then(|| histogram("rpc.server.call.duration", "s", &SECONDS)),
            client_seconds: conventional
                .then(|| histogram("rpc.client.call.duration", "s", &SECONDS)),
        };
        Self {
            of_calls: Arc::new(of_calls),
            payload: histogram("rpc_payload_bytes", "By", &BYTES),
            payload_ways: Default::default(),
            storage: histogram("storage_op_latency_ms", "ms", &STORAGE_MILLISECONDS),
            sessions: up_down("active_sessions", "{session}"),
            handlers: up_down("active_handlers", "{handler}"),
            logs: counter("python_logs_forwarded_total", "{log_record}"),
            log_bands: Default::default(),
            bound: Mutex::default(),
            diagnostics: Arc::clone(diagnostics),
        }
    }

    pub(super) fn series(&self, side: Side, method: &str, cls_id: &str) -> Arc<Series> {
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
            warn_of_overflow(&self.diagnostics, "RPC");
            let mark = || vec![KeyValue::new("otel.metric.overflow", true)];
            Arc::new(self.bind(side, mark(), mark()))
        });
        Arc::clone(overflow)
    }

    fn bind(&self, side: Side, attributes: Vec<KeyValue>, conventional: Vec<KeyValue>) -> Series {
        Series {
            instruments: Arc::clone(&self.of_calls),
            side,
            attributes,
            conventional,
            requests: Default::default(),
            milliseconds: OnceLock::new(),
            seconds: OnceLock::new(),
            errors: Mutex::default(),
        }
    }

    pub(super) fn storage(&self, operation: &'static str) -> Arc<BoundHistogram<f64>> {
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        let Bound { storage, storage_overflow, .. } = &mut *bound;
        if storage.len() < MAX_SERIES || storage.contains_key(operation) {
            let bind = || Arc::new(self.storage.bind(&[KeyValue::new("operation", operation)]));
            return Arc::clone(storage.entry(operation).or_insert_with(bind));
        }
        Arc::clone(storage_overflow.get_or_insert_with(|| {
            warn_of_overflow(&self.diagnostics, "storage");
            Arc::new(self.storage.bind(&[KeyValue::new("otel.metric.overflow", true)]))
        }))
    }

    /// One payload's size.
    pub(super) fn payload(&self, direction: Direction, bytes: usize) {
        let (way, name) = match direction {
            Direction::In => (0, "IN"),
            Direction::Out => (1, "OUT"),
        };
        let bind = || self.payload.bind(&[KeyValue::new("direction", name)]);
        self.payload_ways[way].get_or_init(bind).record(bytes as f64);
    }

    pub(super) fn up_down(&self, single: Single) -> Option<Arc<BoundUpDownCounter<i64>>> {
        match single {
            Single::Sessions => Some(self.sessions.bound()),
            Single::Handlers => Some(self.handlers.bound()),
            Single::Payload(_) | Single::Logs(_) => None,
        }
    }

    pub(super) fn count_forwarded_log(&self, band: usize) {
        let bind = || self.logs.bind(&[KeyValue::new("level", BANDS[band].2)]);
        self.log_bands[band].get_or_init(bind).add(1);
    }
}

impl Series {
    /// One finished call. The classic set is the server's alone.
    pub(in crate::record::metric) fn record(&self, seconds: f64, error: Option<&'static str>) {
        let classic = self.side == Side::Server;
        let of = &self.instruments;
        if let Some(counter) = of.requests.as_ref().filter(|_| classic) {
            let success = error.is_none();
            let bind = || {
                let more = [KeyValue::new("success", success)];
                counter.bind(&[&self.attributes[..], &more].concat())
            };
            self.requests[usize::from(success)].get_or_init(bind).add(1);
        }
        if let Some(histogram) = of.milliseconds.as_ref().filter(|_| classic) {
            let bound = self.milliseconds.get_or_init(|| histogram.bind(&self.attributes));
            bound.record(seconds * 1e3);
        }
        match error {
            Some(kind) => {
                let failed = self.error_series(kind);
                if let Some(count) = &failed.count {
                    count.add(1);
                }
                if let Some(histogram) = &failed.seconds {
                    histogram.record(seconds);
                }
            }
            None => {
                if let Some(histogram) = of.seconds(self.side) {
                    let bound = self.seconds.get_or_init(|| histogram.bind(&self.conventional));
                    bound.record(seconds);
                }
            }
        }
    }

    fn error_series(&self, kind: &'static str) -> Arc<ErrorSeries> {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let find = |errors: &[(&'static str, Arc<ErrorSeries>)], kind| {
            errors.iter().find(|(of, _)| *of == kind).map(|(_, found)| Arc::clone(found))
        };
        if let Some(found) = find(&errors, kind) {
            return found;
        }
        let kind = if errors.len() < MAX_KINDS { kind } else { OTHER };
        find(&errors, kind).unwrap_or_else(|| {
            let classic = [&self.attributes[..], &[KeyValue::new("error_kind", kind)]].concat();
            let conventional =
                [&self.conventional[..], &[KeyValue::new("error.type", kind)]].concat();
            let of = &self.instruments;
            let counter = of.errors.as_ref().filter(|_| self.side == Side::Server);
            let made = Arc::new(ErrorSeries {
                count: counter.map(|counter| counter.bind(&classic)),
                seconds: of.seconds(self.side).map(|histogram| histogram.bind(&conventional)),
            });
            errors.push((kind, Arc::clone(&made)));
            made
        })
    }
}

impl CallInstruments {
    const fn seconds(&self, side: Side) -> Option<&Histogram<f64>> {
        match side {
            Side::Server => self.server_seconds.as_ref(),
            Side::Client => self.client_seconds.as_ref(),
        }
    }
}

/// An up-down counter without attributes.
struct UpDown {
    counter: UpDownCounter<i64>,
    bound: OnceLock<Arc<BoundUpDownCounter<i64>>>,
}

impl UpDown {
    fn bound(&self) -> Arc<BoundUpDownCounter<i64>> {
        Arc::clone(self.bound.get_or_init(|| Arc::new(self.counter.bind(&[]))))
    }
}
