//! The idea: a small RPC host, and each of its requests is one trace across both sides of a link.
//!
//! With no variable set the traces are printed; with `OTEL_EXPORTER_OTLP_ENDPOINT` set they are sent there.
//! Run it: `cargo run --example quickstart --features telemetry`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program may print, the library never does"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{error, fmt};

use trackside::telemetry::rpc::{self, Call};
use trackside::telemetry::{self, Parent, Report, TelemetryConfig, Value};

#[tokio::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let telemetry = telemetry::init(
        TelemetryConfig::default()
            .or_console()
            .with_service_name("quickstart")
            .with_service_version("1.0.0")
            .on_diagnostic(|line| eprintln!("telemetry: {line}")),
    )?;
    let traces = telemetry.status().traces;
    if !traces.on {
        println!("no traces: {}", traces.why);
    }

    let engine = Arc::new(Engine::default());
    for (class, method) in [("Echo", "say"), ("Store", "get"), ("Echo", "fail")] {
        let reply = call(&engine, class, method).await;
        assert_eq!(reply.is_err(), method == "fail");
    }

    if let Err(error) = telemetry.shutdown(Duration::from_secs(5)) {
        eprintln!("{error}");
    }
    if let Some(endpoint) = endpoint(&telemetry.report()) {
        let delivered = telemetry.status().traces.delivered;
        println!("delivered {delivered} spans to {endpoint}");
    }
    Ok(())
}

/// The base URL that the spans are sent to, if they are: what the variables came to.
fn endpoint(report: &Report) -> Option<String> {
    let report = report.to_string();
    let row = report.lines().find_map(|line| line.strip_prefix("traces.otlp.endpoint "))?;
    Some(row.split_whitespace().next()?.trim_end_matches("/v1/traces").to_owned())
}

/// What crosses the link: the context travels in the headers.
struct Request {
    headers: Vec<(String, String)>,
    class: &'static str,
    method: &'static str,
}

/// The calling side. The span of the call is current inside its future, so that is where headers are written.
async fn call(
    engine: &Arc<Engine>,
    class: &'static str,
    method: &'static str,
) -> Result<String, TooLate> {
    let engine = Arc::clone(engine);
    rpc::client(Call::method(method).cls_id(class).object_id("7"), async move {
        let mut request = Request { headers: Vec::new(), class, method };
        telemetry::inject_into(&mut request.headers);
        // The link: another task, which knows of the caller only what the headers say.
        tokio::spawn(async move { engine.dispatch(request).await })
            .await
            .expect("the engine does not panic")
    })
    .error_kind(TooLate::kind)
    .await
}

/// The serving side, and what it keeps: a value, and the trace that wrote it.
#[derive(Default)]
struct Engine {
    stored: Mutex<(String, Parent)>,
}

impl Engine {
    async fn dispatch(&self, request: Request) -> Result<String, TooLate> {
        let caller = telemetry::extract_from(&request.headers);
        let call = Call::method(request.method).cls_id(request.class).object_id("7");
        let handler = rpc::handler(self.handle(request.method)).error_kind(TooLate::kind);
        rpc::dispatch(rpc::server(call, handler).error_kind(TooLate::kind))
            .with_parent(caller)
            .errors()
            .await
    }

    async fn handle(&self, method: &str) -> Result<String, TooLate> {
        match method {
            "say" => Ok(self.say("hello")),
            "get" => Ok(self.get()),
            _ => Err(TooLate),
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
        *self.stored.lock().expect("nothing panics under this lock") =
            (text.to_owned(), Parent::current());
        text.to_owned()
    }

    fn get(&self) -> String {
        let stored = self.stored.lock().expect("nothing panics under this lock");
        let _span = telemetry::span("storage.get").with(|span| {
            span.link(&stored.1);
        });
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
