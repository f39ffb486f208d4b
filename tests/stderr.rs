//! Standard error is silent, unless `OTEL_LOG_LEVEL` asks and no logger is set: then a line for each
//! change of state. Seen from a process that starts this one again with variables of its own.

#![cfg(feature = "telemetry")]

mod support;

use std::process::Command;

use support::collector::{Collector, Step};
use support::{SOON, record};
use trackside::telemetry::{self, TelemetryConfig};

/// What the child `test` writes to standard error with this `OTEL_LOG_LEVEL`, line by line.
fn shown(test: &str, level: Option<&str>) -> Vec<String> {
    let program = std::env::current_exe().expect("a test has a path");
    let mut child = Command::new(program);
    child.args(["--exact", test, "--ignored"]).env_clear();
    child.env("OTEL_SERVICE_NAME", "shop").env("OTEL_BSP_SCHEDULE_DELAY", "600000");
    child.env("OTEL_METRICS_EXPORTER", "none").env("OTEL_LOGS_EXPORTER", "none");
    child.envs(level.map(|level| ("OTEL_LOG_LEVEL", level)));
    let output = child.output().expect("the test program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect()
}

/// Fails twice, recovers, and fails again within the minute.
fn change_states() {
    let collector = Collector::start();
    let config = TelemetryConfig::default().with_endpoint(&collector.url());
    let telemetry = telemetry::init(config).expect("the configuration is good");
    for steps in [vec![Step::status(503), Step::status(503)], vec![Step::status(503)]] {
        collector.script(steps);
        record("item", 1);
        telemetry.force_flush(SOON).expect("the collector recovers");
    }
    telemetry.shutdown(SOON).expect("nothing is left");
    let said = telemetry.status().diagnostics.len();
    assert_eq!(said, 3, "the start and the end are none, the second failure waits for the end");
}

#[test]
#[ignore = "runs inside the process that the tests below start"]
fn without_a_logger() {
    change_states();
}

#[test]
#[ignore = "runs inside the process that the tests below start"]
fn with_log() {
    log::set_max_level(log::LevelFilter::Error);
    change_states();
}

#[test]
#[ignore = "runs inside the process that the tests below start"]
fn with_tracing() {
    let nobody = tracing::subscriber::NoSubscriber::new();
    tracing::subscriber::set_global_default(nobody).expect("the only one of this process");
    change_states();
}

#[test]
fn it_is_silent_unless_asked() {
    for level in [None, Some("none"), Some("error"), Some("")] {
        assert!(shown("without_a_logger", level).is_empty(), "{level:?}");
    }
}

#[test]
fn it_is_silent_where_a_logger_is_set() {
    for test in ["with_log", "with_tracing"] {
        assert!(shown(test, Some("debug")).is_empty(), "{test}");
    }
}

#[test]
fn a_change_of_state_is_one_line() {
    let starts = |level, expected: &[&str]| {
        let lines = shown("without_a_logger", Some(level));
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{expected}: {lines:#?}");
        }
        lines
    };
    let failure = "trackside: warn: cannot export to http://";
    let lines = starts("warn", &[failure, failure]);
    assert!(lines[1].ends_with(" (not said until now)"), "{lines:#?}");
    let lines = starts(
        "info",
        &[
            "trackside: info: telemetry of shop has started: traces to http://",
            failure,
            "trackside: info: http://",
            failure,
            "trackside: info: telemetry has shut down",
        ],
    );
    assert!(lines[1].contains("503") && lines[2].ends_with("accepts spans again"), "{lines:#?}");
    let lines = starts(
        "debug",
        &[
            "trackside: info: telemetry of shop",
            failure,
            "trackside: debug: http://",
            "trackside: info: http://",
            "trackside: debug: http://",
            // What was said too often.
            failure,
            "trackside: debug: http://",
            "trackside: debug: http://",
            "trackside: info: telemetry has shut down",
        ],
    );
    assert!(lines[2].contains("is tried again in "), "{lines:#?}");
    assert!(lines[4].contains(" took 1 spans, ") && lines[4].ends_with(" bytes"), "{lines:#?}");
}
