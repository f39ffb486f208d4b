//! `trackside doctor`: what it prints, and its exit status.

#![cfg(feature = "cli")]

mod support;

use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use support::collector::{Collector, Step};
use support::{receiver, wait_until};

/// Runs it with these variables and no others of ours.
fn doctor(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trackside"));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(variable);
        }
    }
    command.envs(variables.iter().copied()).arg("doctor").args(arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let waiting = std::thread::spawn(|| child.wait_with_output().expect("it ends"));
    wait_until("the end of the doctor", || waiting.is_finished());
    waiting.join().expect("it was waited for")
}

fn text(output: &Output) -> String {
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("it is text")
}

#[test]
fn a_collector_that_takes_all_is_healthy() {
    let collector = Collector::start();
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url()), ("OTEL_SERVICE_NAME", "shop")];
    let output = doctor(&[], &variables);
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    for signal in ["traces", "metrics", "logs"] {
        let line = format!("ok {signal} to {}/v1/{signal}: arrived\n", collector.url());
        assert!(printed.contains(&line), "{printed}");
    }
    assert!(printed.contains("OTEL_SERVICE_NAME") && printed.ends_with("healthy\n"), "{printed}");
    let spans = collector.spans();
    assert_eq!((spans.len(), spans[0].name.as_str()), (1, "trackside.doctor"));
    assert_eq!(collector.requests().len(), 3);
}

#[test]
fn a_receiver_that_takes_all_is_healthy() {
    let collector = Collector::start();
    let receiver = receiver::start(&collector.url());
    let output = doctor(&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver::endpoint(&receiver))]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(collector.spans().len(), 1);
    receiver::end(&receiver);
}

#[test]
fn trouble_is_exit_status_1_with_a_sentence() {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let elsewhere = Collector::start();
    elsewhere.script(vec![Step::status(404); 3]);
    let missing = elsewhere.url();
    let table = [
        (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", nobody.as_str())], "nothing listens there: start"),
        (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", missing.as_str())], "there is no OTLP at this path"),
        (vec![], "not healthy: nothing is sent anywhere; set OTEL_EXPORTER_OTLP_ENDPOINT"),
    ];
    for (variables, words) in table {
        let output = doctor(&["--timeout", "10"], &variables);
        let printed = text(&output);
        assert_eq!(output.status.code(), Some(1), "{printed}");
        assert!(printed.contains(words), "{printed}");
    }
}

#[test]
fn for_machines_it_is_one_object() {
    let collector = Collector::start();
    collector.script(vec![Step::status(401); 3]);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20s3cret-token"),
    ];
    let output = doctor(&["--json"], &variables);
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(!printed.contains("s3cret-token"), "{printed}");
    let json: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(json["healthy"], false);
    let causes: Vec<_> =
        json["findings"].as_array().unwrap().iter().map(|one| &one["cause"]).collect();
    assert_eq!(causes, ["unauthorized"; 3]);
}
