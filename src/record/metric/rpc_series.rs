//! The instruments of the RPC set, and the series bound so far.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{
    BoundCounter, BoundHistogram, BoundUpDownCounter, Counter, Histogram, Meter, UpDownCounter,
};

use crate::health::diagnostics::{Diagnostics, Level};
use crate::telemetry::MetricNames;
use crate::telemetry::rpc::Direction;

use super::rpc::Side;

/// Series of one metric; beyond them everything is one series with `otel.metric.overflow`.
pub(super) const MAX_SERIES: usize = 2000;
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

/// The instruments, made once, and the series bound so far.
pub(super) struct RpcMeters {
    requests: Option<Counter<u64>>,
    errors: Option<Counter<u64>>,
    milliseconds: Option<Histogram<f64>>,
    server_seconds: Option<Histogram<f64>>,
    client_seconds: Option<Histogram<f64>>,
    payload: Histogram<f64>,
    /// In and out; like the others bound at the first use, since a bound series is exported.
    payload_ways: [OnceLock<BoundHistogram<f64>>; 2],
    storage: Histogram<f64>,
    pub(super) sessions: UpDown,
    pub(super) handlers: UpDown,
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
pub(super) struct Series {
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

pub(super) struct ErrorSeries {
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
        let up_down = |name, unit| UpDown {
            counter: meter.i64_up_down_counter(name).with_unit(unit).build(),
            bound: OnceLock::new(),
        };
        let payload = histogram("rpc_payload_bytes", "By", &BYTES);
        Self {
            requests: classic.then(|| counter("rpc_requests_total", "{request}")),
            errors: classic.then(|| counter("rpc_errors_total", "{error}")),
            milliseconds: classic
                .then(|| histogram("rpc_request_duration_ms", "ms", &MILLISECONDS)),
            server_seconds: conventional
                .then(|| histogram("rpc.server.call.duration", "s", &SECONDS)),
            client_seconds: conventional
                .then(|| histogram("rpc.client.call.duration", "s", &SECONDS)),
            payload,
            payload_ways: Default::default(),
            storage: histogram("storage_op_latency_ms", "ms", &STORAGE_MILLISECONDS),
            sessions: up_down("active_sessions", "{session}"),
            handlers: up_down("active_handlers", "{handler}"),
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
            let series = Arc::new(Self::bind(side, classic, conventional));
            bound.calls.insert(key, Arc::clone(&series));
            return series;
        }
        let overflow = bound.call_overflow[side as usize].get_or_insert_with(|| {
            self.warn_of_overflow("RPC");
            let mark = || vec![KeyValue::new("otel.metric.overflow", true)];
            Arc::new(Self::bind(side, mark(), mark()))
        });
        Arc::clone(overflow)
    }

    fn bind(side: Side, attributes: Vec<KeyValue>, conventional: Vec<KeyValue>) -> Series {
        Series {
            side,
            attributes,
            conventional,
            requests: Default::default(),
            milliseconds: OnceLock::new(),
            seconds: OnceLock::new(),
            errors: Mutex::default(),
        }
    }

    /// One finished call. The classic set is the server's alone.
    pub(super) fn record(&self, series: &Series, seconds: f64, error: Option<&'static str>) {
        let classic = series.side == Side::Server;
        if let Some(counter) = self.requests.as_ref().filter(|_| classic) {
            let success = error.is_none();
            let bind = || {
                let more = [KeyValue::new("success", success)];
                counter.bind(&[&series.attributes[..], &more].concat())
            };
            series.requests[usize::from(success)].get_or_init(bind).add(1);
        }
        if let Some(histogram) = self.milliseconds.as_ref().filter(|_| classic) {
            let bound = series.milliseconds.get_or_init(|| histogram.bind(&series.attributes));
            bound.record(seconds * 1e3);
        }
        match error {
            Some(kind) => {
                let failed = self.error_series(series, kind);
                if let Some(count) = &failed.count {
                    count.add(1);
                }
                if let Some(histogram) = &failed.seconds {
                    histogram.record(seconds);
                }
            }
            None => {
                if let Some(histogram) = self.seconds(series.side) {
                    let bound = series.seconds.get_or_init(|| histogram.bind(&series.conventional));
                    bound.record(seconds);
                }
            }
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

    pub(super) fn storage(&self, operation: &'static str) -> Arc<BoundHistogram<f64>> {
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

    /// One payload's size.
    pub(super) fn payload(&self, direction: Direction, bytes: usize) {
        let (way, name) = match direction {
            Direction::In => (0, "IN"),
            Direction::Out => (1, "OUT"),
        };
        let bind = || self.payload.bind(&[KeyValue::new("direction", name)]);
        self.payload_ways[way].get_or_init(bind).record(bytes as f64);
    }

    fn warn_of_overflow(&self, what: &str) {
        let line = format!(
            "the {what} metrics have {MAX_SERIES} series; new ones are counted as otel.metric.overflow"
        );
        self.diagnostics.say(Level::Warn, &format!("overflow {what}"), &line);
    }
}

/// An up-down counter without attributes.
pub(super) struct UpDown {
    counter: UpDownCounter<i64>,
    bound: OnceLock<Arc<BoundUpDownCounter<i64>>>,
}

impl UpDown {
    pub(super) fn bound(&self) -> &Arc<BoundUpDownCounter<i64>> {
        self.bound.get_or_init(|| Arc::new(self.counter.bind(&[])))
    }
}
