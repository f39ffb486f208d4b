//! Log records: written straight into the thread's ring, with the trace and span of the moment.

use std::backtrace::Backtrace;
use std::borrow::Cow;
use std::error::Error;
use std::time::SystemTime;

use crate::config::plan;
use crate::context::Parent;
use crate::encode::view::{Any, Attributes, LogView};
use crate::pipeline::clock::{self, Anchor};
use crate::telemetry::Value;

use super::attributes::{AttributeBuffer, each_attribute};
use super::bytes::Reader;
use super::exception::Exception;
use super::local::{self, Lane, Local};
use super::values::{alone, text, value};
use super::{gate, log_filter, metric};

const HEAD: usize = 72;

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
    forward_error(level, message, module, line, thread, error, None);
}

/// [`log_error`] with the backtrace that belongs to the error, below the chain of causes.
///
/// Nothing is added unless it was captured. Stable Rust has no way to get it out of the error.
///
/// ```
/// use std::backtrace::Backtrace;
/// use trackside::telemetry;
///
/// if let Err(error) = "many".parse::<u32>() {
///     let here = Backtrace::capture(); // with RUST_BACKTRACE=1
///     telemetry::log_error_with(40, "cannot read", "shop.orders", 17, "worker-1", &error, &here);
/// }
/// ```
pub fn log_error_with(
    level: i32,
    message: &str,
    module: &str,
    line: u32,
    thread: &str,
    error: &(dyn Error + 'static),
    backtrace: &Backtrace,
) {
    forward_error(level, message, module, line, thread, error, Some(backtrace));
}

fn forward_error(
    level: i32,
    message: &str,
    module: &str,
    line: u32,
    thread: &str,
    error: &(dyn Error + 'static),
    backtrace: Option<&Backtrace>,
) {
    if is_heard() {
        let exception = Exception::new(error, backtrace);
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
    if !log_filter::admits(module, BANDS[band].1) {
        return;
    }
    metric::count_forwarded_log(band);
    local::with(|local| {
        local.log(gate, None, |limits, attributes| {
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
            Some(Entry {
                at: at.map(clock::wall),
                severity: BANDS[band].1,
                body: Body::Value(message.into()),
                scope: module.into(),
                ..Entry::default()
            })
        });
    });
}

/// What a log record says besides its attributes.
#[derive(Default)]
pub(super) struct Entry<'a> {
    /// Its own time, in ticks; now, where there is none.
    pub(super) at: Option<u64>,
    /// When it came to us; as `at`.
    pub(super) observed: Option<u64>,
    pub(super) severity: u8,
    /// As its source calls it; where it is empty, the severity's own name.
    pub(super) severity_text: &'a str,
    pub(super) body: Body<'a>,
    pub(super) event_name: &'a str,
    /// The logger's name.
    pub(super) scope: Cow<'a, str>,
    /// Trace, span and flags; the current context's, where there are none.
    pub(super) context: Option<(u128, u64, u8)>,
}

/// What a log record says.
#[derive(Default)]
pub(super) enum Body<'a> {
    #[default]
    None,
    Value(Value<'a>),
    /// Borrowed, or made for this record.
    Text(Cow<'a, str>),
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
    /// Records what `write` says, if anything, in this context, or in the current one.
    pub(super) fn log<'a>(
        &self,
        gate: u32,
        context: Option<Parent>,
        write: impl FnOnce(LogLimits, &mut AttributeBuffer) -> Option<Entry<'a>>,
    ) {
        let Some((limits, capture)) = self.log_settings(gate) else {
            return;
        };
        // Taken out, since a value's `Display` may itself log.
        let mut attributes = self.log_attributes.take().unwrap_or_default();
        let Some(entry) = write(limits, &mut attributes) else {
            return;
        };
        let (trace, span, flags) = match (entry.context, context) {
            (Some(ids), _) => ids,
            (None, Some(context)) => (context.trace, context.span, context.flags),
            (None, None) => self.current_ids(),
        };
        let now = clock::ticks();
        let mut body = Vec::new();
        let (body_tag, body) = match &entry.body {
            Body::None => (0, &[][..]),
            Body::Value(value) => alone(*value, &mut body),
            Body::Text(text) => alone(Value::Str(text), &mut body),
        };
        let (scope, event_name) = (entry.scope.as_bytes(), entry.event_name.as_bytes());
        let (severity_text, bytes) = (entry.severity_text.as_bytes(), attributes.bytes());
        let pair = |low: u32, high: usize| u64::from(low) | (high as u64) << 32;
        let bits = u32::from_le_bytes([entry.severity, body_tag, flags, 0]);
        let head: [u64; HEAD / 8] = [
            pair(bits, attributes.dropped() as usize),
            trace as u64,
            (trace >> 64) as u64,
            span,
            entry.at.unwrap_or(now),
            entry.observed.unwrap_or(now),
            pair(body.len() as u32, scope.len()),
            pair(event_name.len() as u32, severity_text.len()),
            bytes.len() as u64,
        ];
        let head = head.map(u64::to_le);
        match capture {
            Some(capture) => {
                let head = head.iter().flat_map(|word| word.to_ne_bytes());
                let rest = [body, scope, event_name, severity_text, bytes].concat();
                capture.take_log(&head.chain(rest).collect::<Vec<_>>());
            }
            // Few records have the two, and a piece costs even where it is empty.
            None if event_name.is_empty() && severity_text.is_empty() => {
                self.push(Lane::Logs, &head, &[body, scope, bytes]);
            }
            None => self.push(Lane::Logs, &head, &[body, scope, event_name, severity_text, bytes]),
        }
        attributes.clear();
        self.log_attributes.set(Some(attributes));
        if let Body::Text(Cow::Owned(mut text)) = entry.body {
            text.clear();
            text.shrink_to(4096);
            self.log_text.set(Some(text));
        }
    }
}

/// A packed log record, read.
pub(crate) struct PackedLog<'a> {
    severity: u8,
    body_tag: u8,
    trace_flags: u8,
    trace: u128,
    span: u64,
    time: u64,
    observed: u64,
    dropped: u32,
    body: &'a [u8],
    scope: &'a [u8],
    event_name: &'a [u8],
    severity_text: &'a [u8],
    attributes: &'a [u8],
}

impl<'a> PackedLog<'a> {
    /// Reads a record; its ticks become time by the anchor.
    pub(crate) fn read(bytes: &'a [u8], anchor: &Anchor) -> Self {
        let mut from = Reader(bytes);
        let (severity, body_tag, trace_flags) = (from.u8(), from.u8(), from.u8());
        from.piece(1);
        let dropped = from.u32();
        let (trace, span) = (from.u128(), from.u64());
        let time = anchor.unix_nanos(from.u64());
        let observed = anchor.unix_nanos(from.u64());
        let lengths: [u32; 5] = std::array::from_fn(|_| from.u32());
        from.0 = bytes.get(HEAD..).unwrap_or_default();
        let [body, scope, event_name, severity_text, attributes] =
            lengths.map(|length| from.piece(length as usize));
        Self {
            severity,
            body_tag,
            trace_flags,
            trace,
            span,
            time,
            observed,
            dropped,
            body,
            scope,
            event_name,
            severity_text,
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
        match text(self.severity_text) {
            "" => BANDS.iter().find(|band| band.1 == self.severity).map_or("", |band| band.2),
            given => given,
        }
    }

    fn body(&self, take: impl FnOnce(Any<'_>)) {
        if self.body_tag != 0 {
            value(self.body_tag, self.body, take);
        }
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
        text(self.event_name)
    }
}
