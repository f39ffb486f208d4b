//! Enabled is not started: a process that never calls `init`, or calls it with nothing configured,
//! gets no thread, no descriptor, no subscriber and not a byte of output.
//!
//! This program starts itself in several roles and looks at them from outside. The last two roles
//! have something configured, which shows that each of these would be seen.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::{Command, ExitCode, Output};
use std::time::Duration;

use trackside::telemetry::rpc::{self, Call, Direction};
use trackside::telemetry::{self, Counter, TelemetryConfig};

/// What a child has seen of itself, as bits of its exit code.
const THREAD: u8 = 1;
const DESCRIPTOR: u8 = 2;
const SUBSCRIBER: u8 = 4;
/// It could not play its role.
const FAILED: u8 = 128;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [child, role] = arguments.as_slice() {
        if child == "child" {
            return ExitCode::from(play(role).unwrap_or(FAILED));
        }
    }
    without_init_no_variable_counts();
    with_nothing_configured_init_is_silent();
    a_thread_that_the_system_refuses_is_an_error();
    the_console_would_be_seen();
    an_endpoint_would_be_seen();
    ExitCode::SUCCESS
}

fn without_init_no_variable_counts() {
    let listener = listen();
    let endpoint = endpoint(&listener);
    let seen = child(
        "untouched",
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_TRACES_EXPORTER", "otlp,console"),
            ("OTEL_TRACES_SAMPLER", "no sampler"),
            ("OTEL_BSP_SCHEDULE_DELAY", "1"),
            ("OTEL_LOG_LEVEL", "debug"),
        ],
    );
    assert_silent(&seen);
    assert!(!was_reached(&listener), "connected without init");
}

fn with_nothing_configured_init_is_silent() {
    assert_silent(&child("unconfigured", &[]));
    assert_silent(&child("unconfigured", &[("OTEL_SERVICE_NAME", "named")]));
    assert_silent(&child("unconfigured", &[("OTEL_TRACES_EXPORTER", "none")]));
    let listener = listen();
    let endpoint = endpoint(&listener);
    let disabled = [("OTEL_SDK_DISABLED", "true"), ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)];
    assert_silent(&child("unconfigured", &disabled));
    assert!(!was_reached(&listener), "connected although disabled");
}

/// Also in a host's async code, where nothing may be dropped that blocks.
fn a_thread_that_the_system_refuses_is_an_error() {
    let listener = listen();
    let endpoint = endpoint(&listener);
    // No system has a stack of 1 PiB to give.
    let no_threads =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("RUST_MIN_STACK", "1125899906842624")];
    assert_silent(&child("refused", &no_threads));
    assert!(!was_reached(&listener), "connected without a thread");
}

fn the_console_would_be_seen() {
    let seen = child("configured", &[("OTEL_TRACES_EXPORTER", "console")]);
    assert_eq!(seen.status.code(), Some(started()), "{seen:?}");
    assert!(String::from_utf8_lossy(&seen.stdout).contains("engine.dispatch"), "{seen:?}");
}

fn an_endpoint_would_be_seen() {
    let listener = listen();
    let seen = child("configured", &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint(&listener))]);
    assert_eq!(seen.status.code(), Some(started()), "{seen:?}");
    assert!(was_reached(&listener));
}

/// Starts this program in a role, with these `OTEL_*` variables only.
fn child(role: &str, variables: &[(&str, &str)]) -> Output {
    let program = std::env::current_exe().expect("a running program has a path");
    let mut command = Command::new(program);
    command.args(["child", role]);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_standard(name)) {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).output().expect("a program can start itself")
}

fn is_standard(name: &OsString) -> bool {
    name.to_string_lossy().to_ascii_uppercase().starts_with("OTEL_")
}

fn assert_silent(seen: &Output) {
    assert_eq!(seen.status.code(), Some(0), "1 thread, 2 descriptor, 4 subscriber: {seen:?}");
    assert!(seen.stdout.is_empty() && seen.stderr.is_empty(), "{seen:?}");
}

/// What a start leaves: the subscriber is ours, since this process has none of its own.
const fn started() -> i32 {
    if_linux(THREAD | DESCRIPTOR) | SUBSCRIBER as i32
}

/// Elsewhere a process cannot look at its threads and descriptors.
const fn if_linux(bits: u8) -> i32 {
    if cfg!(target_os = "linux") { bits as i32 } else { 0 }
}

fn listen() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.set_nonblocking(true).expect("a listener can be polled");
    listener
}

fn endpoint(listener: &TcpListener) -> String {
    format!("http://{}", listener.local_addr().expect("a bound listener has an address"))
}

/// Whether anybody has connected; the child is gone, so nobody is still about to.
fn was_reached(listener: &TcpListener) -> bool {
    match listener.accept() {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::WouldBlock => false,
        Err(error) => panic!("the listener failed: {error}"),
    }
}

/// One role, and what is different when it has been played.
fn play(role: &str) -> Option<u8> {
    if role == "refused" {
        // Where any crate of the tree asks for it, tokio keeps a pipe for signals, from the first runtime on.
        drop(tokio::runtime::Builder::new_current_thread().enable_all().build());
    }
    let before = Standing::now();
    use_everything();
    let telemetry = match role {
        "untouched" => None,
        "refused" => {
            let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
            let init = async { telemetry::init(TelemetryConfig::default()) };
            let error = runtime.block_on(init).err()?;
            error.to_string().contains("thread").then_some(None)?
        }
        "unconfigured" | "configured" => Some(telemetry::init(TelemetryConfig::default()).ok()?),
        _ => return None,
    };
    use_everything();
    let after = Standing::now();
    if let Some(telemetry) = telemetry {
        // The listener never answers, so the deadline is what ends it where one is configured.
        let done = telemetry.shutdown(Duration::from_millis(300));
        if role == "unconfigured" {
            done.ok()?;
        }
    }
    let mut bits = 0;
    for (differs, bit) in [
        (before.threads != after.threads, THREAD),
        (before.descriptors != after.descriptors, DESCRIPTOR),
        (tracing::dispatcher::has_been_set(), SUBSCRIBER),
    ] {
        bits |= if differs { bit } else { 0 };
    }
    Some(bits)
}

/// What the system says of this process; `None` where it does not say.
struct Standing {
    threads: Option<usize>,
    descriptors: Option<usize>,
}

impl Standing {
    fn now() -> Self {
        let count = |path| std::fs::read_dir(path).ok().map(Iterator::count);
        Self { threads: count("/proc/self/task"), descriptors: count("/proc/self/fd") }
    }
}

static JOBS: Counter = telemetry::counter("jobs");

fn use_everything() {
    let mut headers = vec![("traceparent".to_owned(), "malformed".to_owned())];
    let parent = telemetry::extract_from(&headers);
    let reply = async { Err::<(), _>("refused") };
    let call = rpc::server(Call::method("say"), rpc::handler(reply));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let replied = runtime
        .expect("a runtime without drivers needs nothing")
        .block_on(rpc::dispatch(telemetry::in_context(call)).with_parent(parent).errors());
    assert_eq!(replied, Err("refused"));
    let guard = telemetry::span("scope");
    telemetry::current().set("key", "value");
    telemetry::inject_into(&mut headers);
    drop((guard, rpc::session(), rpc::storage("get")));
    rpc::payload(Direction::In, 1);
    JOBS.add(1, &[]);
    telemetry::forward_log(50, "message", "module", 1, "main", &[]);
    telemetry::register_service("package", "Class");
}
