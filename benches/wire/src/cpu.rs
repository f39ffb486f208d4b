//! The CPU time of processes, and where they may run.

use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::ClockId;
use nix::unistd::Pid;

use crate::Result;

/// Where a process runs: what sends on one core, what receives on another.
#[derive(Clone, Copy)]
pub enum Core {
    Client = 0,
    Server = 1,
}

/// Keeps this process on one core, if there are two; to be called before there are threads.
pub fn pin(core: Core) -> Result<()> {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this)?;
    let is_allowed = |core: &usize| allowed.is_set(*core).unwrap_or(false);
    let cores: Vec<usize> = (0..CpuSet::count()).filter(is_allowed).collect();
    if cores.len() < 2 {
        return Ok(());
    }
    let mut one = CpuSet::new();
    one.set(cores[core as usize])?;
    Ok(sched_setaffinity(this, &one)?)
}

/// The CPU time of a process: all its threads, those that have ended too.
#[derive(Clone, Copy)]
pub struct Cpu(ClockId);

impl Cpu {
    pub fn of(process: i32) -> Result<Self> {
        Ok(Self(ClockId::pid_cpu_clock_id(Pid::from_raw(process))?))
    }

    pub fn own() -> Self {
        Self(ClockId::CLOCK_PROCESS_CPUTIME_ID)
    }

    pub fn now(self) -> Result<Duration> {
        Ok(self.0.now()?.into())
    }
}

/// The machine, for a record.
pub fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model} x {cores} cores")
}
