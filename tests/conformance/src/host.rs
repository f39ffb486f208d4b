//! A host, started with environment variables only.

use std::env;
use std::fs::{self, File};
use std::io::Write as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::Failure;
use crate::collector::exited_within;

const DEADLINE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

pub(crate) struct Host {
    name: String,
    child: Child,
    output: PathBuf,
    begin: u64,
}

/// A host that ended well.
pub(crate) struct Ran {
    pub(crate) output: String,
    /// When, in nanoseconds since 1970.
    pub(crate) ran: RangeInclusive<u64>,
}

impl Host {
    /// Of the variables that matter to telemetry it sees only these.
    pub(crate) fn start(
        binary: &Path,
        variables: &[(&str, String)],
        directory: &Path,
    ) -> Result<Self, Failure> {
        let name = binary.display().to_string();
        let fail = |error: std::io::Error| format!("{name}: {error}");
        let output = directory.join("host.log");
        let log = File::create(&output).map_err(fail)?;
        let errors = log.try_clone().map_err(fail)?;
        let mut command = Command::new(binary);
        without_telemetry(&mut command);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let begin = now();
        let child = command.stdin(Stdio::piped()).stdout(log).stderr(errors).spawn();
        Ok(Self { child: child.map_err(fail)?, name, output, begin })
    }

    /// Waits for a line that it prints.
    pub(crate) fn says(&mut self, line: &str) -> Result<(), Failure> {
        let begin = Instant::now();
        while !self.output().lines().any(|said| said == line) {
            let has_ended = !matches!(self.child.try_wait(), Ok(None));
            if has_ended || begin.elapsed() > DEADLINE {
                return Err(self.failed(&format!("does not say {line:?}")));
            }
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    /// Gives it a line.
    pub(crate) fn tell(&mut self, line: &str) -> Result<(), Failure> {
        let told = self.child.stdin.as_mut().map(|input| writeln!(input, "{line}"));
        match told {
            Some(Ok(())) => Ok(()),
            _ => Err(self.failed("does not listen")),
        }
    }

    pub(crate) fn finish(mut self) -> Result<Ran, Failure> {
        match exited_within(&mut self.child, DEADLINE) {
            Some(status) if status.success() => {
                Ok(Ran { output: self.output(), ran: self.begin..=now() })
            }
            Some(status) => Err(self.failed(&status.to_string())),
            None => Err(self.failed(&format!("still running after {DEADLINE:?}"))),
        }
    }

    fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    fn failed(&self, how: &str) -> Failure {
        format!("{}: {how}; it said:\n{}", self.name, self.output())
    }
}

/// Takes the variables that matter to telemetry out of what a process is started with.
pub(crate) fn without_telemetry(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().to_uppercase();
        if name.starts_with("OTEL_") || name.ends_with("_PROXY") {
            command.env_remove(&name).env_remove(name.to_lowercase());
        }
    }
}

/// For the ways out that did not wait for its end.
impl Drop for Host {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
