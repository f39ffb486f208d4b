//! The command line: one file for each command.

mod receive;
mod signals;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    Receive(receive::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Receive(arguments) => receive::run(arguments),
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
