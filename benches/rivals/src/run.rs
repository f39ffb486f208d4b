//! All variants in turn, round after round, each in a process of its own.

use std::collections::HashMap;
use std::process::{Command, ExitCode};

use crate::harness::{BATCH, BURST};
use crate::record;
use crate::report::{self, Row};

const ROUNDS: usize = 5;
pub const MODES: [&str; 3] = ["time", "burst1", "burst2"];

pub fn run(words: &[&str]) -> ExitCode {
    let (mut rounds, mut record, mut chosen) = (ROUNDS, None, Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--rounds" => rounds = words.next().and_then(|n| n.parse().ok()).unwrap_or(ROUNDS),
            "--record" => record = words.next().map(ToString::to_string),
            task => chosen.push(task.to_owned()),
        }
    }
    let has_valgrind = Command::new("valgrind").arg("--version").output().is_ok();
    if !has_valgrind {
        eprintln!("rivals: MISSING valgrind: no instructions are counted");
    }
    let mut rows: Vec<Row> = Vec::new();
    for (task, variants) in crate::tasks() {
        if !chosen.is_empty() && !chosen.iter().any(|one| one == task) {
            continue;
        }
        let names: Vec<&str> = variants.iter().map(|variant| variant.name).collect();
        let mut times: HashMap<(&str, &str), Vec<Line>> = HashMap::new();
        for _ in 0..rounds {
            for mode in MODES {
                for name in &names {
                    match measured(task, name, mode) {
                        Ok(line) => times.entry((name, mode)).or_default().push(line),
                        Err(why) => return failed(&why),
                    }
                }
            }
        }
        for name in &names {
            let line = match measured(task, name, "allocations") {
                Ok(line) => line,
                Err(why) => return failed(&why),
            };
            let median = |mode| {
                let mut all: Vec<f64> =
                    times[&(*name, mode)].iter().map(|line| line.median).collect();
                all.sort_by(f64::total_cmp);
                all[all.len() / 2]
            };
            let sum =
                |of: fn(&Line) -> u64| MODES.map(|mode| times[&(*name, mode)].iter().map(of).sum());
            rows.push(Row {
                task: task.to_owned(),
                variant: (*name).to_owned(),
                times: MODES.map(median),
                instructions: if has_valgrind { instructions(task, name) } else { None },
                allocations: line.allocations,
                bytes: line.bytes,
                submitted: sum(|line| line.submitted),
                delivered: sum(|line| line.delivered),
            });
        }
    }
    print!("{}", report::table(&rows));
    if let Some(path) = record {
        let command = format!("scripts/bench --rounds {rounds} {}", chosen.join(" "));
        if let Err(error) = std::fs::write(&path, record::text(&rows, command.trim_end())) {
            return failed(&format!("cannot write {path}: {error}"));
        }
    }
    // Whoever else loses something is marked in the table, and has the figures of what it delivered.
    let ours = |row: &&Row| {
        row.variant.starts_with("trackside") && row.lost().iter().any(|lost| *lost > 0)
    };
    match rows.iter().find(ours) {
        Some(row) => failed(&format!(
            "{}: lost {:?} items of {:?} in the modes {MODES:?}",
            row.variant,
            row.lost(),
            row.submitted,
        )),
        None => ExitCode::SUCCESS,
    }
}

fn failed(why: &str) -> ExitCode {
    eprintln!("rivals: FAILED: {why}");
    ExitCode::FAILURE
}

/// What a process of `harness::measure` prints.
struct Line {
    median: f64,
    allocations: f64,
    bytes: f64,
    submitted: u64,
    delivered: u64,
}

fn measured(task: &str, variant: &str, mode: &str) -> Result<Line, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    let output = clean(command.args(["one", task, variant, mode]))
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers.as_slice() {
        &[median, _, allocations, bytes, submitted, delivered] if output.status.success() => {
            Ok(Line {
                median,
                allocations,
                bytes,
                submitted: submitted as u64,
                delivered: delivered as u64,
            })
        }
        _ => Err(format!("{task}, {variant}, {mode}: {}", String::from_utf8_lossy(&output.stderr))),
    }
}

/// A queue that keeps a whole burst, of ours as of the SDK's, so that nothing is dropped; no other variable
/// of the machine's may change what is measured.
fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    for name in ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BLRP_MAX_QUEUE_SIZE"] {
        command.env(name, (8 * BURST).to_string());
    }
    command
}

/// Instructions of one operation, on the calling thread.
fn instructions(task: &str, variant: &str) -> Option<f64> {
    let program = std::env::current_exe().ok()?;
    let output = clean(Command::new("valgrind").args([
        "--tool=callgrind",
        "--toggle-collect=measured_batch",
        "--collect-atstart=no",
        "--callgrind-out-file=/dev/null",
    ]))
    .arg(program)
    .args(["one", task, variant, "instructions"])
    .output()
    .ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split("Collected :").nth(1))?;
    let total: f64 = collected.trim().parse().ok()?;
    Some(total / (4 * BATCH) as f64)
}
