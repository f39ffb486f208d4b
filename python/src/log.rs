//! Records of `logging`, straight into the core's log records.

mod fields;
pub(crate) mod handler;
mod record;

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use trackside::telemetry::{self, Value};

use crate::value::{Attributes, any_text};
use crate::{context, counts, steps};

/// A message longer than this is cut.
const LONGEST: usize = 1024 * 1024;

thread_local! {
    static IS_FORWARDING: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread; `None` where it is forwarding already: what is logged meanwhile comes from an object's
/// own `__str__`, and would come again and again.
struct Turn;

impl Turn {
    fn take() -> Option<Self> {
        if IS_FORWARDING.replace(true) {
            counts::NESTED_LOGS.add(1);
            return None;
        }
        Some(Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        IS_FORWARDING.set(false);
    }
}

/// One log record, in the words of `logging`; with the trace and span that are current in Python or in Rust.
#[pyfunction]
#[pyo3(signature = (level, message, module="", line=0, thread="", extras=None, time=None))]
#[allow(clippy::too_many_arguments, reason = "they are those of a record")]
pub(crate) fn forward_log(
    py: Python<'_>,
    level: i32,
    message: &Bound<'_, PyAny>,
    module: &str,
    line: u32,
    thread: &str,
    extras: Option<&Bound<'_, PyDict>>,
    time: Option<f64>,
) -> PyResult<()> {
    let Some(_turn) = Turn::take() else {
        return Ok(());
    };
    let extras = extras.map(Attributes::of).transpose()?.unwrap_or_default();
    let message = any_text(message)?;
    let said = Said { level, message: message.as_text(), logger: module, line, thread, time };
    extras.lend_behind(Vec::new(), &mut |pairs| said.emit(py, pairs));
    Ok(())
}

/// What a record says besides its attributes.
struct Said<'a> {
    level: i32,
    message: &'a str,
    logger: &'a str,
    line: u32,
    thread: &'a str,
    /// In seconds since 1970; what is no such time is 1970.
    time: Option<f64>,
}

impl Said<'_> {
    fn emit(&self, py: Python<'_>, attributes: &[(&str, Value<'_>)]) {
        let Self { level, message, logger, line, thread, time } = *self;
        let message = cut(message);
        let emit = || match time.map(at) {
            Some(at) => {
                telemetry::forward_log_at(at, level, message, logger, line, thread, attributes);
            }
            None => telemetry::forward_log(level, message, logger, line, thread, attributes),
        };
        match context::held(py) {
            Ok(held) if !held.is_none() => {
                steps::within(context::parent_by(&held), emit);
            }
            // What is current in Rust the core knows by itself.
            _ => emit(),
        }
    }
}

fn cut(message: &str) -> &str {
    if message.len() <= LONGEST {
        return message;
    }
    counts::CUT_VALUES.add(1);
    let mut to = LONGEST;
    while !message.is_char_boundary(to) {
        to -= 1;
    }
    &message[..to]
}

fn at(seconds: f64) -> SystemTime {
    let since = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}
