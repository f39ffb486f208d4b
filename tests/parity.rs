//! One source for both modes: every item of the façade is called, and does the same.
//!
//! Run it twice: `cargo test --test parity`, and again with `--features telemetry`. Nothing is
//! configured here (the environment must name no exporter), so that what holds with the feature off
//! holds with it on. The types are in `parity_of_types.rs`, what both modes must reject in
//! `src/telemetry/strictness.rs`.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use trackside::telemetry::rpc::{self, Call, Direction, Outcome};
use trackside::telemetry::{
    self, Counter, Detector, Error, Extract, Gauge, Histogram, Inject, Kind, MetricNames,
    OtelContext, Pace, Parent, Report, Span, SpanGuard, SpanId, Status, TelemetryConfig, TraceId,
    UpDownCounter, Value,
};

const WITHIN: Duration = Duration::from_secs(5);

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// What is written only to a span that is recorded is never asked for here.
fn never<T>() -> T {
    panic!("evaluated although nothing records")
}

fn write(span: &mut Span) {
    span.set("bool", never::<bool>())
        .set_dynamic(&never::<String>(), never::<f64>())
        .event("event", &[("k", 1_i32.into()), ("l", Value::Array(&[2_u32.into()]))])
        .event_dynamic(&"event".repeat(2), &[("k", 1_i32.into())])
        .link(&Parent::root())
        .ok()
        .error("kind", &"description")
        .record_error(&fmt::Error)
        .record_error_with(&fmt::Error, &Backtrace::disabled());
}

#[test]
fn a_handle_that_was_given_nothing_to_do_does_nothing() -> Result<(), Error> {
    telemetry::register_service("package", "Class");
    assert!(!TelemetryConfig::spec_defaults().resolve().to_string().is_empty());
    let every_argument = TelemetryConfig::default()
        .or_console()
        .with_endpoint("http://localhost:4318")
        .with_protocol("http/protobuf")
        .with_header("name", "value")
        .with_service_name("name")
        .with_service_version("1.0")
        .with_environment("test")
        .with_fallback_name("host")
        .with_attribute("key", "value")
        .with_detector(Detector::Process, false)
        .with_sampler("traceidratio", Some(0.5))
        .with_log_filter("info,shop.orders=debug")
        .with_traces(true)
        .with_metrics(true)
        .with_logs(true)
        .with_metric_names(MetricNames::Both)
        .with_pace(Pace::Patient)
        .with_otel_context(OtelContext::On)
        .with_memory_limit(1 << 20)
        .with_file_directory("telemetry")
        .with_file_rotation(1 << 20, WITHIN, 3)
        .with_drop_deadline(WITHIN)
        .set_globals(false)
        .on_diagnostic(|line| drop(line.to_owned()));
    assert!(!every_argument.clone().resolve().to_string().is_empty());

    let telemetry = telemetry::init(TelemetryConfig::default())?;
    let again = telemetry::init(TelemetryConfig::default())?.clone();
    let status: Status = again.status();
    for signal in [&status.traces, &status.metrics, &status.logs] {
        assert!(!signal.on && !signal.why.is_empty(), "an exporter is configured: {signal:?}");
        assert_eq!((signal.recorded, signal.dropped.total()), (0, 0));
    }
    let report: Report = telemetry.report();
    assert!(!report.to_string().is_empty());
    telemetry.set_sampler("traceidratio", Some(0.5))?;
    telemetry.set_log_filter("warn,shop=debug")?;
    assert!(telemetry.inherited().trace_id().is_none());
    telemetry.force_flush(WITHIN)?;
    telemetry.shutdown(WITHIN)?;
    telemetry.shutdown(WITHIN)?;
    again.force_flush(WITHIN)?;
    block_on(telemetry.shutdown_async(WITHIN))
}

#[test]
fn a_panic_goes_through_a_future_as_it_is() {
    let late = || async {
        if std::hint::black_box(true) {
            panic!("late");
        }
        Ok::<_, String>(1)
    };
    let caught = [
        catch_unwind(|| drop(block_on(telemetry::instrument(late(), "name").errors()))),
        catch_unwind(|| drop(block_on(telemetry::in_context(late())))),
        catch_unwind(|| drop(block_on(rpc::handler(late())))),
    ];
    for caught in caught {
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"late"));
    }
}

#[test]
fn futures_resolve_to_what_they_wrap() {
    let parent = Parent::root;
    let instrumented = telemetry::instrument(async { 1_u8 }, "name")
        .with_parent(parent())
        .with_kind(Kind::Producer)
        .named(never)
        .with(write)
        .on_output(|output, span| {
            span.set("output", u32::from(*output));
        });
    assert_eq!(block_on(instrumented), 1);
    let failing = async { Err::<u8, _>("refused") };
    assert_eq!(block_on(telemetry::instrument(failing, "name").errors()), Err("refused"));
    assert_eq!(block_on(telemetry::in_context(async { 2 }).with_parent(parent())), 2);

    let call = Call::method("say").cls_id("Echo").object_id("7");
    let answer = || ready(Ok::<u8, fmt::Error>(3));
    assert_eq!(block_on(rpc::dispatch(answer()).with_parent(parent()).errors()), Ok(3));
    let server = rpc::server(call, rpc::handler(answer())).with_parent(parent()).with(write);
    assert_eq!(block_on(server.error_kind(|_| "format")), Ok(3));
    assert_eq!(block_on(rpc::client(call, async { Err::<(), _>("late") })), Err("late"));
    assert!(matches!(block_on(rpc::handler(ready(Reply::Busy))), Reply::Busy));
}

/// A reply of the host's own making.
enum Reply {
    Busy,
    Done,
}

