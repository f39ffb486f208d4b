//! The engine: takes a request off the wire and sees it through.

use trackside::telemetry::{self, Counter, Gauge, Kind, UpDownCounter, Value};

use crate::counting::never;
use crate::{Refusal, Request, rpc};

static RUNS: Counter = telemetry::counter("engine.runs").with_unit("{run}");
static QUEUED: UpDownCounter = telemetry::up_down_counter("engine.queued");
static LOAD: Gauge = telemetry::gauge("engine.load").with_description("Share of busy workers.");

/// Runs one request below the span that its headers name.
///
/// # Errors
/// What the handler refused.
pub async fn dispatch(request: Request) -> Result<usize, Refusal> {
    QUEUED.add(1, &[]);
    let parent = telemetry::extract_from(&request.headers);
    let reply = telemetry::rpc::dispatch(rpc::serve(&request)).with_parent(parent).errors().await;
    RUNS.add(1, &[("failed", reply.is_err().into())]);
    QUEUED.add(-1, &[]);
    reply
}

/// One run of the engine that no request asked for.
pub async fn tick(loaded: f64) -> u64 {
    LOAD.record(loaded, &[]);
    telemetry::instrument(async { 1 }, "engine.tick")
        .with_kind(Kind::Internal)
        .named(|| format!("engine.tick {}", never::<u64>()))
        .with(|span| {
            span.set("load", loaded).event("begun", &[("at", Value::F64(never()))]);
        })
        .on_output(|ticks, span| {
            span.set("ticks", *ticks).set("text", format_args!("{}", never::<u64>()));
        })
        .await
}

/// Work that is done elsewhere: a closure for a thread, a future for a task.
pub fn elsewhere(request: Request) -> impl FnOnce() -> Result<usize, Refusal> + Send {
    telemetry::in_context_fn(move || crate::block_on(telemetry::in_context(dispatch(request))))
}
