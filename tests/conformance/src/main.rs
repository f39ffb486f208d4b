//! Runs a host against the OpenTelemetry Collector and compares what the Collector holds, value by value.
//!
//! Exit code: 0 all values are equal, 1 they differ (each difference is listed), 2 the comparison could not be made.

mod collector;
mod comparison;
mod document;
mod expectation;
mod host;
mod logs;
mod metrics;
mod mutation;
mod otlp;
mod protocols;
mod receiver;
mod refused;
mod spans;
mod ways;

use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::{env, fs};

use serde_json::Value;

use collector::{Answers, Collector};
use comparison::Comparison;
use expectation::Temporality;
use host::Host;
use mutation::Changes;
use receiver::Receiver;

/// Why the comparison could not be made.
type Failure = String;

const USAGE: &str =
    "usage: conformance <collector> <quickstart> [--delta] [--json] [--limit N] [--expect-dropped] [--through TRACKSIDE]
       conformance <collector> <recorder> --refused [--delta]
       conformance <collector> <ways> --ways
       conformance <collector> <quickstart> --protocols
  --delta           starts the host with OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta
  --json            starts quickstart with OTEL_EXPORTER_OTLP_PROTOCOL=http/json
  --limit N         starts quickstart with OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=N
  --expect-dropped  expects N attributes a span at most, and the others in the dropped counts
  --through         starts `TRACKSIDE receive`, which the host sends Cap'n Proto to and which forwards it
  --script FILE     starts `TRACKSIDE FILE receive` instead
  --refused         a Collector that answers 503 first, and then one that takes everything
  --ways            one program, its telemetry in several ways: all are equal
  --protocols       quickstart by each protocol and compression of OTLP: all are equal";

struct Arguments {
    collector: PathBuf,
    host: PathBuf,
    temporality: Temporality,
    json: bool,
    limit: Option<usize>,
    expect_dropped: bool,
    through: Option<PathBuf>,
    script: Option<PathBuf>,
    refused: bool,
    ways: bool,
    protocols: bool,
}

impl Arguments {
    /// What the host is started with.
    fn variables(&self, endpoint: &str) -> Vec<(&'static str, String)> {
        let mut variables = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.to_owned())];
        if self.temporality == Temporality::Delta {
            let name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
            variables.push((name, "delta".to_owned()));
        }
        if self.json {
            variables.push(("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json".to_owned()));
        }
        if let Some(limit) = self.limit {
            variables.push(("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", limit.to_string()));
        }
        variables
    }
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(failure) => {
            eprintln!("conformance: {failure}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let directory = env::temp_dir().join(format!("trackside-conformance-{}", process::id()));
    let outcome = fs::create_dir_all(&directory)
        .map_err(|error| format!("cannot make {}: {error}", directory.display()))
        .and_then(|()| match (arguments.refused, arguments.ways, arguments.protocols) {
            (true, ..) => refused::run(&arguments, &directory),
            (_, true, _) => ways::run(&arguments, &directory),
            (.., true) => protocols::run(&arguments, &directory),
            _ => run(&arguments, &directory),
        });
    let _ = fs::remove_dir_all(&directory);
    match outcome {
        Ok(comparison) => report(&comparison),
        Err(failure) => {
            eprintln!("conformance: could not compare: {failure}");
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<Arguments, Failure> {
    let mut paths = Vec::new();
    let (mut limit, mut expect_dropped) = (None, false);
    let (mut refused, mut ways, mut protocols, mut json) = (false, false, false, false);
    let (mut through, mut script) = (None, None);
    let mut temporality = Temporality::Cumulative;
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--limit" => {
                let number = words.next().ok_or("--limit needs a number")?;
                let parsed =
                    number.parse().map_err(|_| format!("--limit {number}: not a number"))?;
                limit = Some(parsed);
            }
            "--expect-dropped" => expect_dropped = true,
            "--through" => {
                through = Some(words.next().ok_or("--through needs a path")?.into());
            }
            "--script" => {
                script = Some(words.next().ok_or("--script needs a path")?.into());
            }
            "--refused" => refused = true,
            "--ways" => ways = true,
            "--protocols" => protocols = true,
            "--json" => json = true,
            "--delta" => temporality = Temporality::Delta,
            flag if flag.starts_with('-') => return Err(format!("{flag}: no such option")),
            path => paths.push(PathBuf::from(path)),
        }
    }
    if expect_dropped && limit.is_none() {
        return Err("--expect-dropped needs --limit N".to_owned());
    }
    if script.is_some() && through.is_none() {
        return Err("--script needs --through".to_owned());
    }
    let [collector, host] = <[PathBuf; 2]>::try_from(paths)
        .map_err(|paths| format!("two paths are needed, {} given", paths.len()))?;
    Ok(Arguments {
        collector,
        host,
        temporality,
        json,
        limit,
        expect_dropped,
        through,
        script,
        refused,
        ways,
        protocols,
    })
}

fn run(arguments: &Arguments, directory: &Path) -> Result<Comparison, Failure> {
    let port = collector::free_port()?;
    let collector = Collector::start(&arguments.collector, directory, port, Answers::Accepted)?;
    let script = arguments.script.as_deref();
    let start = |binary| Receiver::start(binary, script, collector.endpoint(), directory);
    let receiver = arguments.through.as_deref().map(start).transpose()?;
    let endpoint = receiver.as_ref().map_or(collector.endpoint(), Receiver::endpoint).to_owned();
    let host = Host::start(&arguments.host, &arguments.variables(&endpoint), directory)?;
    let ran = host.finish()?;
    receiver.map(Receiver::stop).transpose()?;
    let received = document::stated(&collector.stop()?);

    let limit = arguments.limit.filter(|_| arguments.expect_dropped);
    let expected = expectation::load(limit, arguments.temporality)?;
    let compare = |received: &[Value]| {
        let mut comparison = Comparison::default();
        let found = document::read(received, &ran.ran, &mut comparison);
        comparison.documents(&expected, &found);
        comparison
    };
    let mut comparison = compare(&received);
    let [spans, points, logs] = counts(&received);
    let said = format!("delivered {spans} spans, {points} points, {logs} logs to {endpoint}");
    comparison.text("last line of quickstart", &said, ran.output.lines().last().unwrap_or(""));
    if comparison.differences.is_empty() {
        let noticed = |changed: &[Value]| !compare(changed).differences.is_empty();
        let mut changes = Changes::default();
        changes.of_values(&received, noticed);
        changes.of_documents(&received, noticed);
        println!("made {} changes, one at a time", changes.tried);
        comparison.differences.extend(changes.unnoticed);
    }
    Ok(comparison)
}

/// Spans, points and log records of all requests.
fn counts(requests: &[Value]) -> [usize; 3] {
    let points = metrics::metrics(requests).flat_map(|(_, metric)| metrics::points(metric));
    [spans::spans(requests).count(), points.count(), logs::records(requests).count()]
}

fn report(comparison: &Comparison) -> ExitCode {
    for difference in &comparison.differences {
        println!("different: {difference}");
    }
    println!("compared {} values", comparison.compared);
    match comparison.differences.len() {
        0 => {
            println!("conformance: equal");
            ExitCode::SUCCESS
        }
        count => {
            println!("conformance: {count} differences");
            ExitCode::from(1)
        }
    }
}
