//! Metrics as text for a person: one table for each collection.
//!
//! ```text
//! metrics 13:33:20.123 · checkout · 4 points
//!   metric                   attributes                      value
//!   active_sessions                                              3
//!   rpc_requests_total       method=place success=false          4
//!                            method=place success=true        1203
//!   histogram                attributes                      count     mean      p50      p90      p99
//!   rpc_request_duration_ms  method=place                     1207  3.42 ms  2.50 ms  7.10 ms  18.0 ms
//! ```
//!
//! A sum since the last collection only has a `+` before it.

use bytes::Bytes;

use super::escape::{UNKNOWN, clip, key_value};
use super::paint::{Style, Text};
use super::quantile::Distribution;
use super::service_name;
use super::span::counted;
use super::time::clock;
use super::unit::{number, quantity};
use crate::encode::view::{MetricData, MetricView, Number, Point, Summary, Temporality};

/// Attributes that would go beyond this stand on lines of their own.
const ATTRIBUTES_WIDTH: usize = 60;
/// A longer name moves its line.
const NAME_WIDTH: usize = 48;
/// OTLP's `DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`.
const NO_RECORDED_VALUE: u32 = 1;

const NUMBERS: [&str; 1] = ["value"];
const HISTOGRAMS: [&str; 5] = ["count", "mean", "p50", "p90", "p99"];
/// The last three columns.
const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// Gathers metrics and hands out text.
#[derive(Debug)]
pub(crate) struct MetricsConsole {
    /// `service.name`, safe to show.
    service: String,
    color: bool,
    numbers: Vec<Row>,
    histograms: Vec<Row>,
}

/// A point.
#[derive(Debug)]
struct Row {
    time: u64,
    /// Empty below the first point of a metric.
    name: String,
    attributes: Vec<String>,
    cells: Vec<String>,
}

impl MetricsConsole {
    /// Of the resource only `service.name` is shown.
    pub(crate) fn new(resource: &[(String, String)], color: bool) -> Self {
        Self::of(&service_name(resource), color)
    }

    /// The same of a service, whose name is safe to show.
    pub(crate) fn of(service: &str, color: bool) -> Self {
        let service = service.to_owned();
        Self { service, color, numbers: Vec::new(), histograms: Vec::new() }
    }

    /// Adds a metric to the batch.
    pub(crate) fn metric(&mut self, metric: &MetricView<'_>) {
        let (name, unit) = (metric.name, metric.unit);
        match &metric.data {
            MetricData::Empty => {}
            MetricData::Gauge(points) => {
                self.numbers.extend(rows(name, points, |value| vec![number(*value, unit)]));
            }
            MetricData::Sum { points, temporality, .. } => {
                let cell = |value: &Number| counted_since(*temporality, number(*value, unit));
                self.numbers.extend(rows(name, points, |value| vec![cell(value)]));
            }
            MetricData::Histogram { points, temporality } => {
                let cells = |value: &_| cells(&Distribution::from(value), *temporality, unit);
                self.histograms.extend(rows(name, points, cells));
            }
            MetricData::ExponentialHistogram { points, temporality } => {
                let cells = |value: &_| cells(&Distribution::from(value), *temporality, unit);
                self.histograms.extend(rows(name, points, cells));
            }
            MetricData::Summary(points) => {
                self.histograms.extend(rows(name, points, |value| summary_cells(value, unit)));
            }
        }
    }

