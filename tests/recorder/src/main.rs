//! A host that records known numbers while its endpoint answers 503, and goes on once it is told to.
//!
//! It says `refused` when each signal has met that answer, then waits for a line. Before it ends it says what it
//! recorded, and what became of it by its own account.

use std::error::Error;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use trackside::telemetry::{self, Counter, Histogram, Signal, Telemetry, TelemetryConfig};

static ITEMS: Counter = telemetry::counter("recorded.items");
static SIZES: Histogram = telemetry::histogram("recorded.sizes").with_unit("By");

/// A round fits into the ring of the thread, and all rounds into the queue.
const ROUND: u64 = 150;
const ROUNDS_REFUSED: u64 = 8;
const DEADLINE: Duration = Duration::from_secs(20);

/// What was recorded so far.
#[derive(Default)]
struct Known {
    spans: u64,
    logs: u64,
    items: u64,
    bytes: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = telemetry::init(TelemetryConfig::default().with_service_name("recorder"))?;
    let mut known = Known::default();

    for _ in 0..ROUNDS_REFUSED {
        known.round();
        // It fails while the endpoint refuses, and hurries the next attempt.
        if telemetry.force_flush(Duration::from_millis(50)).is_ok() {
            return Err("a flush went well while the endpoint refuses".into());
        }
    }
    let begin = Instant::now();
    while !is_refused(&telemetry) {
        if begin.elapsed() > DEADLINE {
            return Err(format!("not refused: {:?}", telemetry.status()).into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    println!("refused");
    io::stdin().read_line(&mut String::new())?;

    // A round before each collection: a delta without a value would be a gap between its neighbours.
    known.round();
    telemetry.force_flush(DEADLINE)?;
    known.round();
    telemetry.shutdown(DEADLINE)?;

    let Known { spans, logs, items, bytes } = known;
    println!("known spans={spans} logs={logs} items={items} sizes={spans} bytes={bytes}");
    let status = telemetry.status();
    say("traces", &status.traces);
    say("metrics", &status.metrics);
    say("logs", &status.logs);
    Ok(())
}

impl Known {
    /// Spans and log records are numbered, so that each is known again.
    fn round(&mut self) {
        for _ in 0..ROUND {
            let _span = telemetry::span("recorded").with(|span| {
                span.set("number", self.spans);
            });
            let number = [("number", self.logs.into())];
            telemetry::forward_log(20, "recorded", "recorder", 1, "main", &number);
            ITEMS.add(2, &[]);
            SIZES.record(self.spans as f64, &[]);
            self.bytes += self.spans;
            self.items += 2;
            self.spans += 1;
            self.logs += 1;
        }
    }
}

/// Each signal has had the answer 503.
fn is_refused(telemetry: &Telemetry) -> bool {
    let status = telemetry.status();
    let errors = [status.traces, status.metrics, status.logs].map(|signal| signal.last_error);
    errors.iter().all(|error| error.as_ref().is_some_and(|error| error.contains("503")))
}

fn say(name: &str, signal: &Signal) {
    let Signal { recorded, delivered, rejected, unconfirmed, waiting, on_disk, .. } = signal;
    let dropped = signal.dropped.total();
    println!(
        "{name} recorded={recorded} delivered={delivered} rejected={rejected} \
         unconfirmed={unconfirmed} dropped={dropped} waiting={waiting} on_disk={on_disk}"
    );
}
