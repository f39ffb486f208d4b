//! The three receivers. Each reads every field before it answers, counts spans, and has one core.

mod capnp;
mod grpc;
mod http;
mod touch;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::Result;
use crate::cpu::{self, Core};

/// What a server says of itself, asked by a line.
type Count = Arc<dyn Fn() -> u64 + Send + Sync>;

/// `capnp [URL]|grpc|http|discard`: prints its address, then a count of spans for each line that it is sent.
pub fn run(kind: &str, arguments: &[&str]) -> Result<()> {
    cpu::pin(if kind == "discard" { Core::Client } else { Core::Server })?;
    let spans = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&spans);
    let count: Count = Arc::new(move || counted.load(Ordering::Acquire));
    match (kind, arguments) {
        ("capnp", []) => capnp::serve(None),
        ("capnp", [url]) => capnp::serve(Some(url)),
        ("grpc", []) => grpc::serve(spans, |address| announce(address, count)),
        ("http", []) => http::serve(spans, true, |address| announce(address, count)),
        ("discard", []) => http::serve(spans, false, |address| announce(address, count)),
        _ => Err(format!("no server {kind} {arguments:?}").into()),
    }
}

fn announce(address: SocketAddr, count: Count) {
    say(&address.to_string());
    thread::spawn(move || answer(&*count));
}

/// Until nobody asks any more, which ends the process.
fn answer(count: &(dyn Fn() -> u64 + Send + Sync)) {
    for line in std::io::stdin().lock().lines() {
        if line.is_err() {
            break;
        }
        say(&format!("{} {}", count(), resident().unwrap_or(0)));
    }
    std::process::exit(0);
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Without a reader there is nobody to tell.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// KiB of memory that the process has.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// A server's process, which ends with its handle.
pub struct Server {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub address: String,
}

impl Server {
    pub fn start(kind: &str, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("server").arg(kind).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let answers = child.stdout.take().ok_or("a server without an output")?;
        let questions = child.stdin.take();
        let mut server =
            Self { child, questions, answers: BufReader::new(answers), address: String::new() };
        server.address = server.line()?;
        Ok(server)
    }

    pub fn process(&self) -> i32 {
        self.child.id() as i32
    }

    /// The spans that it has counted, and the KiB that it has.
    pub fn ask(&mut self) -> Result<(u64, u64)> {
        let questions = self.questions.as_mut().ok_or("a server without an input")?;
        questions.write_all(b"\n")?;
        let line = self.line()?;
        let (spans, memory) = line.split_once(' ').ok_or("a server's answer has two numbers")?;
        Ok((spans.parse()?, memory.parse()?))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.is_empty() { Err("a server ended".into()) } else { Ok(line.trim().to_owned()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.questions.take();
        let _ = self.child.wait();
    }
}
