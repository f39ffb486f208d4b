//! The table that is read.

use std::fmt::Write as _;

/// One variant's figures, for one operation; the arrays are by `run::MODES`.
#[derive(Clone, Debug)]
pub struct Row {
    pub task: String,
    pub variant: String,
    /// Nanoseconds for each operation that was delivered, the median over the processes of the median over batches.
    pub times: [f64; 3],
    pub instructions: Option<f64>,
    pub allocations: f64,
    pub bytes: f64,
    pub submitted: [u64; 3],
    pub delivered: [u64; 3],
}

impl Row {
    pub fn lost(&self) -> [u64; 3] {
        [0, 1, 2].map(|mode| self.submitted[mode].saturating_sub(self.delivered[mode]))
    }
}

pub fn table(rows: &[Row]) -> String {
    let mut out = String::new();
    let mut task = "";
    let mut ours = 1.0;
    for row in rows {
        if row.task != task {
            task = &row.task;
            ours = row.times[0];
            let _ = writeln!(
                out,
                "\n{task:<40} {:>9} {:>7} {:>10} {:>10} {:>8} {:>7} {:>7} {:>11}",
                "ns", "ratio", "burst 1", "burst 2", "instr", "allocs", "bytes", "delivered"
            );
        }
        let lost = row.lost();
        let time = |mode: usize| {
            format!("{:.1}{}", row.times[mode], if lost[mode] > 0 { "*" } else { "" })
        };
        let instructions = row.instructions.map_or("?".to_owned(), |count| format!("{count:.0}"));
        let delivered = match row.submitted.iter().sum::<u64>() {
            0 => "-".to_owned(),
            submitted => {
                let share = row.delivered.iter().sum::<u64>() as f64 / submitted as f64;
                // Never rounded up to all of them.
                format!("{:.2} %", (share * 1e4).floor() / 1e2)
            }
        };
        let _ = writeln!(
            out,
            "{:<40} {:>9} {:>6.2}x {:>10} {:>10} {:>8} {:>7.2} {:>7.0} {:>11}",
            row.variant,
            time(0),
            row.times[0] / ours,
            time(1),
            time(2),
            instructions,
            row.allocations,
            row.bytes,
            delivered
        );
    }
    out.push_str(
        "\nNanoseconds for each operation whose items were delivered: where items were lost (*), the time of all of \
         them is spread over those that came.\nA ratio is that of the first column to the first row; burst 1 and 2 \
         are 4096 operations without a pause, from one and from two threads.\n",
    );
    out
}
