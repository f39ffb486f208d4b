//! What a span costs on its way to a receiver, ours against opentelemetry-otlp. `scripts/bench-wire` runs it.
//!
//! Three kinds of process: the driver, one server for each protocol, and a client for each measurement. A client hands
//! batches of the same spans to one exporter and waits for each answer; each server answers once it has read every
//! field. CPU time is what the kernel has charged to the whole process, in user and system mode.

mod case;
mod client;
mod cpu;
mod drive;
mod exporters;
mod host;
mod pipeline;
mod receiver;
mod record;
mod relay;
mod server;
mod spans;

use std::error::Error;
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["server", kind, ref rest @ ..] => server::run(kind, rest),
        ["client", ref rest @ ..] => client::run(rest),
        ["flood", ref rest @ ..] => receiver::flood(rest),
        ["wire", file, ref rest @ ..] => drive::run(file, rest),
        ["receiver", file, ref rest @ ..] => receiver::run(file, rest),
        _ => {
            Err("usage: wire-bench wire FILE [--quick | --ends [ROUNDS]] | receiver FILE [--quick]"
                .into())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wire-bench: FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}
