//! `trackside receive`, or another that takes its arguments, as a child process between a host and the Collector.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::collector::exited_within;
use crate::host::without_telemetry;

const DEADLINE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

pub(crate) struct Receiver {
    child: Child,
    endpoint: String,
    output: PathBuf,
}

impl Receiver {
    /// It answers a batch once the Collector has it.
    pub(crate) fn start(
        binary: &Path,
        script: Option<&Path>,
        collector: &str,
        directory: &Path,
    ) -> Result<Self, Failure> {
        let fail = |error: std::io::Error| format!("{}: {error}", binary.display());
        let output = directory.join("receiver.log");
        let log = File::create(&output).map_err(fail)?;
        let errors = log.try_clone().map_err(fail)?;
        let mut command = Command::new(binary);
        without_telemetry(&mut command);
        let child = command
            .args(script)
            .args(["receive", "--listen", "127.0.0.1:0", "--durability", "forwarded"])
            .args(["--forward", collector])
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(fail)?;
        let mut receiver = Self { child, endpoint: String::new(), output };
        receiver.endpoint = receiver.listens()?;
        Ok(receiver)
    }

    /// Its first line has the port.
    fn listens(&mut self) -> Result<String, Failure> {
        let begin = Instant::now();
        loop {
            let said = self.said();
            // The last line may be half there.
            let whole = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let place = whole.lines().find_map(|line| line.strip_prefix("listening at "));
            if let Some(place) = place {
                return Ok(place.to_owned());
            }
            let has_ended = !matches!(self.child.try_wait(), Ok(None));
            if has_ended || begin.elapsed() > DEADLINE {
                return Err(self.failed("does not listen"));
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// It ends well only where all that it took has been passed on.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        let asked = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            return Err(self.failed("`kill -TERM` on its process id failed"));
        }
        match exited_within(&mut self.child, DEADLINE) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.failed(&format!("ended with {status}"))),
            None => Err(self.failed(&format!("still running {DEADLINE:?} after SIGTERM"))),
        }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    fn failed(&self, how: &str) -> Failure {
        format!("trackside receive: {how}; it said:\n{}", self.said())
    }
}

/// For the ways out that did not stop it.
impl Drop for Receiver {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
