//! The idea: a small RPC host; each of its requests is one trace across both sides of a link, is measured, and logs.
//!
//! With no variable set all of it is printed; with `OTEL_EXPORTER_OTLP_ENDPOINT` set it is sent there.
//! Run it: `cargo run --example quickstart --features telemetry`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program may print, the library never does"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{error, fmt};

use trackside::telemetry::rpc::{self, Call, Direction};
use trackside::telemetry::{self, Counter, Parent, Report, TelemetryConfig, Value};

/// An instrument of the host's own; the handle may be older than `init`.
static ACCESSES: Counter = telemetry::counter("store.accesses").with_unit("{access}");

#[tokio::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let telemetry = telemetry::init(
        TelemetryConfig::default()
            .or_console()
            .with_service_name("quickstart")
            .with_service_version("1.0.0")
            .on_diagnostic(|line| eprintln!("telemetry: {line}")),
    )?;
    let status = telemetry.status();
    for (name, signal) in
        [("traces", status.traces), ("metrics", status.metrics), ("logs", status.logs)]
    {
        if !signal.on {
            println!("no {name}: {}", signal.why);
        }
    }

    let _session = rpc::session();
    // Level, text, logger, line, thread and extras are what Python's `logging` knows of a record.
    let extras = [("port", Value::I64(7000)), ("secure", false.into())];
    telemetry::forward_log(20, "a client is here", "engine", 31, "MainThread", &extras);
    let engine = Arc::new(Engine::new());
    for (class, method, body) in
        [("Echo", "say", "hello"), ("Store", "get", "greeting"), ("Echo", "fail", "now")]
    {
        let reply = call(&engine, class, method, body).await;
        assert_eq!(reply.is_err(), method == "fail");
    }

    if let Err(error) = telemetry.shutdown(Duration::from_secs(5)) {
        eprintln!("{error}");
    }
    if let Some(endpoint) = endpoint(&telemetry.report()) {
        let status = telemetry.status();
        let [spans, points, logs] =
            [status.traces, status.metrics, status.logs].map(|signal| signal.delivered);
        println!("delivered {spans} spans, {points} points, {logs} logs to {endpoint}");
    }
    Ok(())
}

/// The base URL that the spans are sent to, if they are: what the variables came to.
fn endpoint(report: &Report) -> Option<String> {
    let report = report.to_string();
    let row = report.lines().find_map(|line| {
        let of = |setting| line.strip_prefix(setting);
        of("traces.otlp.endpoint ").or_else(|| of("traces.capnp.endpoint "))
    })?;
    Some(row.split_whitespace().next()?.trim_end_matches("/v1/traces").to_owned())
}

/// What crosses the link: the context travels in the headers.
struct Request {
    headers: Vec<(String, String)>,
    class: &'static str,
    method: &'static str,
    body: &'static str,
}

/// The calling side. The span of the call is current inside its future, so that is where headers are written.
async fn call(
    engine: &Arc<Engine>,
    class: &'static str,
    method: &'static str,
    body: &'static str,
) -> Result<String, TooLate> {
    let engine = Arc::clone(engine);
    rpc::client(Call::method(method).cls_id(class).object_id("7"), async move {
        let mut request = Request { headers: Vec::new(), class, method, body };
        telemetry::inject_into(&mut request.headers);
        // The link: another task, which knows of the caller only what the headers say.
        tokio::spawn(async move { engine.dispatch(request).await })
            .await
            .expect("the engine does not panic")
    })
    .error_kind(TooLate::kind)
    .await
}

/// The serving side, and what it keeps: a value, and the span that wrote it.
struct Engine {
    stored: Mutex<(String, Parent)>,
    /// Its attributes are resolved once, here.
    reads: Counter,
}

impl Engine {
    fn new() -> Self {
        Self { stored: Mutex::default(), reads: ACCESSES.bind(&[("operation", "get".into())]) }
    }

    async fn dispatch(&self, request: Request) -> Result<String, TooLate> {
        rpc::payload(Direction::In, request.body.len());
        let caller = telemetry::extract_from(&request.headers);
        let call = Call::method(request.method).cls_id(request.class).object_id("7");
        let handler = rpc::handler(self.handle(&request)).error_kind(TooLate::kind);
        rpc::dispatch(rpc::server(call, handler).error_kind(TooLate::kind))
            .with_parent(caller)
            .errors()
            .await
            .inspect(|reply| rpc::payload(Direction::Out, reply.len()))
    }

    async fn handle(&self, request: &Request) -> Result<String, TooLate> {
        match request.method {
            "say" => Ok(self.say(request.body)),
            "get" => Ok(self.get()),
            _ => {
                let extras = [("reply", Value::Bytes(&[0, 255]))];
                telemetry::forward_log(40, "too late", "engine", 77, "worker-1", &extras);
                Err(TooLate)
            }
        }
    }

    fn say(&self, text: &str) -> String {
        telemetry::current().with(|span| {
            span.set("text", text)
                .set("count", 3_i64)
                .set("ratio", 0.25)
                .set("cached", false)
                .set("bytes", text.as_bytes())
                .set("tags", &[Value::Str("first"), Value::Str("second")][..])
                .event("stored", &[("size", text.len().into())]);
        });
        let extras = [("size", text.len().into()), ("key", "greeting".into())];
        telemetry::forward_log(10, "stored", "engine.store", 12, "worker-1", &extras);
        ACCESSES.add(1, &[("operation", "put".into())]);
        *self.stored.lock().expect("nothing panics under this lock") =
            (text.to_owned(), Parent::current());
        text.to_owned()
    }

    fn get(&self) -> String {
        let stored = self.stored.lock().expect("nothing panics under this lock");
        let _span = telemetry::span("storage.get").with(|span| {
            span.link(&stored.1);
        });
        let _timer = rpc::storage("get");
        let tried = ["disk".into()];
        let extras = [("share", Value::F64(0.75)), ("tried", Value::Array(&tried))];
        telemetry::forward_log(30, "the cache is cold", "engine.store", 20, "worker-1", &extras);
        self.reads.add(1, &[]);
        stored.0.clone()
    }
}

/// The only way to fail here.
#[derive(Debug)]
struct TooLate;

impl TooLate {
    /// The bounded word that a chart can be grouped by; the text is for a person.
    fn kind(&self) -> &'static str {
        "timeout"
    }
}

impl fmt::Display for TooLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too late")
    }
}
