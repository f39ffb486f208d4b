//! Task B: one request counted and timed, under three attributes, eight methods in turn.

#[path = "../../../src/record/metric/cells/bounds.rs"]
#[allow(dead_code)]
mod bounds;
/// What trackside records the predefined set in: not public, so it is taken from the source.
#[path = "../../../src/record/metric/cells/cell.rs"]
#[allow(dead_code)]
mod cell;
#[path = "../../../src/record/metric/cells/sync.rs"]
mod sync;

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Duration;

use fast_telemetry::{DynamicCounter, DynamicHistogram};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, MeterProvider as _};
use opentelemetry_sdk::metrics::{ManualReader, SdkMeterProvider};
use trackside::export::sdk::WithExporters as _;
use trackside::telemetry::rpc::{self, Call};
use trackside::telemetry::{self, TelemetryConfig, Value};

use crate::harness::{Mode, Variant, drive, measure};
use crate::rpc::Discard;

const METHODS: [&str; 8] =
    ["Get", "List", "Create", "Update", "Delete", "Watch", "BatchGet", "Ping"];

pub fn variants() -> Vec<Variant> {
    vec![
        Variant { name: "trackside, RPC wrapper without spans", run: wrapper },
        Variant { name: "trackside, the cell alone", run: cell_alone },
        Variant { name: "trackside, RPC wrapper with spans", run: |mode| with_spans(mode, true) },
        Variant {
            name: "trackside, RPC wrapper with spans alone",
            run: |mode| with_spans(mode, false),
        },
        Variant { name: "trackside, RPC wrapper with metrics off", run: bare_wrapper },
        Variant { name: "trackside, facade instruments", run: facade },
        Variant { name: "OpenTelemetry SDK", run: |mode| sdk(mode, false) },
        Variant { name: "OpenTelemetry SDK, bound", run: |mode| sdk(mode, true) },
        Variant { name: "fast-telemetry, labels at run time", run: fast_telemetry },
    ]
}

/// Durations between 0.1 and 20 ms, different for each operation.
fn milliseconds(index: usize) -> f64 {
    let mixed = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    0.1 + (mixed % 19_900) as f64 / 1_000.0
}

fn each(operations: usize, work: impl Fn(usize)) {
    for index in 0..operations {
        work(black_box(index));
    }
}

fn started() -> telemetry::Telemetry {
    let config = TelemetryConfig::default()
        .with_traces(false)
        .with_logs(false)
        .set_globals(false)
        .with_endpoint("http://127.0.0.1:9");
    telemetry::init(config).expect("the arguments are right")
}

/// Durations between 0.1 and 20 ms, in nanoseconds, different for each operation.
fn nanoseconds(index: usize) -> u64 {
    let mixed = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    100_000 + mixed % 19_900 * 1_000
}

/// Eight cells of each thread's own: the count is the sum of the buckets.
fn cell_alone(mode: Mode) {
    thread_local! {
        static CELLS: RefCell<[cell::Writer; 8]> = RefCell::new(std::array::from_fn(|_| cell::cell().0));
    }
    let burst = |operations: usize| {
        CELLS.with_borrow_mut(|cells| {
            for index in 0..operations {
                let nanos = nanoseconds(black_box(index));
                cells[index & 7].record(bounds::CALLS.bucket(nanos), nanos, 1);
            }
        });
    };
    measure(mode, 0, &burst, &|| {});
}

/// What the wrapper costs with neither spans nor metrics: subtract it.
fn bare_wrapper(mode: Mode) {
    let config = TelemetryConfig::default()
        .with_traces(false)
        .with_metrics(false)
        .set_globals(false)
        .with_endpoint("http://127.0.0.1:9");
    let _telemetry = telemetry::init(config).expect("the arguments are right");
    measure(mode, 0, &|n| each(n, served), &|| {});
}

/// With and without metrics: the difference is what they cost beside a span. Spans leave on the worker's own
/// schedule, and no metric leaves: there is nobody to flush to.
fn with_spans(mode: Mode, metrics: bool) {
    let config = TelemetryConfig::default()
        .with_metrics(metrics)
        .with_logs(false)
        .set_globals(false)
        .with_endpoint("http://127.0.0.1:9")
        .with_span_exporter(Discard);
    let _telemetry = telemetry::init(config).expect("the arguments are right");
    measure(mode, 0, &|n| each(n, served), &|| std::thread::sleep(Duration::from_millis(1)));
}

/// Spans are off: what is left is the context, the counter, the errors and the duration, client and server.
fn wrapper(mode: Mode) {
    let _telemetry = started();
    measure(mode, 0, &|n| each(n, served), &|| {});
}

fn served(index: usize) {
    let call = Call::method(METHODS[index & 7]).cls_id("acme.Orders");
    let reply: Result<usize, String> = drive(rpc::server(call, async { Ok(index) }));
    let _ = black_box(reply);
}

fn facade(mode: Mode) {
    static REQUESTS: telemetry::Counter = telemetry::counter("requests");
    static DURATION: telemetry::Histogram = telemetry::histogram("duration").with_unit("ms");
    let _telemetry = started();
    let call = |index: usize| {
        let attributes = [
            ("rpc.system", Value::from("grpc")),
            ("rpc.service", Value::from("acme.Orders")),
            ("rpc.method", Value::from(METHODS[index & 7])),
        ];
        REQUESTS.add(1, &attributes);
        DURATION.record(milliseconds(index), &attributes);
    };
    measure(mode, 0, &|n| each(n, call), &|| {});
}

fn attributes(index: usize) -> [KeyValue; 3] {
    [
        KeyValue::new("rpc.system", "grpc"),
        KeyValue::new("rpc.service", "acme.Orders"),
        KeyValue::new("rpc.method", METHODS[index & 7]),
    ]
}

fn sdk(mode: Mode, bound: bool) {
    let provider = SdkMeterProvider::builder().with_reader(ManualReader::builder().build()).build();
    let meter = provider.meter("rivals");
    let requests: Counter<u64> = meter.u64_counter("requests").build();
    let duration: Histogram<f64> = meter.f64_histogram("duration").with_unit("ms").build();
    if bound {
        let bound = |index| (requests.bind(&attributes(index)), duration.bind(&attributes(index)));
        let series: Vec<_> = (0..8).map(bound).collect();
        let call = |index: usize| {
            let (requests, duration) = &series[index & 7];
            requests.add(1);
            duration.record(milliseconds(index));
        };
        measure(mode, 0, &|n| each(n, call), &|| {});
    } else {
        let call = |index: usize| {
            let attributes = attributes(index);
            requests.add(1, &attributes);
            duration.record(milliseconds(index), &attributes);
        };
        measure(mode, 0, &|n| each(n, call), &|| {});
    }
    provider.shutdown_with_timeout(Duration::from_secs(1)).expect("nothing is under way");
}

fn fast_telemetry(mode: Mode) {
    let (requests, duration) = (DynamicCounter::new(4), DynamicHistogram::with_latency_buckets(4));
    let call = |index: usize| {
        let labels = [
            ("rpc.system", "grpc"),
            ("rpc.service", "acme.Orders"),
            ("rpc.method", METHODS[index & 7]),
        ];
        requests.inc(&labels);
        duration.record(&labels, (milliseconds(index) * 1_000.0) as u64);
    };
    measure(mode, 0, &|n| each(n, call), &|| {});
}
