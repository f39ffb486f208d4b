//! What the façade costs a host: with the feature off nothing; with it on, nothing before `init`.

use std::collections::HashMap;
use std::future::{Future, ready};
use std::time::Duration;

use host::counting::{allocations, never};
use host::rpc::Connection;
use host::{Refusal, Request, block_on, calling, engine, threads};
use trackside::telemetry::rpc::{self, Call};
use trackside::telemetry::{self, Counter, Parent, TelemetryConfig, Value};

static JOBS: Counter = telemetry::counter("jobs");

/// Every call that is made while a request is served, and the others of the façade.
fn use_everything(headers: &mut HashMap<String, String>) {
    assert_eq!(block_on(calling::length(2)), Ok(20));
    assert_eq!(block_on(calling::length(3)), Err(Refusal::Missing(3)));
    assert_eq!(block_on(engine::tick(0.25)), 1);
    assert_eq!(engine::elsewhere(Request { key: 1, ..Request::default() })(), Ok(6));
    drop(Connection::open());

    let guard = telemetry::span("scope").with_parent(Parent::current());
    telemetry::current().with(|_| never());
    telemetry::inject(|_, _| never());
    telemetry::inject_into(headers);
    drop((guard, telemetry::extract_from(headers), telemetry::extract(|_| None)));
    JOBS.add(1, &[("n", format_args!("{}", headers.len()).into())]);
}

/// What a host does once, and what a mode that is on has to remember.
fn set_up() {
    let bound = JOBS.bind(&[("queue", Value::Str("a"))]);
    bound.add(1, &[]);
    telemetry::register_service("package", "Class");
}

/// The size of a future, bare and in each wrapper.
fn sizes<F: Future<Output = Result<u8, Refusal>>>(make: impl Fn() -> F) -> [usize; 8] {
    let call = Call::method("length");
    [
        size_of_val(&make()),
        size_of_val(&telemetry::instrument(make(), "x")),
        size_of_val(&telemetry::instrument(make(), "x").with_parent(Parent::root()).errors()),
        size_of_val(&telemetry::in_context(make())),
        size_of_val(&rpc::dispatch(make())),
        size_of_val(&rpc::server(call, make()).error_kind(Refusal::kind)),
        size_of_val(&rpc::client(call, make())),
        size_of_val(&rpc::handler(make())),
    ]
}

// One test only: another one's thread would be counted.
#[test]
fn it_costs_nothing_off_and_nothing_before_init() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1, "the allocator counts");
    let before = threads();
    let mut headers = HashMap::new();
    assert_eq!(allocations(|| use_everything(&mut headers)), 0, "before init");
    assert!(headers.is_empty());
    set_up();
    assert_eq!(threads(), before);

    if TelemetryConfig::default().resolve().to_string() == "telemetry: compiled out" {
        let mut handle = None;
        let init = || handle = telemetry::init(TelemetryConfig::default().or_console()).ok();
        assert_eq!(allocations(init), 0, "init");
        assert_eq!(allocations(|| use_everything(&mut headers)), 0, "after init");
        assert_eq!(allocations(set_up), 0, "set-up");
        let handle = handle.expect("init cannot fail where it is compiled out");
        let shutdown = || assert!(handle.shutdown(Duration::ZERO).is_ok());
        assert_eq!(allocations(shutdown), 0, "shutdown");

        let array = [0_u8; 24];
        for [bare, wrapped @ ..] in
            [sizes(|| ready(Ok(1))), sizes(|| async { Ok(ready(array).await[0]) })]
        {
            assert_eq!(wrapped, [bare; 7]);
        }
        assert_eq!(size_of_val(&telemetry::span("x")), 0);
    }
}
