//! All variants of all cases, interleaved: whatever else the machine does falls on each of them.

use std::process::Command;

use crate::Result;
use crate::case::{Case, VARIANTS, Variant};
use crate::exporters::Sender;
use crate::record::{Record, median};
use crate::server::Server;

/// What one process measured, for each span.
#[derive(Clone, Copy, Debug)]
struct Measured {
    client: f64,
    server: f64,
    wall: f64,
    sent: f64,
    answered: f64,
}

/// All rounds of one case and one variant.
struct Row {
    case: Case,
    variant: Variant,
    rounds: Vec<Measured>,
    submitted: u64,
    delivered: u64,
}

struct Servers {
    capnp: Server,
    grpc: Server,
    http: Server,
}

const COLUMNS: &str = "exporter,format,compression,batch,attributes,events_and_links,rounds,submitted,delivered,\
    client_cpu_ns_per_span,server_cpu_ns_per_span,wall_ns_per_span,bytes_per_span,answer_bytes_per_span";

/// `FILE [--quick | --ends [ROUNDS]]`.
pub fn run(file: &str, arguments: &[&str]) -> Result<()> {
    let (batches, rounds, millis): (&[usize], _, _) = match *arguments {
        ["--quick"] => (&[1, 100, 512], 3, 25),
        // What scripts/bench has of it.
        ["--ends"] => (&[512], 5, 60),
        ["--ends", rounds] => (&[512], rounds.parse()?, 60),
        _ => (&[1, 10, 100, 512, 1000], 5, 60),
    };
    let mut servers = Servers {
        capnp: Server::start("capnp", &[])?,
        grpc: Server::start("grpc", &[])?,
        http: Server::start("http", &[])?,
    };
    let mut rows: Vec<Row> = Vec::new();
    for case in Case::all(batches) {
        let new = |variant| Row { case, variant, rounds: Vec::new(), submitted: 0, delivered: 0 };
        rows.extend(VARIANTS.into_iter().filter(|variant| variant.takes(case)).map(new));
    }
    for round in 0..rounds {
        eprintln!("wire-bench: round {} of {rounds}", round + 1);
        for (number, row) in (0_u64..).zip(&mut rows) {
            measure(row, &mut servers, millis, round << 32 | number)?;
        }
    }
    let command = match *arguments {
        ["--ends", ..] => format!("scripts/bench --rounds {rounds}"),
        _ => ["scripts/bench-wire"].iter().chain(arguments).copied().collect::<Vec<_>>().join(" "),
    };
    let mut record = Record::create(file, COLUMNS, &command)?;
    rows.iter().try_for_each(|row| record.row(&row.text()))?;
    record.finish()?;
    summary(&rows);
    let lost: Vec<String> =
        rows.iter().filter(|row| row.delivered != row.submitted).map(Row::text).collect();
    if lost.is_empty() {
        Ok(())
    } else {
        Err(format!("not everything that was submitted was delivered:\n{}", lost.join("\n")).into())
    }
}

fn measure(row: &mut Row, servers: &mut Servers, millis: u64, seed: u64) -> Result<()> {
    let server = match row.variant.server {
        "capnp" => &mut servers.capnp,
        "grpc" => &mut servers.grpc,
        _ => &mut servers.http,
    };
    let before = server.ask()?.0;
    let Variant { exporter, compression, .. } = row.variant;
    let mut command = Command::new(std::env::current_exe()?);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
        command.env_remove(name);
    }
    command.envs(Sender::variables(row.variant, row.case.batch));
    command.args(["client", exporter, compression]).args(row.case.arguments());
    command.args([server.address.clone(), server.process().to_string()]);
    let output = command.args([millis.to_string(), seed.to_string()]).output()?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{exporter} {compression} {:?}: {text} {errors}", row.case).into());
    }
    let numbers: Vec<f64> =
        text.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
    let [submitted, client, server_cpu, wall, sent, answered] = numbers[..] else {
        return Err(format!("{exporter}: a client printed {text:?}").into());
    };
    row.rounds.push(Measured { client, server: server_cpu, wall, sent, answered });
    row.submitted += submitted as u64;
    row.delivered += server.ask()?.0 - before;
    Ok(())
}

impl Row {
    fn median(&self, of: impl Fn(&Measured) -> f64) -> f64 {
        median(self.rounds.iter().map(of))
    }

    fn text(&self) -> String {
        let Self { case, variant, rounds, submitted, delivered } = self;
        let (client, server, wall) = (
            self.median(|round| round.client),
            self.median(|round| round.server),
            self.median(|round| round.wall),
        );
        let bytes = if variant.is_pipeline() {
            ",".to_owned()
        } else {
            format!(
                "{:.1},{:.1}",
                self.median(|round| round.sent),
                self.median(|round| round.answered)
            )
        };
        format!(
            "{},{},{},{},{},{},{},{submitted},{delivered},{client:.0},{server:.0},{wall:.0},{bytes}",
            variant.exporter,
            variant.format(*case),
            variant.compression,
            case.batch,
            case.attributes,
            case.with_events,
            rounds.len(),
        )
    }
}

/// Batches of 512, beside what opentelemetry-otlp over gRPC takes; of what hosts write, beside tracing-opentelemetry.
fn summary(rows: &[Row]) {
    for attributes in [0, 4, 16] {
        for with_events in [false, true] {
            let case = Case { batch: 512, attributes, with_events };
            println!(
                "\nbatches of 512, {attributes} attributes, {}:",
                if with_events { "an event and a link" } else { "no events" }
            );
            println!(
                "{:28} {:8} {:5} {:>12} {:>12} {:>10} {:>8}",
                "", "", "", "client ns", "server ns", "bytes", "x gRPC"
            );
            let of = |exporter: &str, compression: &str| {
                rows.iter().find(|row| {
                    row.case == case
                        && row.variant.exporter == exporter
                        && row.variant.compression == compression
                })
            };
            for row in rows.iter().filter(|row| row.case == case) {
                let client = row.median(|round| round.client);
                let beside = match row.variant {
                    variant if variant.is_host() => "tracing-pipeline-grpc",
                    variant if variant.is_pipeline() => "stock-pipeline-grpc",
                    _ => "stock-grpc",
                };
                let beside =
                    of(beside, "none").map_or(f64::NAN, |row| row.median(|round| round.client));
                println!(
                    "{:28} {:8} {:5} {:12.0} {:12.0} {:10.1} {:8.2}",
                    row.variant.exporter,
                    row.variant.format(row.case),
                    row.variant.compression,
                    client,
                    row.median(|round| round.server),
                    row.median(|round| round.sent),
                    beside / client,
                );
            }
        }
    }
}
