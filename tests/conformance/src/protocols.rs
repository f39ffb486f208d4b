//! The same run by each protocol and compression of OTLP: what the Collector holds is the same, and what it must be.

use std::path::Path;

use serde_json::Value;

use crate::collector::{Answers, Collector, free_port};
use crate::comparison::Comparison;
use crate::host::Host;
use crate::{Arguments, Failure, document, expectation};

/// The first is what the others are compared with.
const PROTOCOLS: [(&str, &str); 6] = [
    ("http/protobuf", "none"),
    ("grpc", "none"),
    ("http/json", "none"),
    ("grpc", "gzip"),
    ("grpc", "zstd"),
    ("http/protobuf", "zstd"),
];

pub(crate) fn run(arguments: &Arguments, directory: &Path) -> Result<Comparison, Failure> {
    let mut all = Comparison::default();
    let mut first = None;
    for (protocol, compression) in PROTOCOLS {
        let name = format!("{protocol}, {compression}");
        let found = document_of(protocol, compression, arguments, directory)
            .map_err(|failure| format!("{name}: {failure}"))?;
        let expected = match &first {
            Some(first) => first,
            None => &expectation::load(None, arguments.temporality)?,
        };
        let mut comparison = Comparison::default();
        comparison.documents(expected, &found);
        all.compared += comparison.compared;
        all.differences.extend(comparison.differences.iter().map(|line| format!("{name}: {line}")));
        first.get_or_insert(found);
    }
    Ok(all)
}

fn document_of(
    protocol: &'static str,
    compression: &'static str,
    arguments: &Arguments,
    directory: &Path,
) -> Result<Value, Failure> {
    let directory = directory.join(format!("{}-{compression}", protocol.replace('/', "-")));
    let collector =
        Collector::start(&arguments.collector, &directory, free_port()?, Answers::Accepted)?;
    let endpoint = if protocol == "grpc" { collector.grpc() } else { collector.endpoint() };
    let mut variables = arguments.variables(endpoint);
    variables.push(("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()));
    variables.push(("OTEL_EXPORTER_OTLP_COMPRESSION", compression.to_owned()));
    let ran = Host::start(&arguments.host, &variables, &directory)?.finish()?;
    // A protocol that is not compiled in sends nothing, and says so.
    let received = collector.stop()?;
    let mut rules = Comparison::default();
    let document = document::read(&document::stated(&received), &ran.ran, &mut rules);
    match rules.differences.as_slice() {
        [] => Ok(document),
        broken => Err(format!("{}; it said:\n{}", broken.join("\n"), ran.output)),
    }
}
