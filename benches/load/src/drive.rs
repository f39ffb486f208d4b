//! All variants in turn, round after round, each in processes of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::child::Child;
use crate::record::Record;
use crate::row::Row;
use crate::variant::{VARIANTS, Variant};
use crate::{Result, USAGE, table, work};

/// The work of a handler.
const HANDLER: Duration = Duration::from_micros(100);

struct Settings {
    /// The build that knows no telemetry; client and sink are of it, too.
    without: PathBuf,
    rounds: usize,
    seconds: f64,
    /// For each thread of the server.
    in_flight: usize,
    iterations: u64,
    record: Option<String>,
    /// What is dropped and counted is no failure.
    may_drop: bool,
}

impl Settings {
    fn parse(arguments: &[&str]) -> Result<Self> {
        let (mut without, mut iterations) = (None, None);
        let (mut rounds, mut seconds, mut in_flight, mut record) = (12, 4.0, 4, None);
        let mut may_drop = false;
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            if *word == "--may-drop" {
                may_drop = true;
                continue;
            }
            let value = *words.next().ok_or_else(|| format!("{word} wants a value; {USAGE}"))?;
            match *word {
                "--without" => without = Some(PathBuf::from(value)),
                "--rounds" => rounds = value.parse()?,
                "--seconds" => seconds = value.parse()?,
                "--in-flight" => in_flight = value.parse()?,
                "--iterations" => iterations = Some(value.parse()?),
                "--record" => record = Some(value.to_owned()),
                other => return Err(format!("there is no {other}; {USAGE}").into()),
            }
        }
        let without = without.ok_or_else(|| format!("--without is missing; {USAGE}"))?;
        let iterations = iterations.unwrap_or_else(|| work::calibrated(HANDLER));
        Ok(Self { without, rounds, seconds, in_flight, iterations, record, may_drop })
    }

    fn command(&self) -> String {
        let Self { rounds, seconds, in_flight, .. } = self;
        format!("scripts/bench-load --rounds {rounds} --seconds {seconds} --in-flight {in_flight}")
    }
}

pub fn run(arguments: &[&str]) -> Result<()> {
    let settings = Settings::parse(arguments)?;
    let with = std::env::current_exe()?;
    let mut record = match &settings.record {
        Some(file) => Some(Record::create(file, &Row::heading(), &settings.command())?),
        None => None,
    };
    let mut rows = Vec::new();
    for round in 0..settings.rounds {
        eprintln!("load-bench: round {} of {}", round + 1, settings.rounds);
        // Each in each place.
        for place in 0..VARIANTS.len() {
            let variant = VARIANTS[(place + round) % VARIANTS.len()];
            let row = measured(&settings, variant, &with, round)
                .map_err(|error| format!("{}: {error}", variant.name))?;
            if let Some(record) = &mut record {
                record.row(&row.text())?;
            }
            rows.push(row);
        }
    }
    if let Some(record) = record {
        record.finish()?;
    }
    if settings.may_drop {
        // No figure of such a run is one to compare.
        let sum = |column| rows.iter().map(|row| row.of(column)).sum::<f64>();
        let dropped: f64 = rows.iter().map(|row| row.dropped[0]).sum();
        let (submitted, delivered) = (sum("submitted"), sum("delivered"));
        println!(
            "load-bench: {submitted} spans, {delivered} delivered, {dropped} counted as dropped"
        );
    } else {
        table::print(&rows);
    }
    let is_wrong = |row: &&Row| if settings.may_drop { row.is_uncounted() } else { row.is_wrong() };
    let wrong: Vec<String> = rows.iter().filter(is_wrong).map(Row::text).collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        let heading = Row::heading();
        let wrong = wrong.join("\n");
        let what = if settings.may_drop { "delivered or counted as dropped" } else { "delivered" };
        Err(format!("not everything that was submitted was {what}:\n{heading}\n{wrong}").into())
    }
}

fn measured(settings: &Settings, variant: Variant, with: &Path, round: usize) -> Result<Row> {
    let mut command = Command::new(&settings.without);
    command.arg("sink");
    let (mut sink, address) = Child::start(command, "sink")?;
    let address = address.first().ok_or("a sink without an address")?;

    let mut command =
        Command::new(if variant.is_compiled_in { with } else { settings.without.as_path() });
    command.args(["server", &settings.iterations.to_string()]);
    command.arg(if variant.sampling.is_some() { "started" } else { "plain" });
    command.envs(variant.variables(address));
    let (mut server, addresses) = Child::start(command, "server")?;

    let mut command = Command::new(&settings.without);
    command.args(["client", &settings.seconds.to_string(), &settings.in_flight.to_string()]);
    command.args([server.id().to_string(), sink.id().to_string()]).args(&addresses);
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let &[calls, measured, wall, p50, p90, p99, p999, server_cpu, client_cpu, sink_cpu, busy] =
        &numbers(text.split_whitespace())?[..]
    else {
        return Err(format!("the client printed {text:?}").into());
    };

    let says = server.ask()?;
    let is_compiled_in = says.get(1).is_some_and(|word| word == "true");
    if is_compiled_in != variant.is_compiled_in {
        return Err("the wrong build: is --without one without the feature telemetry?".into());
    }
    let says = numbers(says.iter().map(String::as_str).filter(|word| word.parse::<f64>().is_ok()))?;
    let &[answered, spans_dropped, points_dropped, points] = &says[..] else {
        return Err(format!("the server printed {says:?}").into());
    };
    if spans_dropped + points_dropped > 0.0 {
        eprintln!(
            "load-bench: {}: the server dropped {spans_dropped} spans and {points_dropped} points",
            variant.name
        );
    }
    let taken = sink.ask()?;
    let &[spans, points_taken, records] = &numbers(taken.iter().map(String::as_str))?[..] else {
        return Err(format!("the sink printed {taken:?}").into());
    };
    if answered != calls {
        return Err(format!("{answered} calls were answered, and {calls} came back").into());
    }
    let (of_spans, of_metrics) = (variant.spans() as f64, variant.metric_records() as f64);
    Ok(Row::new(
        variant.name,
        [spans_dropped, points_dropped],
        [
            round as f64,
            settings.seconds,
            addresses.len() as f64,
            settings.in_flight as f64,
            settings.iterations as f64,
            measured / wall,
            p50,
            p90,
            p99,
            p999,
            server_cpu,
            client_cpu,
            sink_cpu,
            busy,
            answered,
            of_spans,
            answered * of_spans,
            spans,
            answered * of_metrics,
            records,
            points,
            points_taken,
        ],
    ))
}

fn numbers<'a>(words: impl Iterator<Item = &'a str>) -> Result<Vec<f64>> {
    Ok(words.map(str::parse).collect::<std::result::Result<_, _>>()?)
}
