//! One measurement: a process of its own, so that no exporter finds another's threads and memory.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::Result;
use crate::case::{Case, Variant};
use crate::cpu::{self, Core, Cpu};
use crate::exporters::Sender;
use crate::relay::Relay;
use crate::spans::{self, Numbers};

/// Batches between two looks at the clock; they are made outside of what is measured. No more than a processor
/// would gather: what lies long is out of the caches.
const AT_ONCE_SPANS: usize = 512;
const AT_ONCE_BATCHES: usize = 16;
/// Before anything is measured.
const WARM_UP_SPANS: usize = 1024;
const WARM_UP_BATCHES: usize = 12;
/// Whose bytes are counted.
const COUNTED_BATCHES: usize = 8;

/// `EXPORTER COMPRESSION BATCH ATTRIBUTES EVENTS ADDRESS PROCESS MILLISECONDS SEED`: prints what the driver reads.
pub fn run(arguments: &[&str]) -> Result<()> {
    let [exporter, compression, batch, attributes, events, address, process, millis, seed] =
        *arguments
    else {
        return Err("a client has nine arguments".into());
    };
    cpu::pin(Core::Client)?;
    let variant = Variant::find(exporter, compression)?;
    let case = Case::parse(batch, attributes, events)?;
    let server = Cpu::of(process.parse()?)?;
    let budget = Duration::from_millis(millis.parse()?);
    let mut numbers = Numbers::new(seed.parse()?);
    let mut submitted = 0;

    let sender = Sender::open(variant, address)?;
    let warm_up = (WARM_UP_SPANS / case.batch).clamp(2, WARM_UP_BATCHES);
    for _ in 0..warm_up {
        sender.send(spans::batch(case, &mut numbers))?;
        submitted += case.batch;
    }
    let at_once = (AT_ONCE_SPANS / case.batch).clamp(1, AT_ONCE_BATCHES);
    let (mut client, mut wall, mut measured) = (Duration::ZERO, Duration::ZERO, 0);
    let served = server.now()?;
    while wall < budget {
        let batches: Vec<_> = (0..at_once).map(|_| spans::batch(case, &mut numbers)).collect();
        let (began, spent) = (Instant::now(), Cpu::own().now()?);
        for batch in batches {
            sender.send(batch)?;
        }
        client += Cpu::own().now()? - spent;
        wall += began.elapsed();
        measured += at_once * case.batch;
    }
    let served = server.now()? - served;
    submitted += measured;

    // Another exporter, whose bytes go through a counter; nothing of it is timed. A pipeline is one for a process,
    // and sends what its exporter sends.
    let (mut sent, mut answered) = (0.0, 0.0);
    if !variant.is_pipeline() {
        let (relay, through) = Relay::start(address.parse::<SocketAddr>()?)?;
        let sender = Sender::open(variant, &through.to_string())?;
        sender.send(spans::batch(case, &mut numbers))?;
        let before = relay.counts();
        for _ in 0..COUNTED_BATCHES {
            sender.send(spans::batch(case, &mut numbers))?;
        }
        let after = relay.counts();
        let counted = (COUNTED_BATCHES * case.batch) as f64;
        (sent, answered) =
            ((after.0 - before.0) as f64 / counted, (after.1 - before.1) as f64 / counted);
        submitted += (1 + COUNTED_BATCHES) * case.batch;
    }
    let each = |time: Duration| time.as_nanos() as f64 / measured as f64;
    let (client, server, wall) = (each(client), each(served), each(wall));
    println!("{submitted} {client} {server} {wall} {sent} {answered}");
    Ok(())
}
