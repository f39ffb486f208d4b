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
use std::sync::atomic::Ordering;
use std::time::Duration;

use fast_telemetry::{
    DynamicCounter, DynamicHistogram, LabelEnum, LabeledCounter, LabeledHistogram,
};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, MeterProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use trackside::export::sdk::WithExporters as _;
use trackside::telemetry::rpc::{self, Call};
use trackside::telemetry::{self, Telemetry, TelemetryConfig, Value};
use trackside::testing::with_variables;

use crate::harness::{BURST, DELIVERED, Mode, Variant, drive, measure};
use crate::rpc::Discard;
use crate::sink;

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
        Variant { name: "fast-telemetry, one label of an enum", run: fast_telemetry_enum },
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

/// Metrics go to a collector of this process; spans do not, and with a queue for a whole burst.
fn config(metric: Option<&'static str>) -> TelemetryConfig {
    let variables = [
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &*sink::start(metric)),
        ("OTEL_BSP_MAX_QUEUE_SIZE", &*(8 * BURST).to_string()),
    ];
    let config = TelemetryConfig::default().with_logs(false).set_globals(false);
    with_variables(config, &variables)
}

fn started(metric: &'static str) -> Telemetry {
    telemetry::init(config(Some(metric)).with_traces(false)).expect("the arguments are right")
}

fn flush(telemetry: &Telemetry) {
    telemetry.force_flush(Duration::from_secs(10)).expect("the collector answers");
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

/// With and without metrics: the difference is what they cost beside a span. What is counted are the spans.
fn with_spans(mode: Mode, metrics: bool) {
    let config = config(None).with_metrics(metrics).with_span_exporter(Discard);
    let telemetry = telemetry::init(config).expect("the arguments are right");
    measure(mode, 1, &|n| each(n, served), &|| flush(&telemetry));
}

/// Spans are off: what is left is the context, the counter, the errors and the duration, client and server.
fn wrapper(mode: Mode) {
    let telemetry = started("rpc_requests_total");
    measure(mode, 1, &|n| each(n, served), &|| flush(&telemetry));
}

fn served(index: usize) {
    let call = Call::method(METHODS[index & 7]).cls_id("acme.Orders");
    let reply: Result<usize, String> = drive(rpc::server(call, async { Ok(index) }));
    let _ = black_box(reply);
}

fn facade(mode: Mode) {
    static REQUESTS: telemetry::Counter = telemetry::counter("requests");
    static DURATION: telemetry::Histogram = telemetry::histogram("duration").with_unit("ms");
    let telemetry = started("requests");
    let call = |index: usize| {
        let attributes = [
            ("rpc.system", Value::from("grpc")),
            ("rpc.service", Value::from("acme.Orders")),
            ("rpc.method", Value::from(METHODS[index & 7])),
        ];
        REQUESTS.add(1, &attributes);
        DURATION.record(milliseconds(index), &attributes);
    };
    measure(mode, 1, &|n| each(n, call), &|| flush(&telemetry));
}

fn attributes(index: usize) -> [KeyValue; 3] {
    [
        KeyValue::new("rpc.system", "grpc"),
        KeyValue::new("rpc.service", "acme.Orders"),
        KeyValue::new("rpc.method", METHODS[index & 7]),
    ]
}

/// Counts what the counter says, and keeps nothing.
struct Counted;

impl PushMetricExporter for Counted {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        for metric in metrics.scope_metrics().flat_map(|scope| scope.metrics()) {
            if let ("requests", AggregatedMetrics::U64(MetricData::Sum(sum))) =
                (metric.name(), metric.data())
            {
                let requests: u64 = sum.data_points().map(|point| point.value()).sum();
                DELIVERED.store(requests, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

fn sdk(mode: Mode, bound: bool) {
    let hour = Duration::from_secs(3600);
    let reader = PeriodicReader::builder(Counted).with_interval(hour).build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    let meter = provider.meter("rivals");
    let requests: Counter<u64> = meter.u64_counter("requests").build();
    let duration: Histogram<f64> = meter.f64_histogram("duration").with_unit("ms").build();
    let flush = || provider.force_flush().expect("it only counts");
    if bound {
        let bound = |index| (requests.bind(&attributes(index)), duration.bind(&attributes(index)));
        let series: Vec<_> = (0..8).map(bound).collect();
        let call = |index: usize| {
            let (requests, duration) = &series[index & 7];
            requests.add(1);
            duration.record(milliseconds(index));
        };
        measure(mode, 1, &|n| each(n, call), &flush);
    } else {
        let call = |index: usize| {
            let attributes = attributes(index);
            requests.add(1, &attributes);
            duration.record(milliseconds(index), &attributes);
        };
        measure(mode, 1, &|n| each(n, call), &flush);
    }
}

fn counted(requests: isize) {
    DELIVERED.store(requests as u64, Ordering::Relaxed);
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
    measure(mode, 1, &|n| each(n, call), &|| counted(requests.sum_all()));
}

/// The method alone: it has no more than one label, and that one from a closed set.
fn fast_telemetry_enum(mode: Mode) {
    #[derive(Clone, Copy, Debug)]
    struct Method(usize);
    impl LabelEnum for Method {
        const CARDINALITY: usize = METHODS.len();
        const LABEL_NAME: &'static str = "rpc.method";
        fn as_index(self) -> usize {
            self.0
        }
        fn from_index(index: usize) -> Self {
            Self(index)
        }
        fn variant_name(self) -> &'static str {
            METHODS[self.0]
        }
    }
    let requests = LabeledCounter::<Method>::new(4);
    let duration = LabeledHistogram::<Method>::with_latency_buckets(4);
    let call = |index: usize| {
        let method = Method(index & 7);
        requests.inc(method);
        duration.record(method, nanoseconds(index) / 1_000);
    };
    measure(mode, 1, &|n| each(n, call), &|| counted(requests.sum_all()));
}
