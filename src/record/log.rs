//! Log records: written straight into the thread's ring, with the trace and span of the moment.

use std::error::Error;
use std::time::SystemTime;

use crate::config::plan;
use crate::encode::view::{Any, Attributes, LogView};
use crate::pipeline::clock::{self, Anchor};
use crate::telemetry::Value;

use super::attributes::{AttributeBuffer, each_attribute, text};
use super::bytes::Reader;
use super::exception::Exception;
use super::local::{self, Lane, Local};
use super::{gate, metric};

const HEAD: usize = 60;

/// One log record, now, with the current trace and span.
///
/// `level` counts as Python's `logging` does: 10 DEBUG, 20 INFO, 30 WARNING, 40 ERROR, 50 CRITICAL,
/// and what lies between belongs to the band below. They become OTLP's DEBUG 5, INFO 9, WARN 13,
/// ERROR 17 and FATAL 21; less than 10 is TRACE 1. `module` is the logger's name, and becomes the
/// instrumentation scope; `line` (from 1; 0 is unknown) `code.line.number`; `thread` `thread.name`.
///
/// ```
/// use trackside::telemetry;
///
/// telemetry::forward_log(30, "queue is long", "shop.orders", 17, "worker-1", &[("length", 9_u32.into())]);
/// ```
pub fn forward_log(
    level: i32,
    message: &str,
    module: &str,
    line: u32,
    thread: &str,
    extras: &[(&str, Value<'_>)],
) {
    forward(None, level, message, module, line, thread, extras);
}

/// [`forward_log`] with the record's own time.
pub fn forward_log_at(
    at: SystemTime,
    level: i32,
    message: &str,
    module: &str,
    line: u32,
    thread: &str,
    extras: &[(&str, Value<'_>)],
) {
    forward(Some(at), level, message, module, line, thread, extras);
}

/// One log record about an error, with the current trace and span.
///
/// As [`forward_log`], with `exception.message`, `exception.stacktrace` (the chain of causes) and,
/// for errors of the standard library, `exception.type`.
///
/// ```
/// use trackside::telemetry;
///
/// if let Err(error) = "many".parse::<u32>() {
///     telemetry::log_error(40, "cannot read the length", "shop.orders", 17, "worker-1", &error);
/// }
/// ```
pub fn log_error(
    level: i32,
    message: &str,
    module: &str,
    line: u32,
    thread: &str,
    error: &(dyn Error + 'static),
) {
    if is_heard() {
        let exception = Exception::new(error, None);
        let attributes: Vec<_> = exception.attributes().collect();
        forward(None, level, message, module, line, thread, &attributes);
    }
}

/// Whether a record would be written or counted.
fn is_heard() -> bool {
    gate::read() & (gate::LOGS | gate::MEASURES | gate::CAPTURES) != 0 && !local::is_suppressed()
}

/// The bands of Python's levels: the number from which one begins, OTLP's severity, and its name.
pub(crate) const BANDS: [(i32, u8, &str); 6] = [
    (50, 21, "FATAL"),
    (40, 17, "ERROR"),
    (30, 13, "WARN"),
    (20, 9, "INFO"),
    (10, 5, "DEBUG"),
    (i32::MIN, 1, "TRACE"),
];

fn forward(
    at: Option<SystemTime>,
    level: i32,
    message: &str,
    module: &str,
    line: u32,
    thread: &str,
    extras: &[(&str, Value<'_>)],
) {
    if !is_heard() {
        return;
    }
    let gate = gate::read();
    let band = BANDS.iter().position(|(from, ..)| level >= *from).unwrap_or(BANDS.len() - 1);
    metric::count_forwarded_log(band);
    local::with(|local| {
        local.log(gate, |limits, attributes| {
            let mut set = |key: &str, value| {
                attributes.set(key, value, limits.attributes, limits.value_length)
            };
            if line > 0 {
                set("code.line.number", line.into());
            }
            if !thread.is_empty() {
                set("thread.name", thread.into());
            }
            for (key, value) in extras {
                set(key, *value);
            }
            Entry { at, severity: BANDS[band].1, body: message, scope: module }
        });
    });
}

/// What a log record says besides its attributes.
struct Entry<'a> {
    /// Its own time; now, where there is none.
    at: Option<SystemTime>,
    severity: u8,
    body: &'a str,
    scope: &'a str,
}

/// The limits of log records; `u32::MAX` is no limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogLimits {
    pub(crate) value_length: u32,
    pub(crate) attributes: u32,
}

impl LogLimits {
    pub(crate) const NONE: Self = Self { value_length: u32::MAX, attributes: u32::MAX };
}

impl From<&plan::LogLimits> for LogLimits {
    fn from(plan: &plan::LogLimits) -> Self {
        let clamp = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
        Self {
            value_length: plan.value_length.map_or(u32::MAX, clamp),
            attributes: clamp(plan.attributes),
        }
    }
}

impl Local {
    fn log<'a>(&self, gate: u32, write: impl FnOnce(LogLimits, &mut AttributeBuffer) -> Entry<'a>) {
        let Some((limits, capture)) = self.log_settings(gate) else {
            return;
        };
        // Taken out, since a value's `Display` may itself log.
        let mut attributes = self.log_attributes.take().unwrap_or_default();
        attributes.clear();
        let entry = write(limits, &mut attributes);
        let context = self.current();
        let now = clock::ticks();
        let time = entry.at.map_or(now, clock::unix_nanos);
        let mut head = [0; HEAD];
        let mut at = 0;
        let mut put = |piece: &[u8]| {
            head[at..at + piece.len()].copy_from_slice(piece);
            at += piece.len();
        };
        put(&[entry.severity, entry.at.is_some().into(), context.flags, 0]);
        put(&context.trace.to_le_bytes());
        for word in [context.span, time, now] {
            put(&word.to_le_bytes());
        }
        let sections = [entry.body.as_bytes(), entry.scope.as_bytes(), attributes.bytes()];
        put(&attributes.dropped().to_le_bytes());
        for section in sections {
            put(&(section.len() as u32).to_le_bytes());
        }
        let [body, scope, bytes] = sections;
        let pieces = [&head[..], body, scope, bytes];
        match capture {
            Some(capture) => capture.take_log(&pieces),
            None => self.push(Lane::Logs, &pieces),
        }
        attributes.shrink(4096);
        self.log_attributes.set(Some(attributes));
    }
}

/// A packed log record, read.
pub(crate) struct PackedLog<'a> {
    severity: u8,
    trace_flags: u8,
    trace: u128,
    span: u64,
    time: u64,
    observed: u64,
    dropped: u32,
    body: &'a [u8],
    scope: &'a [u8],
    attributes: &'a [u8],
}

impl<'a> PackedLog<'a> {
    /// Reads a record; its ticks become time by the anchor.
    pub(crate) fn read(bytes: &'a [u8], anchor: &Anchor) -> Self {
        let mut from = Reader(bytes);
        let (severity, has_time, trace_flags) = (from.u8(), from.u8() != 0, from.u8());
        from.piece(1);
        let (trace, span, time) = (from.u128(), from.u64(), from.u64());
        let observed = anchor.unix_nanos(from.u64());
        let dropped = from.u32();
        let lengths: [u32; 3] = std::array::from_fn(|_| from.u32());
        from.0 = bytes.get(HEAD..).unwrap_or_default();
        let [body, scope, attributes] = lengths.map(|length| from.piece(length as usize));
        let time = if has_time { time } else { anchor.unix_nanos(time) };
        Self {
            severity,
            trace_flags,
            trace,
            span,
            time,
            observed,
            dropped,
            body,
            scope,
            attributes,
        }
    }
}

impl Attributes for PackedLog<'_> {
    fn attributes(&self, each: impl FnMut(&str, Any<'_>)) {
        each_attribute(self.attributes, each);
    }

    fn dropped_attributes(&self) -> u32 {
        self.dropped
    }
}

impl LogView for PackedLog<'_> {
    fn time(&self) -> u64 {
        self.time
    }

    fn observed(&self) -> u64 {
        self.observed
    }

    fn severity(&self) -> u8 {
        self.severity
    }

    fn severity_text(&self) -> &str {
        BANDS.iter().find(|band| band.1 == self.severity).map_or("", |band| band.2)
    }

    fn body(&self, take: impl FnOnce(Any<'_>)) {
        take(Any::Str(text(self.body)));
    }

    fn trace(&self) -> u128 {
        self.trace
    }

    fn span(&self) -> u64 {
        self.span
    }

    fn trace_flags(&self) -> u8 {
        self.trace_flags
    }

    fn scope(&self) -> &str {
        text(self.scope)
    }

    fn event_name(&self) -> &str {
        ""
    }
}
