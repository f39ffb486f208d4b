//! The program: spans by `tracing`, metrics and a log record by the OpenTelemetry API.

use std::error::Error;
use std::fmt;

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider, Severity};
use opentelemetry::{KeyValue, global};
use tracing::{Instrument, error, field, info, info_span, warn};

/// An error with a cause.
#[derive(Debug)]
struct Broken(&'static str, Option<Box<Self>>);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Broken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

pub(crate) fn run(logs: &impl LoggerProvider) {
    values();
    names();
    events();
    failures();
    links();
    parents();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(steps().instrument(info_span!("steps")));
    measure();
    log(logs);
}

fn values() {
    let bytes: &[u8] = &[1, 2];
    let span = info_span!(
        "values",
        yes = true,
        no = false,
        small = -3_i64,
        unsigned = 7_u64,
        huge = u64::MAX,
        wide = 1_u128 << 100,
        half = 0.5,
        text = "text",
        empty = "",
        display = %"shown",
        debug = ?Some(1),
        bytes,
        later = field::Empty,
        never = field::Empty,
    );
    span.record("later", "recorded");
    span.in_scope(|| {
        span.record("never", 3);
        span.record("later", "again");
    });
}

fn names() {
    for kind in ["server", "Client", "producer", "consumer", "internal"] {
        info_span!("kinds", otel.name = format!("kind {kind}"), otel.kind = kind).in_scope(|| ());
    }
    info_span!("ok", otel.status_code = "OK").in_scope(|| ());
    info_span!("error", otel.status_code = "ERROR").in_scope(|| ());
    info_span!("described", otel.status_code = "error", otel.status_description = "it broke")
        .in_scope(|| ());
    let late = info_span!("late", otel.status_code = field::Empty);
    late.in_scope(|| late.record("otel.status_code", "OK"));
}

fn events() {
    let _span = info_span!("events").entered();
    info!("plain");
    warn!(rows = 3, ratio = 0.5, cached = true, of = "table", "with fields");
    info!(target: "elsewhere", "another target");
    info!(only = "a field");
}

fn failures() {
    let error = Broken("it broke", Some(Box::new(Broken("out of paper", None))));
    let error: &(dyn Error + 'static) = &error;
    info_span!("field", error).in_scope(|| ());
    info_span!("said").in_scope(|| error!("it failed"));
    info_span!("given").in_scope(|| error!(error, "it failed"));
    info_span!("fine", otel.status_code = "OK").in_scope(|| error!("it failed all the same"));
}

fn links() {
    let (first, second) = (info_span!("first"), info_span!("second"));
    second.follows_from(&first);
    second.in_scope(|| second.follows_from(&first));
}

fn parents() {
    let outer = info_span!("outer").entered();
    info_span!("inner").in_scope(|| info!("below both"));
    info_span!(parent: None, "root of its own").in_scope(|| ());
    let given = info_span!(parent: &outer, "given");
    let thread = std::thread::Builder::new().name("worker".to_owned());
    let thread = thread.spawn(move || given.in_scope(|| info_span!("there").in_scope(|| ())));
    thread.expect("a thread").join().expect("it does not panic");
}

async fn steps() {
    for step in 0..2 {
        tokio::task::yield_now().instrument(info_span!("step", step)).await;
    }
}

fn measure() {
    let meter = global::meter("program");
    meter.u64_counter("jobs").build().add(2, &[KeyValue::new("queue", "mail")]);
    meter.f64_histogram("sizes").with_unit("By").build().record(3.5, &[]);
    meter.i64_up_down_counter("open").build().add(-1, &[]);
}

fn log(logs: &impl LoggerProvider) {
    let logger = logs.logger("program");
    let mut record = logger.create_log_record();
    record.set_timestamp(std::time::SystemTime::now());
    record.set_severity_number(Severity::Warn);
    record.set_severity_text("WARN");
    record.set_body("running low".into());
    record.add_attribute("left", 2_i64);
    record.add_attribute("of", AnyValue::from("paper"));
    logger.emit(record);
}
