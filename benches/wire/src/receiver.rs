//! What one core of a receiver takes, and what memory it has meanwhile.

use std::process::Command;
use std::time::{Duration, Instant};

use futures_executor::block_on;
use opentelemetry_sdk::trace::SpanExporter as _;
use trackside::export::sdk::CapnpSpanExporter;

use crate::Result;
use crate::case::Case;
use crate::cpu::{self, Core, Cpu};
use crate::record::{Record, median};
use crate::server::Server;
use crate::spans::{self, Numbers};

const BATCH: usize = 512;
/// What an exporter of the SDK's sends.
const FORMAT: &str = "columns";
/// Batches that have no answer yet.
const IN_FLIGHT: usize = 6;
/// Different batches; the rest is the same ones again.
const PREPARED: usize = 32;
/// What the memory may grow by from the first third of the floods to the last.
const GROWTH: f64 = 1.1;

const COLUMNS: &str = "sink,format,batch,attributes,compression,rounds,submitted,delivered,receiver_cpu_ns_per_span,\
    spans_per_second_of_receiver_core,spans_per_second_on_the_wall,client_cpu_ns_per_span,resident_first_kib,resident_last_kib";

/// `FILE [--quick]`.
pub fn run(file: &str, arguments: &[&str]) -> Result<()> {
    let is_quick = arguments.contains(&"--quick");
    let (rounds, millis) = if is_quick { (3, 400) } else { (9, 1000) };
    let command = format!("scripts/bench-wire{}", if is_quick { " --quick" } else { "" });
    let mut record = Record::create(file, COLUMNS, &command)?;
    let mut counting = Server::start("capnp", &[])?;
    let collector = Server::start("discard", &[])?;
    let mut forwarding = Server::start("capnp", &[&format!("http://{}", collector.address)])?;
    let mut failed = Vec::new();
    println!("\nreceiver, one core, batches of {BATCH}:");
    for attributes in [0, 4, 16] {
        for compression in ["none", "zstd"] {
            // In turns, so that what else the machine does falls on both.
            let (mut count, mut forward) = (Floods::new("count"), Floods::new("forward"));
            for round in 0..rounds {
                count.add(&mut counting, attributes, compression, millis, round)?;
                forward.add(&mut forwarding, attributes, compression, millis, round)?;
            }
            for floods in [count, forward] {
                let text = floods.text(attributes, compression);
                record.row(&text)?;
                println!("{text}");
                if !floods.is_fine() {
                    failed.push(text);
                }
            }
        }
    }
    record.finish()?;
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("something was lost, or the memory grows:\n{}", failed.join("\n")).into())
    }
}

/// Floods of one kind into one receiver.
struct Floods {
    sink: &'static str,
    rounds: Vec<Flood>,
    submitted: u64,
    delivered: u64,
}

struct Flood {
    receiver: f64,
    wall: f64,
    client: f64,
    resident: f64,
}

impl Floods {
    fn new(sink: &'static str) -> Self {
        Self { sink, rounds: Vec::new(), submitted: 0, delivered: 0 }
    }

    fn add(
        &mut self,
        server: &mut Server,
        attributes: usize,
        compression: &str,
        millis: u64,
        seed: u64,
    ) -> Result<()> {
        let before = server.ask()?.0;
        let mut command = Command::new(std::env::current_exe()?);
        command.env("OTEL_EXPORTER_OTLP_COMPRESSION", compression).arg("flood");
        command.args([
            attributes.to_string(),
            server.address.clone(),
            server.process().to_string(),
        ]);
        let output = command.args([millis.to_string(), seed.to_string()]).output()?;
        let text = String::from_utf8(output.stdout)?;
        let numbers: Vec<f64> =
            text.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
        let [submitted, receiver, wall, client] = numbers[..] else {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("a flood printed {text:?} {errors}").into());
        };
        let (after, resident) = server.ask()?;
        self.submitted += submitted as u64;
        self.delivered += after - before;
        self.rounds.push(Flood { receiver, wall, client, resident: resident as f64 });
        Ok(())
    }

    /// The least memory after the first third of the floods, and after the last.
    fn resident(&self) -> (f64, f64) {
        let third = self.rounds.len().div_ceil(3);
        let least =
            |rounds: &[Flood]| rounds.iter().map(|flood| flood.resident).fold(f64::MAX, f64::min);
        (least(&self.rounds[..third]), least(&self.rounds[self.rounds.len() - third..]))
    }

    fn is_fine(&self) -> bool {
        let (first, last) = self.resident();
        self.delivered == self.submitted && last <= first * GROWTH + 4096.0
    }

    fn text(&self, attributes: usize, compression: &str) -> String {
        let of = |of: fn(&Flood) -> f64| median(self.rounds.iter().map(of));
        let (receiver, wall, client) =
            (of(|flood| flood.receiver), of(|flood| flood.wall), of(|flood| flood.client));
        let (first, last) = self.resident();
        let Self { sink, rounds, submitted, delivered } = self;
        format!(
            "{sink},{FORMAT},{BATCH},{attributes},{compression},{},{submitted},{delivered},{receiver:.0},{:.0},{:.0},{client:.0},{first:.0},{last:.0}",
            rounds.len(),
            1e9 / receiver,
            1e9 / wall,
        )
    }
}

/// `ATTRIBUTES ADDRESS PROCESS MILLISECONDS SEED`: one client that always has several batches under way.
pub fn flood(arguments: &[&str]) -> Result<()> {
    let [attributes, address, process, millis, seed] = *arguments else {
        return Err("a flood has five arguments".into());
    };
    cpu::pin(Core::Client)?;
    let case = Case { batch: BATCH, attributes: attributes.parse()?, with_events: false };
    let (server, mut numbers) = (Cpu::of(process.parse()?)?, Numbers::new(seed.parse()?));
    let budget = Duration::from_millis(millis.parse()?);
    let mut exporter = CapnpSpanExporter::new(format!("capnp://{address}"))?;
    exporter.set_resource(&spans::resource());
    let batches: Vec<_> = (0..PREPARED).map(|_| spans::batch(case, &mut numbers)).collect();
    let mut under_way = std::collections::VecDeque::new();
    for batch in &batches {
        block_on(exporter.export(batch.clone()))?;
    }
    let (served, spent) = (server.now()?, Cpu::own().now()?);
    let (began, mut sent) = (Instant::now(), 0);
    while began.elapsed() < budget {
        let batch = batches[sent % PREPARED].clone();
        sent += 1;
        under_way.push_back(Box::pin(exporter.export(batch)));
        if under_way.len() == IN_FLIGHT {
            if let Some(oldest) = under_way.pop_front() {
                block_on(oldest)?;
            }
        }
    }
    for rest in under_way {
        block_on(rest)?;
    }
    let wall = began.elapsed();
    let (served, spent) = (server.now()? - served, Cpu::own().now()? - spent);
    let spans = sent * BATCH;
    let each = |time: Duration| time.as_nanos() as f64 / spans as f64;
    println!("{} {} {} {}", spans + PREPARED * BATCH, each(served), each(wall), each(spent));
    Ok(())
}
