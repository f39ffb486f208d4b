//! Log records as text for a person: one line for each.
//!
//! ```text
//! 13:33:20.123 WARN  orders.stock  stock is low  item=42 left=3  trace 4bf92f35
//! ```

use bytes::Bytes;

use super::escape::{clip, key_value, value};
use super::paint::{Style, Text};
use super::span::counted;
use super::time::clock;
use crate::encode::view::{LogView, scope_parts};
use crate::telemetry::TraceId;

/// How many digits of a trace's id tell it from its neighbours.
const TRACE_DIGITS: usize = 8;

/// Gathers log records and hands out text.
#[derive(Debug)]
pub(crate) struct LogsConsole {
    color: bool,
    text: String,
    logs: u32,
}

impl LogsConsole {
    pub(crate) fn new(color: bool) -> Self {
        Self { color, text: String::new(), logs: 0 }
    }

    /// Adds a record to the batch.
    pub(crate) fn log(&mut self, log: &impl LogView) {
        self.log_of("", log);
    }

    /// The same of a service, whose name is safe to show.
    pub(crate) fn log_of(&mut self, service: &str, log: &impl LogView) {
        self.text.push_str(line(service, log, self.color).as_str());
        self.text.push('\n');
        self.logs += 1;
    }

    /// How many records are in the batch.
    #[cfg(test)]
    pub(crate) fn logs(&self) -> u32 {
        self.logs
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.logs == 0
    }

    /// The text, a blank line after the batch; the encoder is ready for the next one.
    pub(crate) fn finish(&mut self) -> Bytes {
        if self.logs != 0 {
            self.text.push('\n');
        }
        self.logs = 0;
        Bytes::from(std::mem::take(&mut self.text))
    }
}

fn line(service: &str, log: &impl LogView, color: bool) -> Text {
    let mut line = Text::new(color);
    let time = if log.time() == 0 { log.observed() } else { log.time() };
    line.push(Style::Dim, &clock(time));
    let (style, level) = level(log);
    line.push(Style::Plain, " ");
    line.push(style, &format!("{level:<5}"));
    let mut message = String::new();
    log.body(|body| message = value(body));
    let parts = [
        (Style::Cyan, service.to_owned()),
        (Style::Cyan, clip(scope_parts(log.scope()).0)),
        (Style::Bold, clip(log.event_name())),
        (Style::Plain, message),
    ];
    let mut gap = " ";
    for (style, part) in parts.iter().filter(|(_, part)| !part.is_empty()) {
        line.push(Style::Plain, gap);
        line.push(*style, part);
        gap = "  ";
    }
    log.attributes(|key, value| {
        line.push(Style::Plain, std::mem::replace(&mut gap, " "));
        line.push(Style::Dim, &key_value(key, value));
    });
    if log.dropped_attributes() != 0 {
        let dropped = counted(log.dropped_attributes(), "attribute");
        line.push(Style::Dim, &format!(" ({dropped} dropped)"));
    }
    if log.trace() != 0 {
        let trace = TraceId(log.trace()).to_string();
        line.push(Style::Dim, &format!("  trace {}", &trace[..TRACE_DIGITS]));
    }
    line
}

/// OpenTelemetry's name of the level; its source's name if that is all there is.
fn level(log: &impl LogView) -> (Style, String) {
    let (style, name) = match log.severity() {
        1..=4 => (Style::Dim, "TRACE"),
        5..=8 => (Style::Dim, "DEBUG"),
        9..=12 => (Style::Cyan, "INFO"),
        13..=16 => (Style::Yellow, "WARN"),
        17..=20 => (Style::Red, "ERROR"),
        21..=24 => (Style::Red, "FATAL"),
        _ => (Style::Plain, log.severity_text()),
    };
    (style, clip(name))
}
