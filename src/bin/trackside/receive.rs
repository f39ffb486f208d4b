//! `trackside receive`.

use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use trackside::receive::{self, Builder, Counts, Receiver, Running, Sink};
use trackside::telemetry::{self, TelemetryConfig};

use crate::{say, signals};

/// For the receiver's own telemetry, once the receiver has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(crate) struct Arguments {
    /// Where to listen: 127.0.0.1:4319, [::1]:4319 or unix:/path; repeatable [default: 127.0.0.1:4319]
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// A collector that all is sent to, as OTLP over HTTP: http://host:4318; repeatable
    #[arg(long, value_name = "URL")]
    forward: Vec<String>,
    /// A file with headers for the collectors, a line each: `name: value`
    #[arg(long, value_name = "FILE")]
    forward_headers: Option<PathBuf>,
    /// Compress what is sent to collectors with gzip
    #[arg(long)]
    forward_gzip: bool,
    /// A file with bearer tokens that are taken, a line each, read again when it changes; repeatable
    #[arg(long, value_name = "FILE")]
    token_file: Vec<PathBuf>,
    /// A PEM file with the authorities of the collectors' certificates [default: the system's]
    #[arg(long, value_name = "FILE")]
    forward_certificate: Option<PathBuf>,
    /// A PEM file with a certificate: listen with TLS (capnps://)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// A PEM file with the certificate's key
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// A PEM file with authorities: only clients that show a certificate of theirs are taken
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_client_ca: Option<PathBuf>,
    /// What it means that a batch was accepted
    #[arg(long, value_enum, default_value = "memory")]
    durability: Durability,
    /// Print what comes: traces as trees across processes, metrics, logs
    #[arg(long)]
    console: bool,
    /// Seconds that a trace is silent before it is printed
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    console_quiet: Duration,
    /// A directory for traces.jsonl, metrics.jsonl and logs.jsonl
    #[arg(long, value_name = "DIRECTORY")]
    file: Option<PathBuf>,
    /// Read every field of what comes and count it; the count is said at the end
    #[arg(long)]
    count: bool,
    /// Where to answer HTTP requests for /healthz and /readyz: 127.0.0.1:8080
    #[arg(long, value_name = "ADDRESS")]
    health: Option<String>,
    /// Threads that serve connections [default: one for each core]
    #[arg(long, value_name = "NUMBER")]
    threads: Option<usize>,
    /// Connections at one time
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000)]
    max_connections: usize,
    /// Seconds that a connection has to log in, its handshake included
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    login_timeout: Duration,
    /// Seconds after which a connection is asked to go
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    max_age: Duration,
    /// Seconds that the end may take, after SIGTERM or SIGINT; a second signal ends it at once
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    drain: Duration,
}

#[derive(Clone, Copy, ValueEnum)]
enum Durability {
    /// It is queued; a receiver that is killed loses it
    Memory,
    /// It is on disk; not there yet
    Disk,
    /// Every collector and file has it
    Forwarded,
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let (drain, counts) = (arguments.drain, arguments.count);
    let builder = builder(arguments)?;
    let own = TelemetryConfig::default().with_fallback_name("trackside-receiver");
    let telemetry = telemetry::init(own)?;
    let signals = signals::watch()?;
    let receiver = builder.start()?;
    receiver.observe();
    announce(&receiver)?;
    let signal = signals.recv()?;
    say(&format!("{signal}: no new connections; the end takes {drain:?} at most"));
    let ended = match end(receiver, drain, &signals) {
        Ok(taken) if counts => say_counts(&taken).map_err(Into::into),
        ended => ended.map(drop),
    };
    // What it has to say of itself is no reason to fail.
    if let Err(error) = telemetry.shutdown(LAST_WORDS) {
        say(&error.to_string());
    }
    ended
}