    /// How many points are in the batch.
    pub(crate) fn points(&self) -> u32 {
        u32::try_from(self.numbers.len() + self.histograms.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.points() == 0
    }

    /// The table with a blank line behind it; the encoder is ready for the next batch.
    pub(crate) fn finish(&mut self) -> Bytes {
        if self.is_empty() {
            return Bytes::new();
        }
        let mut text = self.title();
        let rows = || self.numbers.iter().chain(&self.histograms);
        let names = rows().map(|row| row.name.chars().count());
        let attributes = rows().map(Row::width);
        let widths = Widths {
            name: names.max().unwrap_or(0).clamp("histogram".len(), NAME_WIDTH),
            attributes: attributes.max().unwrap_or(0).clamp("attributes".len(), ATTRIBUTES_WIDTH),
        };
        for (head, columns, rows) in [
            ("metric", &NUMBERS[..], &self.numbers),
            ("histogram", &HISTOGRAMS[..], &self.histograms),
        ] {
            if !rows.is_empty() {
                table(&mut text, self.color, &widths, (head, columns), rows);
            }
        }
        text.push('\n');
        self.numbers.clear();
        self.histograms.clear();
        Bytes::from(text)
    }

    fn title(&self) -> String {
        let rows = self.numbers.iter().chain(&self.histograms);
        let time = rows.map(|row| row.time).max().unwrap_or(0);
        let mut line = Text::new(self.color);
        line.push(Style::Plain, "metrics ");
        line.push(Style::Bold, &clock(time));
        let parts =
            [(Style::Cyan, &self.service), (Style::Plain, &counted(self.points(), "point"))];
        for (style, part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
            line.push(Style::Dim, " · ");
            line.push(style, part);
        }
        format!("{}\n", line.as_str())
    }
}

/// The points of one metric, ordered: their source need not keep an order.
fn rows<V>(name: &str, points: &[Point<'_, V>], cells: impl Fn(&V) -> Vec<String>) -> Vec<Row> {
    let row = |point: &Point<'_, V>| {
        let mut attributes: Vec<String> =
            point.attributes.iter().map(|(key, value)| key_value(key, *value)).collect();
        attributes.sort();
        let cells = match point.flags & NO_RECORDED_VALUE {
            0 => cells(&point.value),
            _ => vec![UNKNOWN.to_owned()],
        };
        Row { time: point.time, name: String::new(), attributes, cells }
    };
    let mut rows: Vec<Row> = points.iter().map(row).collect();
    rows.sort_by(|a, b| a.attributes.cmp(&b.attributes));
    if let Some(first) = rows.first_mut() {
        first.name = clip(name);
    }
    rows
}

fn cells(from: &Distribution, temporality: Temporality, unit: &str) -> Vec<String> {
    let count = counted_since(temporality, from.count.to_string());
    let quantiles = QUANTILES.map(|q| shown(from.quantile(q), unit));
    [count, shown(from.mean, unit)].into_iter().chain(quantiles).collect()
}

/// Of its quantiles those that have a column; no other is guessed from them.
fn summary_cells(from: &Summary, unit: &str) -> Vec<String> {
    let given = |q: f64| from.quantiles.iter().find(|given| given.0 == q).map(|given| given.1);
    let mean = (from.count != 0).then(|| from.sum / from.count as f64);
    let quantiles = QUANTILES.map(|q| shown(given(q), unit));
    [from.count.to_string(), shown(mean, unit)].into_iter().chain(quantiles).collect()
}

fn shown(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| quantity(value, unit))
}

fn counted_since(temporality: Temporality, value: String) -> String {
    match temporality {
        Temporality::Delta if !value.starts_with('-') => format!("+{value}"),
        _ => value,
    }
}

/// Of the columns that all tables of a collection share, in characters.
struct Widths {
    name: usize,
    attributes: usize,
}

impl Row {
    /// Of the attributes' longest line.
    fn width(&self) -> usize {
        self.lines().iter().map(|line| line.chars().count()).max().unwrap_or(0)
    }

    /// The attributes in lines of at most `ATTRIBUTES_WIDTH`, unless one alone is longer.
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![String::new()];
        for attribute in &self.attributes {
            match lines.last_mut() {
                Some(line) if line.is_empty() => line.push_str(attribute),
                Some(line) if fits(line, attribute) => {
                    line.push(' ');
                    line.push_str(attribute);
                }
                _ => lines.push(attribute.clone()),
            }
        }
        lines
    }
}

fn fits(line: &str, attribute: &str) -> bool {
    line.chars().count() + 1 + attribute.chars().count() <= ATTRIBUTES_WIDTH
}

/// The head, then each row; numbers stand on the right of their columns.
fn table(
    text: &mut String,
    color: bool,
    widths: &Widths,
    (head, columns): (&str, &[&str]),
    rows: &[Row],
) {
    let width_of = |(index, column): (usize, &&str)| {
        let cells = rows.iter().filter_map(|row| row.cells.get(index));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(column.len())
    };
    let cell_widths: Vec<usize> = columns.iter().enumerate().map(width_of).collect();
    let mut line = |name: (Style, &str), attributes: &str, cells: (Style, &[String])| {
        let mut line = Text::new(color);
        line.push(Style::Plain, "  ");
        line.push(name.0, name.1);
        line.pad(2 + widths.name);
        line.push(Style::Plain, "  ");
        line.push(Style::Dim, attributes);
        line.pad(2 + widths.name + 2 + widths.attributes);
        for (cell, width) in cells.1.iter().zip(&cell_widths) {
            line.push(cells.0, &format!("  {cell:>width$}"));
        }
        text.push_str(line.as_str().trim_end());
        text.push('\n');
    };
    let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
    line((Style::Dim, head), "attributes", (Style::Dim, &columns));
    for row in rows {
        let attributes = row.lines();
        for (index, attributes) in attributes.iter().enumerate() {
            match index {
                0 => line((Style::Bold, &row.name), attributes, (Style::Plain, &row.cells)),
                _ => line((Style::Plain, ""), attributes, (Style::Plain, &[])),
            }
        }
    }
}
