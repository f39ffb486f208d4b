//! The process environment, seen from a process that has one made for it.

use std::process::Command;

use super::{resource, undetected};
use crate::config::TelemetryConfig;

#[test]
fn the_process_environment_is_read() {
    let program = std::env::current_exe().expect("a test has a path");
    let mut child = Command::new(program);
    child.args(["--exact", "config::tests::process::inside", "--ignored"]).env_clear();
    child.env("OTEL_SERVICE_NAME", "from-outside").env("OAAS_SERVICE_NAME", "never");
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let broken = std::ffi::OsStr::from_bytes(b"a=\xff");
        child.env("OTEL_RESOURCE_ATTRIBUTES", broken).env("OTHER", broken);
    }
    let output = child.output().expect("the test program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "runs inside the process that the test above starts"]
fn inside() {
    let resolved = undetected(TelemetryConfig::default()).plan().expect("no argument is bad");
    assert_eq!(resource(&resolved.plan), "service.name=from-outside|");
    let expected: &[&str] = match cfg!(unix) {
        true => &["OTEL_RESOURCE_ATTRIBUTES: the value is not UTF-8; ignored"],
        false => &[],
    };
    assert_eq!(resolved.report.diagnostics(), expected);
}

#[test]
fn the_process_names_a_service_that_nobody_named() {
    let resolved = undetected(TelemetryConfig::default()).with_variables(Vec::new()).plan();
    let plan = resolved.expect("no argument is bad").plan;
    let path = std::env::current_exe().expect("a test has a path");
    let name = path.file_name().expect("a program has a name").to_string_lossy();
    let sdk = env!("CARGO_PKG_VERSION");
    let expected = [
        ("service.name", format!("unknown_service:{name}")),
        ("telemetry.sdk.language", "rust".to_owned()),
        ("telemetry.sdk.name", "trackside".to_owned()),
        ("telemetry.sdk.version", sdk.to_owned()),
    ];
    assert_eq!(plan.resource, expected.map(|(key, value)| (key.to_owned(), value)));
}
