//! The record that is kept: comma-separated values, one row for each variant.

use std::fmt::Write as _;

use crate::report::Row;

const COLUMNS: &str = "machine,load,command,task,variant,nanoseconds,burst1_nanoseconds,burst2_nanoseconds,\
    instructions,allocations,bytes,submitted,delivered,burst1_submitted,burst1_delivered,burst2_submitted,burst2_delivered";

pub fn text(rows: &[Row], command: &str) -> String {
    let mut out = format!("{COLUMNS}\n");
    let (machine, load) = (machine(), load());
    for row in rows {
        let instructions = row.instructions.map_or(String::new(), |count| format!("{count:.0}"));
        let _ = write!(out, "{machine},{load},{command},{},\"{}\"", row.task, row.variant);
        for time in row.times {
            let _ = write!(out, ",{time:.2}");
        }
        let _ = write!(out, ",{instructions},{:.2},{:.1}", row.allocations, row.bytes);
        for mode in 0..3 {
            let _ = write!(out, ",{},{}", row.submitted[mode], row.delivered[mode]);
        }
        out.push('\n');
    }
    out
}

pub fn read(file: &str) -> Result<Vec<Row>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let mut lines = text.lines();
    if lines.next() != Some(COLUMNS) {
        return Err("these are not the columns of a record of this program".to_owned());
    }
    lines.map(row).collect()
}

fn row(line: &str) -> Result<Row, String> {
    // The variant alone is quoted: its name has commas.
    let &[before, variant, after] = &line.split('"').collect::<Vec<_>>()[..] else {
        return Err(format!("no row: {line}"));
    };
    let task = before.split(',').nth(3).unwrap_or_default().to_owned();
    let cells: Vec<&str> = after.split(',').skip(1).collect();
    let cell = |place: usize| cells.get(place).copied().ok_or(format!("a short row: {line}"));
    let number = |place| {
        let parsed = cell(place)?.parse::<f64>();
        parsed.map_err(|error| format!("{error} in column {place} behind the variant: {line}"))
    };
    let count = |place| number(place).map(|value| value as u64);
    Ok(Row {
        task,
        variant: variant.to_owned(),
        times: [number(0)?, number(1)?, number(2)?],
        instructions: if cell(3)?.is_empty() { None } else { Some(number(3)?) },
        allocations: number(4)?,
        bytes: number(5)?,
        submitted: [count(6)?, count(8)?, count(10)?],
        delivered: [count(7)?, count(9)?, count(11)?],
    })
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
