//! How long, and where in the trace.

const SECOND: f64 = 1e9;

/// Each unit and its nanoseconds.
const UNITS: [(&str, f64); 7] = [
    ("ns", 1.0),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", SECOND),
    ("min", 60.0 * SECOND),
    ("h", 3600.0 * SECOND),
    ("d", 24.0 * 3600.0 * SECOND),
];

/// From one time to another, in three digits.
pub(super) fn duration(from: u64, to: u64) -> String {
    let sign = if to < from { "-" } else { "" };
    format!("{sign}{}", three_digits(from.abs_diff(to)))
}

/// Like `duration`, with its sign.
pub(super) fn offset(from: u64, to: u64) -> String {
    let sign = if to < from { "-" } else { "+" };
    format!("{sign}{}", three_digits(from.abs_diff(to)))
}

fn three_digits(value: u64) -> String {
    if value < 1000 {
        return format!("{value} ns");
    }
    nanos(value as f64)
}

/// Nanoseconds, in three digits.
pub(super) fn nanos(value: f64) -> String {
    let [.., largest] = UNITS;
    let in_unit = |size| value / size;
    let fits = |&(_, size): &(&str, f64)| in_unit(size) < 999.5;
    let (unit, size) = UNITS.into_iter().find(fits).unwrap_or(largest);
    let value = in_unit(size);
    let decimals = match value {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

/// The time of day, in UTC.
pub(super) fn clock(time: u64) -> String {
    if time == 0 {
        return "--:--:--.---".to_owned();
    }
    let millis = time / 1_000_000;
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    let (hours, minutes) = (minutes / 60 % 24, minutes % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
}

/// The time from the first start to the last end of a trace, on a line of `CELLS` characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeline {
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Timeline {
    pub(super) const CELLS: usize = 20;

    /// Nothing before, the bar, nothing behind it; a bar has one cell at least.
    pub(super) fn span(self, start: u64, end: u64) -> (String, String, String) {
        let before = self.cell(start);
        let length = self.cells_until(end).saturating_sub(before).max(1);
        let behind = Self::CELLS - before - length;
        (" ".repeat(before), "━".repeat(length), " ".repeat(behind))
    }

    /// The same for a moment.
    pub(super) fn event(self, time: u64) -> (String, String, String) {
        let before = self.cell(time);
        (" ".repeat(before), "•".to_owned(), " ".repeat(Self::CELLS - before - 1))
    }

    /// No bar at all.
    pub(super) fn nothing() -> (String, String, String) {
        (" ".repeat(Self::CELLS), String::new(), String::new())
    }

    /// The cell that `time` falls into.
    fn cell(self, time: u64) -> usize {
        let cells = self.scaled(time) / u128::from(self.length());
        usize::try_from(cells).map_or(Self::CELLS - 1, |cells| cells.min(Self::CELLS - 1))
    }

    /// How many cells have begun at `time`.
    fn cells_until(self, time: u64) -> usize {
        let cells = self.scaled(time).div_ceil(u128::from(self.length()));
        usize::try_from(cells).map_or(Self::CELLS, |cells| cells.min(Self::CELLS))
    }

    fn scaled(self, time: u64) -> u128 {
        u128::from(time.saturating_sub(self.start)) * Self::CELLS as u128
    }

    fn length(self) -> u64 {
        self.end.saturating_sub(self.start).max(1)
    }
}
