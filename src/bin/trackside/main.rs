//! The command line: one file for each command.

mod demo;
mod doctor;
mod receive;
mod rpc_host;
mod signals;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

// Generated code looks for itself at the root.
use rpc_host::engine_capnp;

/// Telemetry that stands beside a running host.
#[derive(Parser)]
#[command(name = "trackside", version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Receives telemetry over Cap'n Proto and hands it on.
    Receive(Box<receive::Arguments>),
    /// Shows it all at once: a host, a client and a receiver, and the trace that they make.
    ///
    /// With OTEL_EXPORTER_OTLP_ENDPOINT set the receiver sends it there too, by OTLP over HTTP.
    Demo(demo::Arguments),
    /// Says what this environment configures, sends a span, a metric point and a log record to each
    /// destination, and says whether they arrived.
    ///
    /// Exit status: 0 all arrived, 1 something did not, or there is nowhere to send to.
    Doctor(doctor::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Receive(arguments) => receive::run(*arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Doctor(arguments) => return doctor::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// To whoever watches; where nobody does, nobody is told.
fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "trackside: {line}");
}
