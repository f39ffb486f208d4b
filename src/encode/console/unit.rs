//! Measured values as a person writes them.

use super::escape::{UNKNOWN, clip};
use super::time::nanos;
use crate::encode::view::Number;

/// What UCUM calls the units of time, and their nanoseconds.
const TIMES: [(&str, f64); 7] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("min", 60e9),
    ("h", 3_600e9),
    ("d", 86_400e9),
];

/// Each unit of bytes is 1024 of the one before it.
const BYTES: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// From here on no unit helps.
const HUGE: f64 = 1e15;

/// A number with its unit; integers keep every digit unless the unit has a larger sister.
pub(super) fn number(value: Number, unit: &str) -> String {
    match value {
        Number::Empty => UNKNOWN.to_owned(),
        Number::I64(value) if !has_sisters(unit) => with_unit(value.to_string(), unit),
        Number::I64(value) => quantity(value as f64, unit),
        Number::F64(value) => quantity(value, unit),
    }
}

/// A value with its unit, in about three digits.
pub(super) fn quantity(value: f64, unit: &str) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    let time = TIMES.into_iter().find(|(name, _)| *name == unit);
    match time {
        _ if value == 0.0 || !value.is_finite() || value.abs() >= HUGE => {
            with_unit(plain(value), unit)
        }
        Some((_, size)) => format!("{sign}{}", nanos(value.abs() * size)),
        None if unit == "By" => format!("{sign}{}", bytes(value.abs())),
        _ => with_unit(plain(value), unit),
    }
}

fn has_sisters(unit: &str) -> bool {
    unit == "By" || TIMES.iter().any(|(name, _)| *name == unit)
}

fn bytes(value: f64) -> String {
    let mut value = value;
    let mut units = BYTES.into_iter();
    let mut unit = units.next();
    while value >= 1023.5 {
        let Some(larger) = units.next() else { break };
        (value, unit) = (value / 1024.0, Some(larger));
    }
    format!("{} {}", plain(value), unit.unwrap_or_default())
}

/// About three digits, more only before the point; without zeros at the end.
fn plain(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => return "0".to_owned(),
        size if !size.is_finite() => return value.to_string(),
        ..0.001 | HUGE.. => return format!("{value:.2e}"),
        ..0.9995 => 3,
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// `1` means that there is none. Braces hold the noun of what is counted, in the singular; the metric's name says it too.
fn with_unit(value: String, unit: &str) -> String {
    match unit {
        "" | "1" => value,
        noun if noun.starts_with('{') && noun.ends_with('}') => value,
        "us" => format!("{value} µs"),
        "By" => format!("{value} B"),
        unit => format!("{value} {}", clip(unit)),
    }
}
