//! The table that is read, and the record that is kept.

use std::fmt::Write as _;

/// One variant's figures, for one operation.
pub struct Row {
    pub task: &'static str,
    pub variant: String,
    /// Nanoseconds, median over the processes of the median over batches.
    pub time: f64,
    /// The same in bursts from one and from two threads.
    pub burst: [f64; 2],
    pub instructions: Option<f64>,
    pub allocations: f64,
    pub bytes: f64,
    pub submitted: u64,
    pub delivered: u64,
}

pub fn table(rows: &[Row]) -> String {
    let mut out = String::new();
    let mut task = "";
    let mut ours = 1.0;
    for row in rows {
        if row.task != task {
            task = row.task;
            ours = row.time;
            let _ = writeln!(
                out,
                "\n{task:<36} {:>9} {:>7} {:>9} {:>9} {:>8} {:>7} {:>7} {:>11}",
                "ns", "ratio", "burst 1", "burst 2", "instr", "allocs", "bytes", "delivered"
            );
        }
        let instructions = row.instructions.map_or("?".to_owned(), |count| format!("{count:.0}"));
        let _ = writeln!(
            out,
            "{:<36} {:>9.1} {:>6.1}x {:>9.1} {:>9.1} {:>8} {:>7.2} {:>7.0} {:>11}",
            row.variant,
            row.time,
            row.time / ours,
            row.burst[0],
            row.burst[1],
            instructions,
            row.allocations,
            row.bytes,
            row.delivered
        );
    }
    out
}

pub fn csv(rows: &[Row], command: &str) -> String {
    let mut out = String::from(
        "machine,load,command,task,variant,nanoseconds,burst1_nanoseconds,burst2_nanoseconds,instructions,allocations,bytes,submitted,delivered\n",
    );
    let (machine, load) = (machine(), load());
    for row in rows {
        let instructions = row.instructions.map_or(String::new(), |count| format!("{count:.0}"));
        let _ = writeln!(
            out,
            "{machine},{load},{command},{},\"{}\",{:.2},{:.2},{:.2},{instructions},{:.2},{:.1},{},{}",
            row.task,
            row.variant,
            row.time,
            row.burst[0],
            row.burst[1],
            row.allocations,
            row.bytes,
            row.submitted,
            row.delivered
        );
    }
    out
}

/// What else ran meanwhile: the load of the last quarter of an hour, this run's own 1 to 2 among it.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').nth(2).unwrap_or("unknown").to_owned()
}

/// What the figures were taken on.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{} x {cores}", model.trim_start_matches([' ', '\t', ':'])).replace(',', " ")
}
