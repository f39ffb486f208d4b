//! What the resource says by itself, and how it is told not to.

use super::TelemetryConfig;
use crate::encode::view::{Any, Resource};
use crate::telemetry::Detector;

fn resource(config: TelemetryConfig) -> Vec<(String, String)> {
    config.with_variables(Vec::new()).plan().expect("no argument is bad").plan.resource
}

fn keys(config: TelemetryConfig) -> Vec<String> {
    resource(config).into_iter().map(|(key, _)| key).collect()
}

/// A detector, one of its keys, and whether it is asked without being told to.
#[rustfmt::skip]
const ROWS: [(Detector, &str, bool); 7] = [
    (Detector::Distro, "telemetry.distro.name", true),
    (Detector::Instance, "service.instance.id", true),
    (Detector::Host, "host.arch", true),
    (Detector::Os, "os.type", true),
    (Detector::Process, "process.pid", true),
    (Detector::Process, "process.executable.name", true),
    (Detector::CommandLine, "process.command_line", false),
];

#[test]
fn each_is_on_or_off_and_can_be_told_otherwise() {
    let usual = keys(TelemetryConfig::default());
    for (detector, key, is_usual) in ROWS {
        assert_eq!(usual.iter().any(|known| known == key), is_usual, "{key}");
        for on in [true, false] {
            let told = keys(TelemetryConfig::default().with_detector(detector, on));
            assert_eq!(told.iter().any(|known| known == key), on, "{key}");
            // The others stay as they are.
            let others = ROWS.iter().filter(|(other, ..)| *other != detector);
            for (_, other, is_usual) in others {
                assert_eq!(told.iter().any(|known| known == other), *is_usual, "{other}");
            }
        }
    }
}

#[test]
fn nothing_secret_is_told_unasked() {
    let pairs = resource(TelemetryConfig::default());
    let path = std::env::current_exe().expect("a test has a path");
    let path = path.to_string_lossy();
    for (key, value) in &pairs {
        assert!(!["host.id", "process.command_line", "process.executable.path"].contains(&&**key));
        assert!(!value.contains(&*path), "{key}={value}");
    }
    let asked = resource(TelemetryConfig::default().with_detector(Detector::CommandLine, true));
    assert!(asked.iter().any(|(key, value)| key == "process.executable.path" && *value == path));
}

#[test]
fn what_is_given_wins_over_what_is_seen() {
    let config = TelemetryConfig::default().with_attribute("os.type", "mine");
    let variables = vec![("OTEL_RESOURCE_ATTRIBUTES".to_owned(), "host.arch=theirs".to_owned())];
    let resolved = config.with_variables(variables).plan().expect("no argument is bad");
    let value = |key| resolved.plan.resource.iter().find(|(known, _)| known == key);
    assert_eq!(value("os.type").expect("it is given").1, "mine");
    assert_eq!(value("host.arch").expect("it is given").1, "theirs");
    let report = resolved.report.to_string();
    let line = |name: &str| {
        let line = report.lines().find(|line| line.starts_with(name)).expect("a line of its own");
        line.rsplit(' ').next().expect("an origin").to_owned()
    };
    assert_eq!(line("os.type"), "argument");
    assert_eq!(line("host.arch"), "OTEL_RESOURCE_ATTRIBUTES");
    assert_eq!(line("process.pid"), "detected");
}

#[test]
fn the_number_of_the_process_is_a_number() {
    let pairs = resource(TelemetryConfig::default());
    let view = Resource::from(&pairs[..]);
    let own = view.attributes.iter().find(|(key, _)| *key == "process.pid");
    assert!(matches!(own, Some((_, Any::I64(number))) if *number == i64::from(std::process::id())));
}