/// A line for each listener, once it listens.
fn announce(receiver: &Running) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for address in receiver.addresses() {
        writeln!(out, "listening at {address}")?;
    }
    if let Some(address) = receiver.health_address() {
        writeln!(out, "health at http://{address}/readyz")?;
    }
    out.flush()
}

/// What `--count` is for.
fn say_counts(counts: &Counts) -> io::Result<()> {
    let [spans, points, logs] =
        [counts.traces, counts.metrics, counts.logs].map(|signal| signal.taken);
    let mut out = io::stdout().lock();
    writeln!(out, "counted {spans} spans, {points} points, {logs} log records")?;
    out.flush()
}

/// Shuts down within `drain`; another signal cuts it short.
fn end(
    receiver: Running,
    drain: Duration,
    signals: &mpsc::Receiver<&'static str>,
) -> Result<Counts, Box<dyn Error>> {
    let (done, is_done) = mpsc::channel();
    let shut_down = move || drop(done.send(receiver.shutdown(drain)));
    std::thread::Builder::new().name("trackside-shutdown".into()).spawn(shut_down)?;
    loop {
        match is_done.recv_timeout(Duration::from_millis(50)) {
            Ok(ended) => return ended.map_err(Into::into),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err("the shutdown ended without a word".into());
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if let Ok(signal) = signals.try_recv() {
            return Err(format!("{signal} again: ended at once").into());
        }
    }
}

fn builder(arguments: Arguments) -> Result<Builder, Box<dyn Error>> {
    if arguments.forward.is_empty()
        && arguments.file.is_none()
        && !arguments.console
        && !arguments.count
    {
        return Err(
            "there is nowhere to send to: give --forward URL, --file DIRECTORY, --console or --count".into(),
        );
    }
    let mut builder = Receiver::builder()
        .durability(match arguments.durability {
            Durability::Memory => receive::Durability::Memory,
            Durability::Disk => receive::Durability::Disk,
            Durability::Forwarded => receive::Durability::Forwarded,
        })
        .max_connections(arguments.max_connections)
        .login_timeout(arguments.login_timeout)
        .max_connection_age(arguments.max_age)
        .show_diagnostics(true);
    for address in &arguments.listen {
        builder = builder.listen(address);
    }
    if let (Some(certificate), Some(key)) = (&arguments.tls_certificate, &arguments.tls_key) {
        builder = builder.tls(certificate, key);
    }
    if let Some(authorities) = &arguments.tls_client_ca {
        builder = builder.client_certificates(authorities);
    }
    for path in &arguments.token_file {
        builder = builder.token_file(path);
    }
    let headers = arguments.forward_headers.as_deref().map(headers).transpose()?;
    for url in &arguments.forward {
        let sink = Sink::forward(url).with_gzip(arguments.forward_gzip);
        let sink = match &arguments.forward_certificate {
            Some(path) => sink.with_certificate(path),
            None => sink,
        };
        let headers = headers.iter().flatten();
        builder =
            builder.sink(headers.fold(sink, |sink, (name, value)| sink.with_header(name, value)));
    }
    if let Some(directory) = arguments.file {
        builder = builder.sink(Sink::files(directory));
    }
    if arguments.console {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = !no_color && io::stdout().is_terminal();
        builder = builder.sink(Sink::console(color).with_quiet(arguments.console_quiet));
    }
    if arguments.count {
        builder = builder.sink(Sink::counting());
    }
    if let Some(address) = &arguments.health {
        builder = builder.health(address);
    }
    if let Some(threads) = arguments.threads {
        builder = builder.threads(threads);
    }
    Ok(builder)
}

fn headers(path: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let mut headers = Vec::new();
    for line in lines(path)? {
        let Some((name, value)) = line.split_once(':') else {
            let path = path.display();
            return Err(format!("--forward-headers {path}: a line is no `name: value`").into());
        };
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(headers)
}

/// The lines of a file that say something; never shown.
fn lines(path: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let lines = text.lines().map(str::trim);
    Ok(lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
