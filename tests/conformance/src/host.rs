//! `quickstart`, started with environment variables only.

use std::env;
use std::fs::{self, File};
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Failure;
use crate::collector::exited_within;

const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Ran {
    pub(crate) last_line: String,
    /// When, in nanoseconds since 1970.
    pub(crate) ran: RangeInclusive<u64>,
}

pub(crate) fn run(
    quickstart: &Path,
    endpoint: &str,
    attribute_limit: Option<usize>,
    directory: &Path,
) -> Result<Ran, Failure> {
    let fail = |error| format!("quickstart ({}): {error}", quickstart.display());
    let output = directory.join("quickstart.log");
    let log = File::create(&output).map_err(|error| fail(error.to_string()))?;
    let errors = log.try_clone().map_err(|error| fail(error.to_string()))?;

    let mut command = Command::new(quickstart);
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().to_uppercase();
        if name.starts_with("OTEL_") || name.ends_with("_PROXY") {
            command.env_remove(&name).env_remove(name.to_lowercase());
        }
    }
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).stdout(log).stderr(errors);
    if let Some(limit) = attribute_limit {
        command.env("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", limit.to_string());
    }

    let begin = now();
    let mut child = command.spawn().map_err(|error| fail(error.to_string()))?;
    let status = exited_within(&mut child, DEADLINE);
    let ran = begin..=now();
    let output = fs::read_to_string(&output).unwrap_or_default();
    match status {
        Some(status) if status.success() => {
            Ok(Ran { last_line: output.lines().last().unwrap_or("").to_owned(), ran })
        }
        Some(status) => Err(fail(format!("{status}; it said:\n{output}"))),
        None => {
            let _ = child.kill();
            let _ = child.wait();
            Err(fail(format!("still running after {DEADLINE:?}; it said:\n{output}")))
        }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
