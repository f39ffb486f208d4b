//! Log records: written straight into the thread's ring, with the trace and span of the moment.

mod packed;
mod write;

use std::backtrace::Backtrace;
use std::borrow::Cow;
use std::error::Error;
use std::time::SystemTime;

use crate::config::plan;
use crate::pipeline::clock;
use crate::telemetry::Value;

use super::exception::Exception;
use super::{gate, local, log_filter, metric};

pub(crate) use packed::PackedLog;
pub(crate) use write::Scratch;

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
        local.log(gate, |limits, Scratch { attributes, .. }| {
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
    /// The scratch's text.
    Written,
}

/// The limits of log records; `u32::MAX` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