impl Outcome for Reply {
    type Error = &'static str;

    fn error(&self) -> Option<&&'static str> {
        matches!(self, Self::Busy).then_some(&"busy")
    }
}

#[test]
fn closures_return_what_they_return_and_may_borrow() {
    let mut calls = 0;
    let mut count = || {
        calls += 1;
        calls
    };
    assert_eq!(telemetry::in_context_fn(&mut count)(), 1);
    assert_eq!(rpc::handler_fn(|| Ok::<_, String>(count())), Ok(2));
    assert!(matches!(rpc::handler_fn(|| Reply::Done), Reply::Done));
    let thread = std::thread::spawn(telemetry::in_context_fn(|| 5));
    assert_eq!(thread.join().unwrap(), 5);
}

/// An output with no trait but `Outcome`.
type Plain = Result<Bare, String>;
struct Bare(#[allow(dead_code, reason = "only its type counts")] Rc<RefCell<&'static mut u8>>);

#[test]
fn a_wrapper_polls_and_drops_as_its_future_does() {
    fn check<F: Future>(wrap: impl Fn(Pin<Box<dyn Future<Output = Plain>>>) -> F) {
        let alive = Rc::new(());
        let held = Rc::clone(&alive);
        let mut waiting = Box::pin(wrap(Box::pin(async move {
            let _held = held;
            pending().await
        })));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
        assert_eq!(Rc::strong_count(&alive), 2);
        drop(waiting);
        assert_eq!(Rc::strong_count(&alive), 1);

        let wakers = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&wakers);
        let panicking = wrap(Box::pin(std::future::poll_fn(move |cx| {
            seen.borrow_mut().push(cx.waker().will_wake(Waker::noop()));
            panic!("of the host")
        })));
        let panic = catch_unwind(AssertUnwindSafe(|| block_on(panicking))).err();
        assert_eq!(panic.and_then(|panic| panic.downcast().ok()).as_deref(), Some(&"of the host"));
        assert_eq!(*wakers.borrow(), [true]);
    }
    check(|future| telemetry::instrument(future, "name"));
    check(telemetry::in_context);
    check(rpc::dispatch);
    check(|future| rpc::server(Call::method("say"), future));
    check(|future| rpc::client(Call::method("say"), future));
    check(rpc::handler);
}

#[test]
fn nothing_is_current_where_nothing_records() {
    let guard: SpanGuard = telemetry::span("scope").with_parent(Parent::root());
    let guard = guard.with_kind(Kind::Consumer).with(write);
    let current = telemetry::current();
    current.set("key", "value");
    current.with(write);
    assert!(!current.is_recording() && (current.trace_id(), current.span_id()) == (None, None));
    let parent = Parent::current().with_baggage("not a token", "value");
    assert_eq!((parent.trace_id(), parent.span_id(), parent.baggage("key")), (None, None, None));
    telemetry::inject(|_, _| never());
    drop(guard);
}

#[test]
fn carriers_of_nothing_give_a_root() {
    fn check(mut carrier: impl Inject + Extract) {
        telemetry::inject_into(&mut carrier);
        assert_eq!(carrier.get("traceparent"), None);
        assert!(telemetry::extract_from(&carrier).trace_id().is_none());
        carrier.set("TraceParent", "malformed");
        assert_eq!(carrier.get("traceparent"), Some("malformed"));
        carrier.each("traceparent", &mut |value| assert_eq!(value, "malformed"));
        assert!(telemetry::extract_from(&carrier as &dyn Extract).span_id().is_none());
        telemetry::inject_into(&mut carrier as &mut dyn Inject);
    }
    check(Vec::new());
    check(HashMap::<String, String>::new());
    check(BTreeMap::new());
    assert!(telemetry::extract(|_| None).trace_id().is_none());
    assert!(telemetry::extract(|_| Some("malformed")).trace_id().is_none());
    assert_eq!(TraceId(0xab).to_string(), format!("{}ab", "0".repeat(30)));
    assert_eq!(SpanId(0xab).to_string(), format!("{}ab", "0".repeat(14)));
}

static JOBS: Counter = telemetry::counter("jobs").with_unit("{job}").with_description("Done.");
static OPEN: UpDownCounter = telemetry::up_down_counter("open").with_unit("1").with_description("");
static HEAT: Gauge = telemetry::gauge("heat").with_unit("Cel").with_description("");
static SIZE: Histogram = telemetry::histogram("size").with_unit("By").with_description("");
static SPREAD: Histogram = telemetry::histogram("spread").with_boundaries(&[1.0, 10.0]);

#[test]
fn measurements_and_logs_are_taken_before_init() {
    let attributes = [("queue", Value::from("a"))];
    JOBS.bind(&attributes).add(1_u64, &attributes);
    OPEN.bind(&attributes).add(-1_i64, &[]);
    HEAT.bind(&[]).record(f64::NAN, &attributes);
    SIZE.bind(&[]).record(1.0, &[]);
    SPREAD.record(f64::INFINITY, &[("format", format_args!("{}", attributes.len()).into())]);
    rpc::payload(Direction::In, 1);
    rpc::payload(Direction::Out, usize::MAX);
    drop((rpc::storage("get"), rpc::session()));
    let extras = [("extra", 1_u64.into())];
    telemetry::forward_log(20, "message", "module", 7, "main", &extras);
    telemetry::log_error(40, "message", "module", 7, "main", &fmt::Error);
    let backtrace = Backtrace::disabled();
    telemetry::log_error_with(50, "message", "module", 7, "main", &fmt::Error, &backtrace);
    telemetry::forward_log_at(SystemTime::UNIX_EPOCH, -1, "", "", 0, "", &extras);
}
