//! Another process of this program, which does not outlive this one.

use std::env;
use std::error::Error;
use std::io::{self, BufRead as _, BufReader};
use std::process::{self, Command, Stdio};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

/// How long a process may take for its part.
const PATIENCE: Duration = Duration::from_secs(20);

/// Killed where it is dropped. One that loses this process finds its standard input at an end, and ends too.
pub(crate) struct Child {
    name: &'static str,
    process: process::Child,
}

impl Child {
    /// `trackside demo NAME ADDRESS`, sending to `endpoint` and knowing of no other setting.
    pub(crate) fn start(name: &'static str, address: &str, endpoint: &str) -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["demo", name, address]);
        for (variable, _) in env::vars_os() {
            if variable.to_string_lossy().starts_with("OTEL_") {
                command.env_remove(variable);
            }
        }
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Ok(Self { name, process: command.spawn()? })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// What stands behind `prefix` on its first line.
    pub(crate) async fn says(&mut self, prefix: &str) -> Result<String, Box<dyn Error>> {
        let name = self.name;
        let stdout = self.process.stdout.take().ok_or("it has said its line already")?;
        let line = spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        });
        let line =
            timeout(PATIENCE, line).await.map_err(|_| format!("the {name} says nothing"))???;
        let said = line.trim_end().strip_prefix(prefix);
        Ok(said.ok_or_else(|| format!("the {name} said {line:?} and not where it is"))?.to_owned())
    }

    /// Tells it to end, and waits until it has.
    pub(crate) async fn end(mut self) -> Result<(), Box<dyn Error>> {
        drop(self.process.stdin.take());
        let ended = timeout(PATIENCE, async {
            loop {
                match self.process.try_wait() {
                    Ok(None) => sleep(Duration::from_millis(5)).await,
                    ended => return ended,
                }
            }
        });
        match ended.await.map_err(|_| format!("the {} does not end", self.name))?? {
            Some(status) if !status.success() => Err(format!("the {}: {status}", self.name).into()),
            _ => Ok(()),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail where it has ended, which is what they are for.
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}
