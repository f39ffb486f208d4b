//! Runs `quickstart` against the OpenTelemetry Collector and compares what the Collector holds, value by value.
//!
//! Exit code: 0 all values are equal, 1 they differ (each difference is listed), 2 the comparison could not be made.

mod collector;
mod comparison;
mod document;
mod expectation;
mod host;
mod mutation;

use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::{env, fs};

use serde_json::Value;

use collector::Collector;
use comparison::Comparison;

/// Why the comparison could not be made.
type Failure = String;

const USAGE: &str = "usage: conformance <collector> <quickstart> [--limit N] [--expect-dropped]
  --limit N         starts quickstart with OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=N
  --expect-dropped  expects N attributes a span at most, and the others in the dropped counts";

struct Arguments {
    collector: PathBuf,
    quickstart: PathBuf,
    limit: Option<usize>,
    expect_dropped: bool,
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
        .and_then(|()| run(&arguments, &directory));
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
            flag if flag.starts_with('-') => return Err(format!("{flag}: no such option")),
            path => paths.push(PathBuf::from(path)),
        }
    }
    if expect_dropped && limit.is_none() {
        return Err("--expect-dropped needs --limit N".to_owned());
    }
    let [collector, quickstart] = <[PathBuf; 2]>::try_from(paths)
        .map_err(|paths| format!("two paths are needed, {} given", paths.len()))?;
    Ok(Arguments { collector, quickstart, limit, expect_dropped })
}

fn run(arguments: &Arguments, directory: &Path) -> Result<Comparison, Failure> {
    let collector = Collector::start(&arguments.collector, directory)?;
    let host = host::run(&arguments.quickstart, collector.endpoint(), arguments.limit, directory)?;
    let endpoint = collector.endpoint().to_owned();
    let received = collector.stop()?;

    let expected = expectation::load(arguments.limit.filter(|_| arguments.expect_dropped))?;
    let compare = |received: &[Value]| {
        let mut comparison = Comparison::default();
        let found = document::read(received, &host.ran, &mut comparison);
        comparison.documents(&expected, &found);
        comparison
    };
    let mut comparison = compare(&received);
    let said = format!("delivered {} spans to {endpoint}", document::spans(&received).count());
    comparison.text("last line of quickstart", &said, &host.last_line);
    if comparison.differences.is_empty() {
        let changed =
            mutation::unnoticed(&received, |changed| !compare(changed).differences.is_empty());
        println!("changed {} values one at a time", changed.tried);
        comparison.differences.extend(changed.unnoticed);
    }
    Ok(comparison)
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
