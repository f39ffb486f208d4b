//! `trackside doctor`.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use trackside::doctor;
use trackside::telemetry::TelemetryConfig;

use crate::say;

#[derive(Args)]
pub(crate) struct Arguments {
    /// One object of JSON instead of text
    #[arg(long)]
    json: bool,
    /// As a host that asks for the specification's default: OTLP to http://localhost:4318
    #[arg(long)]
    spec_defaults: bool,
    /// Seconds that a destination may take
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = super::receive::seconds)]
    timeout: Duration,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let config = match arguments.spec_defaults {
        true => TelemetryConfig::spec_defaults(),
        false => TelemetryConfig::default(),
    };
    let examination = match doctor::examine(&config, arguments.timeout) {
        Ok(examination) => examination,
        Err(error) => {
            say(&error.to_string());
            return ExitCode::FAILURE;
        }
    };
    let text = match arguments.json {
        true => examination.to_json(),
        false => examination.to_string(),
    };
    let written = writeln!(std::io::stdout().lock(), "{text}");
    match examination.is_healthy() && written.is_ok() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
