//! The program as a person starts it: nothing configured, and not a word from telemetry.

use std::process::Command;

#[test]
fn the_program_prints_its_own_line_only() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_host"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            program.env_remove(name);
        }
    }
    let output = program.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    assert_eq!(
        (text(output.stdout), text(output.stderr)),
        ("length 6, ticks 1\n".into(), String::new())
    );
    assert!(output.status.success());
}
