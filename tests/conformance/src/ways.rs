//! One program, its telemetry in several ways: what the Collector holds of each is the same, but for what is listed here
//! and in the manual. A difference that is listed and not there is an error too.

use std::path::Path;

use serde_json::Value;

use crate::collector::{Answers, Collector, free_port};
use crate::comparison::Comparison;
use crate::host::Host;
use crate::{Arguments, Failure, document};

/// All of it by the neighbours: their layer, their SDK, their exporter.
const STOCK: &str = "stock";
const EXPORTERS: &str = "our-exporters";
const LAYER: &str = "stock-layer";
const NATIVE: &str = "native";
const FOREIGN: &str = "stock-exporters";

/// In which ways, and what the difference says.
const KNOWN: [(&[&str], &str); 29] = [
    // How long a span was entered differs from run to run.
    (&[EXPORTERS, LAYER], "attributes: busy_ns: intValue: "),
    (&[EXPORTERS, LAYER], "attributes: idle_ns: intValue: "),
    // Which number a thread has depends on how many there were.
    (&[LAYER], "there: attributes: thread.id: intValue: "),
    // Our pipeline says who it is, and that its trace ids are random.
    (
        &[LAYER, NATIVE, FOREIGN],
        r#"telemetry.sdk.name: stringValue: "opentelemetry" expected, "trackside" found"#,
    ),
    (&[LAYER, NATIVE, FOREIGN], r#"telemetry.sdk.version: stringValue: "0."#),
    (&[LAYER, NATIVE, FOREIGN], ": flags: 257 expected, 259 found"),
    // Of a key that is set twice the last value counts; their SDK sends both.
    (&[LAYER, NATIVE, FOREIGN], r#"later: again: missing, {"stringValue":"again"} expected"#),
    (&[LAYER, NATIVE, FOREIGN], r#"later: first: missing, {"stringValue":"recorded"} expected"#),
    (&[LAYER, NATIVE, FOREIGN], r#"later: stringValue: not expected: "again""#),
    // Their SDK counts what its loggers are given, in a scope of its own.
    (&[LAYER, NATIVE], "metric: otel.sdk.log.created: missing"),
    (&[LAYER], "scopes: 2 items expected, 1 found"),
    (&[LAYER, NATIVE, FOREIGN], "scopes[0]: scope: name: "),
    // Our layer's spans are of this crate's scope.
    (&[NATIVE, FOREIGN], r#"scopes[1]: scope: name: "program" expected, "trackside" found"#),
    (&[NATIVE, FOREIGN], "scope: version: not expected: "),
    // It says neither where a span is, nor on which thread, nor for how long it was entered.
    (&[NATIVE, FOREIGN], "attributes: busy_ns: missing"),
    (&[NATIVE, FOREIGN], "attributes: idle_ns: missing"),
    (&[NATIVE, FOREIGN], "attributes: thread.id: missing"),
    (&[NATIVE, FOREIGN], "attributes: thread.name: missing"),
    (&[NATIVE, FOREIGN], "attributes: code."),
    (
        &[NATIVE, FOREIGN],
        r#"attributes: target: missing, {"stringValue":"ways::program"} expected"#,
    ),
    // It keeps the kinds of values; what is no OTLP integer saturates.
    (&[NATIVE, FOREIGN], "values: attributes: unsigned: "),
    (&[NATIVE, FOREIGN], "values: attributes: huge: "),
    (&[NATIVE, FOREIGN], "values: attributes: bytes: "),
    // An error is the event `exception`, its chain a text, and its text the status of the span.
    (&[NATIVE, FOREIGN], "exception.message: missing"),
    (&[NATIVE, FOREIGN], "exception.stacktrace: "),
    (&[NATIVE, FOREIGN], "error.chain: missing"),
    (&[NATIVE, FOREIGN], "field: events: 0 items expected, 1 found"),
    (&[NATIVE, FOREIGN], r#"given: status: message: "" expected, "it broke" found"#),
    (&[FOREIGN], "metric: otel.sdk.log.created: "),
];

pub(crate) fn run(arguments: &Arguments, directory: &Path) -> Result<Comparison, Failure> {
    let stock = document_of(STOCK, arguments, directory)?;
    let mut all = Comparison::default();
    for way in [EXPORTERS, LAYER, NATIVE, FOREIGN] {
        let found = document_of(way, arguments, directory)?;
        let mut comparison = Comparison::default();
        comparison.documents(&stock, &found);
        all.compared += comparison.compared;
        let known: Vec<_> =
            KNOWN.iter().filter(|(ways, _)| ways.contains(&way)).map(|(_, text)| text).collect();
        for text in &known {
            all.that(way, comparison.differences.iter().any(|line| line.contains(**text)), || {
                format!("no longer different: {text}")
            });
        }
        comparison.differences.retain(|line| !known.iter().any(|text| line.contains(**text)));
        let unknown = comparison.differences.into_iter().map(|line| format!("{way}: {line}"));
        all.differences.extend(unknown);
    }
    Ok(all)
}

fn document_of(way: &str, arguments: &Arguments, directory: &Path) -> Result<Value, Failure> {
    let directory = directory.join(way);
    let collector =
        Collector::start(&arguments.collector, &directory, free_port()?, Answers::Accepted)?;
    let mut variables = arguments.variables(collector.endpoint());
    variables.push(("OTEL_SERVICE_NAME", "ways".to_owned()));
    variables.push(("WAY", way.to_owned()));
    if way == FOREIGN {
        // To those that it is given, and not beside them.
        for name in ["OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"] {
            variables.push((name, "none".to_owned()));
        }
    }
    let ran = Host::start(&arguments.host, &variables, &directory)?.finish()?;
    let received = collector.stop()?;
    let mut rules = Comparison::default();
    let document = document::read(&document::stated(&received), &ran.ran, &mut rules);
    match rules.differences.as_slice() {
        [] => Ok(document),
        broken => Err(format!("{way} breaks rules:\n{}", broken.join("\n"))),
    }
}
