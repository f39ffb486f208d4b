//! One measurement, as a row of the record.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::Result;

/// Behind the variant's name, in this order.
pub const COLUMNS: [&str; 22] = [
    "round",
    "seconds",
    "server_threads",
    "in_flight",
    "iterations",
    "requests_per_second",
    "p50_us",
    "p90_us",
    "p99_us",
    "p999_us",
    "server_cpu_us_per_request",
    "client_cpu_us_per_request",
    "sink_cpu_us_per_request",
    "busy",
    "requests",
    "spans_per_request",
    "submitted",
    "delivered",
    "metric_records_submitted",
    "metric_records_delivered",
    "points_submitted",
    "points_delivered",
];

/// A variant's figures in one round.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub variant: String,
    /// Spans and points that the server counted as dropped; in no record.
    pub dropped: [f64; 2],
    values: HashMap<&'static str, f64>,
}

impl Row {
    pub fn new(variant: &str, dropped: [f64; 2], values: [f64; COLUMNS.len()]) -> Self {
        let values = COLUMNS.into_iter().zip(values).collect();
        Self { variant: variant.to_owned(), dropped, values }
    }

    pub fn of(&self, column: &str) -> f64 {
        self.values.get(column).copied().unwrap_or(f64::NAN)
    }

    /// Something that was submitted has not arrived, or more than that.
    pub fn is_wrong(&self) -> bool {
        [
            ("submitted", "delivered"),
            ("metric_records_submitted", "metric_records_delivered"),
            ("points_submitted", "points_delivered"),
        ]
        .into_iter()
        .any(|(submitted, delivered)| self.of(submitted) != self.of(delivered))
    }

    /// Something neither arrived nor was counted as dropped, or nothing arrived at all.
    pub fn is_uncounted(&self) -> bool {
        let [spans, points] = self.dropped;
        let sums =
            [("submitted", "delivered", spans), ("points_submitted", "points_delivered", points)];
        let records =
            ["metric_records_submitted", "metric_records_delivered"].map(|of| self.of(of));
        // Each point says all since the start, so one that is dropped is made good by the next.
        let is_short =
            if points > 0.0 { records[1] > records[0] } else { records[1] != records[0] };
        is_short
            || sums.into_iter().any(|(submitted, delivered, dropped)| {
                let (submitted, delivered) = (self.of(submitted), self.of(delivered));
                submitted != delivered + dropped || (submitted > 0.0 && delivered == 0.0)
            })
    }

    pub fn heading() -> String {
        format!("variant,{}", COLUMNS.join(","))
    }

    pub fn text(&self) -> String {
        let mut text = self.variant.clone();
        for column in COLUMNS {
            let value = self.of(column);
            let places = if value.fract() == 0.0 { 0 } else { 3 };
            let _ = write!(text, ",{value:.places$}");
        }
        text
    }

    /// The rows of a record, whose first columns are about all of them.
    pub fn all(record: &str) -> Result<Vec<Self>> {
        let mut lines = record.lines();
        let heading: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let place = |column: &str| {
            let found = heading.iter().position(|known| *known == column);
            found.ok_or_else(|| format!("the record has no column {column}"))
        };
        let variant = place("variant")?;
        lines
            .map(|line| {
                let cells: Vec<&str> = line.split(',').collect();
                let cell = |place: usize| cells.get(place).copied().ok_or("a row is too short");
                let mut row = Self { variant: cell(variant)?.to_owned(), ..Self::default() };
                for column in COLUMNS {
                    row.values.insert(column, cell(place(column)?)?.parse()?);
                }
                Ok(row)
            })
            .collect()
    }
}
