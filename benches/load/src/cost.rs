//! What the processes and the machine have spent.

use std::time::{Duration, Instant};

use crate::Result;
use crate::cpu::Cpu;

/// Whose time is taken.
pub struct Meter {
    server: Cpu,
    sink: Cpu,
}

/// All of them at one moment.
#[derive(Clone, Copy)]
pub struct Moment {
    at: Instant,
    server: Duration,
    sink: Duration,
    client: Duration,
    machine: [u64; 2],
}

/// From one moment to another.
pub struct Spent {
    pub wall: Duration,
    pub server: Duration,
    pub sink: Duration,
    pub client: Duration,
    /// The share of all cores' time that anybody took.
    pub busy: f64,
}

impl Meter {
    pub fn of(server: i32, sink: i32) -> Result<Self> {
        Ok(Self { server: Cpu::of(server)?, sink: Cpu::of(sink)? })
    }

    pub fn now(&self) -> Result<Moment> {
        Ok(Moment {
            at: Instant::now(),
            server: self.server.now()?,
            sink: self.sink.now()?,
            client: Cpu::own().now()?,
            machine: machine().unwrap_or_default(),
        })
    }
}

impl Moment {
    pub fn until(self, end: Self) -> Spent {
        let [busy, all] = [0, 1].map(|which| (end.machine[which] - self.machine[which]) as f64);
        Spent {
            wall: end.at - self.at,
            server: end.server - self.server,
            sink: end.sink - self.sink,
            client: end.client - self.client,
            busy: busy / all.max(1.0),
        }
    }
}

/// Ticks of all cores in which they did something, and all ticks.
fn machine() -> Option<[u64; 2]> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<u64> = text
        .lines()
        .next()?
        .split_whitespace()
        .skip(1)
        .map_while(|word| word.parse().ok())
        .collect();
    // user nice system idle iowait irq softirq steal; guests are among the users.
    let all: u64 = ticks.iter().take(8).sum();
    let idle = ticks.get(3)? + ticks.get(4)?;
    Some([all - idle, all])
}
