//! The OpenTelemetry Collector as a child process: an OTLP receiver on a free port, a file at the other end.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Failure;

const DEADLINE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

pub(crate) struct Collector {
    child: Child,
    endpoint: String,
    directory: PathBuf,
}

impl Collector {
    pub(crate) fn start(binary: &Path, directory: &Path) -> Result<Self, Failure> {
        let fail = |error: String| format!("Collector ({}): {error}", binary.display());
        let port = free_port().map_err(|error| fail(format!("no free port: {error}")))?;
        let configuration = directory.join("collector.yaml");
        fs::write(&configuration, settings(port, &directory.join("received.jsonl")))
            .map_err(|error| fail(error.to_string()))?;
        let log = File::create(directory.join("collector.log"))
            .map_err(|error| fail(error.to_string()))?;
        let errors = log.try_clone().map_err(|error| fail(error.to_string()))?;
        let child = Command::new(binary)
            .arg("--config")
            .arg(&configuration)
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(|error| fail(error.to_string()))?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let mut collector = Self { child, endpoint, directory: directory.to_owned() };
        collector.wait_until_it_listens(port)?;
        Ok(collector)
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Ends the process; it flushes first. Gives the requests that it received.
    pub(crate) fn stop(mut self) -> Result<Vec<Value>, Failure> {
        let asked = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            return Err(self.failed("`kill -TERM` on its process id failed"));
        }
        match exited_within(&mut self.child, DEADLINE) {
            Some(status) if status.success() => {}
            Some(status) => return Err(self.failed(&format!("ended with {status}"))),
            None => return Err(self.failed(&format!("still running {DEADLINE:?} after SIGTERM"))),
        }
        let received = fs::read_to_string(self.directory.join("received.jsonl"))
            .map_err(|error| self.failed(&format!("received.jsonl: {error}")))?;
        received
            .lines()
            .map(|line| {
                serde_json::from_str(line)
                    .map_err(|error| self.failed(&format!("{error} in {line}")))
            })
            .collect()
    }

    fn wait_until_it_listens(&mut self, port: u16) -> Result<(), Failure> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let begin = Instant::now();
        while TcpStream::connect_timeout(&address, LOOK_AGAIN).is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.failed(&format!("ended with {status} before it listened")));
            }
            if begin.elapsed() > DEADLINE {
                return Err(
                    self.failed(&format!("does not listen on {address} after {DEADLINE:?}"))
                );
            }
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    fn failed(&self, how: &str) -> Failure {
        let log = fs::read_to_string(self.directory.join("collector.log")).unwrap_or_default();
        format!("Collector: {how}; its log:\n{log}")
    }
}

/// For the ways out that did not stop it.
impl Drop for Collector {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The child's status, unless it is still running after `deadline`.
pub(crate) fn exited_within(child: &mut Child, deadline: Duration) -> Option<ExitStatus> {
    let begin = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if begin.elapsed() < deadline => thread::sleep(LOOK_AGAIN),
            _ => return None,
        }
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn settings(port: u16, received: &Path) -> String {
    format!(
        "receivers:
  otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{port}'}}}}}}
exporters:
  file: {{path: '{}'}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [file]}}
",
        received.display()
    )
}
