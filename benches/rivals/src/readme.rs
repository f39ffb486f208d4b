//! The README's tables, from a record: ratios of time and of instructions to the first row of each.

use std::fmt::Write as _;

use crate::report::Row;

const TITLES: [(&str, &str); 4] = [
    ("span", "two spans with four attributes, each future polled twice"),
    ("metric", "a request counted and timed, three attributes"),
    ("log", "`info!` with three fields to a log record"),
    ("encode", "a span of ten attributes to bytes, in batches of 256"),
];

pub fn tables(rows: &[Row]) -> String {
    let mut out = String::new();
    let mut marked = false;
    for (task, title) in TITLES {
        let of_task: Vec<&Row> = rows.iter().filter(|row| row.task == task).collect();
        let Some(first) = of_task.first() else { continue };
        let _ = writeln!(
            out,
            "| {title} | time | burst, one thread | burst, two | instructions | allocations |\n|---|---|---|---|---|---|"
        );
        for row in &of_task {
            let lost = row.lost();
            marked |= lost.iter().any(|lost| *lost > 0);
            let is_ours = row.variant.starts_with("trackside");
            let time = |mode: usize| {
                let mark = if lost[mode] > 0 { " \\*" } else { "" };
                if is_ours {
                    format!("{:.1} ns{mark}", row.times[mode])
                } else {
                    format!("{:.2} x{mark}", row.times[mode] / first.times[mode])
                }
            };
            let instructions = match (row.instructions, first.instructions) {
                (Some(count), _) if is_ours => grouped(count),
                (Some(count), Some(ours)) => format!("{:.2} x", count / ours),
                _ => "not counted".to_owned(),
            };
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {instructions} | {} |",
                row.variant,
                time(0),
                time(1),
                time(2),
                // 3.5, but 2.
                (row.allocations * 10.0).round() / 10.0,
            );
        }
        out.push('\n');
    }
    if marked {
        out.push_str(
            "\\* It lost items there: the time of all of them for each that was delivered.\n",
        );
    }
    out
}

/// With a comma between the thousands.
fn grouped(count: f64) -> String {
    let digits = format!("{count:.0}");
    let mut out = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
