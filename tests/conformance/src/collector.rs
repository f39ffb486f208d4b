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

/// What it does with what it is sent.
#[derive(Clone, Copy)]
pub(crate) enum Answers {
    /// It keeps all of it.
    Accepted,
    /// `memory_limiter` lets nothing through: 503.
    Refused,
}

pub(crate) struct Collector {
    child: Child,
    endpoint: String,
    grpc: String,
    directory: PathBuf,
}

impl Collector {
    /// Each has a directory of its own.
    pub(crate) fn start(
        binary: &Path,
        directory: &Path,
        port: u16,
        answers: Answers,
    ) -> Result<Self, Failure> {
        let fail = |error: String| format!("Collector ({}): {error}", binary.display());
        fs::create_dir_all(directory).map_err(|error| fail(error.to_string()))?;
        let configuration = directory.join("collector.yaml");
        let grpc = free_port()?;
        fs::write(
            &configuration,
            settings([port, grpc], &directory.join("received.jsonl"), answers),
        )
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
        let grpc = format!("http://127.0.0.1:{grpc}");
        let mut collector = Self { child, endpoint, grpc, directory: directory.to_owned() };
        collector.wait_until_it_listens(port)?;
        if let Answers::Refused = answers {
            collector.wait_until_it_refuses()?;
        }
        Ok(collector)
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The same for gRPC.
    pub(crate) fn grpc(&self) -> &str {
        &self.grpc
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

    /// The limiter looks at the memory every 100 ms, and says so when it closes.
    fn wait_until_it_refuses(&self) -> Result<(), Failure> {
        let begin = Instant::now();
        while !self.log().contains("Refusing data") {
            if begin.elapsed() > DEADLINE {
                return Err(self.failed(&format!("refuses nothing after {DEADLINE:?}")));
            }
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("collector.log")).unwrap_or_default()
    }

    fn failed(&self, how: &str) -> Failure {
        format!("Collector: {how}; its log:\n{}", self.log())
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

pub(crate) fn free_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|bound| bound.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("no free port: {error}"))
}

fn settings([http, grpc]: [u16; 2], received: &Path, answers: Answers) -> String {
    let processors = match answers {
        Answers::Accepted => "[]",
        Answers::Refused => "[memory_limiter]",
    };
    format!(
        "receivers:
  otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{grpc}'}}, http: {{endpoint: '127.0.0.1:{http}'}}}}}}
processors:
  memory_limiter: {{check_interval: 100ms, limit_mib: 1, spike_limit_mib: 0}}
exporters:
  file: {{path: '{}'}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], processors: {processors}, exporters: [file]}}
    metrics: {{receivers: [otlp], processors: {processors}, exporters: [file]}}
    logs: {{receivers: [otlp], processors: {processors}, exporters: [file]}}
",
        received.display()
    )
}
