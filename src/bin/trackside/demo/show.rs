//! The play itself: a receiver in this process, a host and a client in two others.

use std::env;
use std::error::Error;
use std::io::{self, IsTerminal as _, Write as _, stdout};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::ctrl_c;
use trackside::receive::{Address, Counts, Receiver, Sink, SinkCounts};

use super::child::Child;

/// Where the telemetry of a host goes; here what the receiver gets goes there too.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// The trace is drawn when the host has ended, long before it has been silent for so long.
const QUIET: Duration = Duration::from_secs(60);
const SHUTDOWN: Duration = Duration::from_secs(5);

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let color = stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let console = Sink::console(color).with_quiet(QUIET);
    let mut receiver = Receiver::builder()
        .listen("127.0.0.1:0")
        .threads(1)
        .sink(console)
        .on_diagnostic(crate::say);
    let forward = env::var(ENDPOINT).ok().filter(|endpoint| !endpoint.trim().is_empty());
    if let Some(endpoint) = &forward {
        if !endpoint.trim_start().starts_with("http") {
            let remedy = "the demo forwards over HTTP; set http://localhost:4318, or unset it";
            return Err(format!("{ENDPOINT}: {remedy}").into());
        }
        receiver = receiver.forward(endpoint);
    }
    let receiver = receiver.start()?;
    let [Address::Tcp(address)] = receiver.addresses() else {
        return Err("the receiver listens nowhere".into());
    };
    let endpoint = format!("capnp://{address}");
    let played = Builder::new_current_thread().enable_all().build()?.block_on(async {
        tokio::select! {
            played = play(&endpoint) => played,
            _ = ctrl_c() => Err("interrupted".into()),
        }
    });
    // Whatever came of it, what has arrived is shown.
    let ended = receiver.shutdown(SHUTDOWN);
    played?;
    let counts = receiver.counts();
    report(&counts, forward.is_some())?;
    match counts.lost() {
        0 => ended.map(drop).map_err(Into::into),
        lost => Err(format!("{lost} items did not get to where they were sent").into()),
    }
}

async fn play(endpoint: &str) -> Result<(), Box<dyn Error>> {
    let mut host = Child::start("host", "127.0.0.1:0", endpoint)?;
    let address = host.says("serving ").await?;
    let client = Child::start("client", &address, endpoint)?;
    let mut out = stdout();
    writeln!(out, "receiver: process {} at {endpoint}", std::process::id())?;
    writeln!(out, "host:     process {} at {address}, sends to the receiver", host.id())?;
    writeln!(out, "client:   process {}, calls the host, sends to the receiver\n", client.id())?;
    client.end().await?;
    host.end().await
}

fn report(counts: &Counts, is_forwarded: bool) -> io::Result<()> {
    let mut out = stdout().lock();
    let [traces, metrics, logs] = [counts.traces, counts.metrics, counts.logs];
    let not_taken = [traces, metrics, logs].map(|of| of.announced - of.taken).iter().sum::<u64>();
    let [spans, points, records] = [traces, metrics, logs].map(|of| of.taken);
    writeln!(
        out,
        "received: {spans} spans, {points} points, {records} log records; not taken: {not_taken}"
    )?;
    for SinkCounts { name, traces, metrics, logs, last_error, .. } in &counts.sinks {
        let [spans, points, records] = [traces, metrics, logs].map(|of| of.forwarded);
        write!(out, "to {name}: {spans} spans, {points} points, {records} log records")?;
        // What went wrong and was made good is no news.
        let is_all = [traces, metrics, logs].iter().all(|of| of.forwarded == of.received);
        match last_error {
            Some(error) if !is_all => writeln!(out, "; {error}")?,
            _ => writeln!(out)?,
        }
    }
    if !is_forwarded {
        writeln!(out, "To see the same in your collector, set {ENDPOINT}=http://localhost:4318")?;
    }
    Ok(())
}
