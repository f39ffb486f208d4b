//! Other interfaces' spans and records, on the same stack and in the same rings as ours.

mod entries;
mod events;
mod fields;
mod held;
mod install;
mod log;
pub(crate) mod otel;
mod parked;
mod places;
mod tracing;
mod visit;

pub use self::log::Logger;
pub use self::tracing::{Layer, LogsAs, context_of, layer, set_parent};
pub(crate) use install::{follow, install, is_installed};
pub(crate) use parked::hold;
pub(crate) use places::Places;

use crate::telemetry::Value;

use super::local::Local;

/// Targets that never go through: what telemetry says about itself must not make more of it.
#[inline]
fn is_own(target: &str) -> bool {
    matches!(target.as_bytes(), [b't' | b'o', ..]) && is_own_name(target)
}

fn is_own_name(target: &str) -> bool {
    let crates = [
        "trackside",
        "opentelemetry",
        "opentelemetry_sdk",
        "opentelemetry-otlp",
        "opentelemetry-http",
    ];
    let is_of = |rest: &str| rest.is_empty() || rest.starts_with("::");
    crates.iter().any(|name| target.strip_prefix(name).is_some_and(is_of))
}

/// Where a log record was made.
fn set_place(
    local: &Local,
    file: Option<&str>,
    line: Option<u32>,
    mut set: impl FnMut(&str, Value<'_>),
) {
    if let Some(file) = file {
        set("code.file.path", file.into());
    }
    if let Some(line) = line {
        set("code.line.number", line.into());
    }
    local.with_thread_name(|name| set("thread.name", name.into()));
}
