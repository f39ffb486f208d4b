//! `trackside demo`: three processes, one trace, and what a collector behind the receiver gets of it.

#![cfg(feature = "cli")]

mod support;

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind};
use prost::Message as _;
use support::collector::{Collector, Received};
use support::metrics::series_of;
use support::wait_until;

/// Runs it to its end, which it has to reach by itself, and well.
fn demo(endpoint: Option<&str>) -> Output {
    let output = run(endpoint);
    assert!(output.status.success(), "{output:?}");
    output
}

fn run(endpoint: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trackside"));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(variable);
        }
    }
    if let Some(endpoint) = endpoint {
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    }
    let command = command.arg("demo").stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the demo starts");
    let waiting = std::thread::spawn(|| child.wait_with_output().expect("the demo ends"));
    wait_until("the end of the demo", || waiting.is_finished());
    waiting.join().expect("the demo was waited for")
}

fn service(resource: Option<&Resource>) -> String {
    let name =
        resource.iter().flat_map(|of| &of.attributes).find(|pair| pair.key == "service.name");
    match name.and_then(|pair| pair.value.clone()?.value) {
        Some(Value::StringValue(name)) => name,
        other => panic!("no service.name: {other:?}"),
    }
}

/// What came of one signal, by service.
fn received<T>(
    requests: &[Received],
    path: &str,
    read: impl Fn(&Received) -> Vec<(String, Vec<T>)>,
) -> BTreeMap<String, Vec<T>> {
    let mut all = BTreeMap::<String, Vec<T>>::new();
    for request in requests.iter().filter(|request| request.path == path) {
        for (service, items) in read(request) {
            all.entry(service).or_default().extend(items);
        }
    }
    all
}

fn spans(requests: &[Received]) -> BTreeMap<String, Vec<Span>> {
    received(requests, "/v1/traces", |request| {
        let spans = request.decode().resource_spans.into_iter().map(|of| {
            let scopes = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
            (service(of.resource.as_ref()), scopes.collect())
        });
        spans.collect()
    })
}

fn logs(requests: &[Received]) -> BTreeMap<String, Vec<LogRecord>> {
    received(requests, "/v1/logs", |request| {
        let decoded =
            ExportLogsServiceRequest::decode(&request.body[..]).expect("the body is OTLP");
        let logs = decoded.resource_logs.into_iter().map(|of| {
            let scopes = of.scope_logs.into_iter().flat_map(|scope| scope.log_records);
            (service(of.resource.as_ref()), scopes.collect())
        });
        logs.collect()
    })
}

/// The newest value of each series: the metrics are cumulative.
fn metrics(requests: &[Received]) -> BTreeMap<String, BTreeMap<String, f64>> {
    let series = received(requests, "/v1/metrics", |request| {
        let decoded =
            ExportMetricsServiceRequest::decode(&request.body[..]).expect("the body is OTLP");
        let metrics = decoded.resource_metrics.into_iter();
        metrics
            .map(|of| (service(of.resource.as_ref()), series_of([of]).into_iter().collect()))
            .collect()
    });
    series.into_iter().map(|(service, all)| (service, all.into_iter().collect())).collect()
}

#[test]
fn one_trace_across_the_processes_with_its_metrics_and_logs() {
    let collector = Collector::start();
    let output = demo(Some(&collector.url()));
    let requests = collector.requests();
    let shown = String::from_utf8(output.stdout).unwrap();

    let spans = spans(&requests);
    let [host, client] = ["demo-host", "demo-client"].map(|service| &spans[service]);
    assert_eq!(spans.len(), 2, "two processes record spans: {:?}", spans.keys());
    check_trace(host, client);
    let trace = &client[0].trace_id;
    check_logs(&logs(&requests), trace);
    let metrics = metrics(&requests);
    check_metrics(&metrics["demo-host"], &metrics["demo-client"]);

    let id: String = trace.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(shown.matches(&format!("trace {id}")).count(), 1, "one tree:\n{shown}");
    let count = host.len() + client.len();
    for words in ["client.run", "storage.put", "rpc_requests_total", "given up", "demo-host"] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    assert!(shown.contains(&format!("received: {count} spans")), "{shown}");
}

/// Each call of the client is above exactly one dispatch of the host, and so on down.
#[track_caller]
fn check_trace(host: &[Span], client: &[Span]) {
    let all: HashMap<&[u8], &Span> =
        host.iter().chain(client).map(|span| (&span.span_id[..], span)).collect();
    assert_eq!(all.len(), host.len() + client.len(), "no span came twice");
    let root = client.iter().find(|span| span.name == "client.run").expect("there is a root");
    assert!(root.parent_span_id.is_empty());
    let mut shapes = BTreeMap::<String, usize>::new();
    for span in all.values() {
        assert_eq!(span.trace_id, root.trace_id, "{}", span.name);
        let mut way = vec![span.name.as_str()];
        let mut next = *span;
        while !next.parent_span_id.is_empty() {
            next = all[&next.parent_span_id[..]];
            way.insert(0, &next.name);
        }
        *shapes.entry(way.join(" > ")).or_default() += 1;
    }
    let call = "client.run > rpc.call";
    let served = format!("{call} > engine.dispatch > rpc.call");
    let expected = [
        ("client.run".to_owned(), 1),
        (call.to_owned(), 5),
        (format!("{call} > engine.dispatch"), 5),
        (served.clone(), 5),
        (format!("{served} > rpc.handler"), 5),
        (format!("{served} > rpc.handler > storage.get"), 2),
        (format!("{served} > rpc.handler > storage.put"), 2),
    ];
    assert_eq!(shapes, BTreeMap::from(expected));

    let of_kind = |spans: &[Span], name: &str, kind: SpanKind| -> Vec<Vec<u8>> {
        let found = spans.iter().filter(|span| span.name == name && span.kind() == kind);
        found.map(|span| span.parent_span_id.clone()).collect()
    };
    assert_eq!(of_kind(client, "rpc.call", SpanKind::Client).len(), 5);
    let dispatches = of_kind(host, "engine.dispatch", SpanKind::Server);
    assert_eq!(dispatches.len(), 5);
    for caller in dispatches {
        assert!(client.iter().any(|span| span.span_id == caller), "its parent is the client's");
    }
}

#[track_caller]
fn check_logs(logs: &BTreeMap<String, Vec<LogRecord>>, trace: &[u8]) {
    for (service, records) in logs {
        for record in records {
            assert_eq!(record.trace_id, trace, "{service}: {record:?}");
        }
    }
    // `tracing` and `log` at both, and one that was forwarded.
    assert_eq!((logs["demo-host"].len(), logs["demo-client"].len()), (5, 3), "{logs:#?}");
}

#[track_caller]
fn check_metrics(host: &BTreeMap<String, f64>, client: &BTreeMap<String, f64>) {
    for (series, value) in [
        ("rpc_requests_total{cls_id=Counter,method=add,success=true}", 2.0),
        ("rpc_requests_total{cls_id=Counter,method=add,success=false}", 1.0),
        ("rpc_requests_total{cls_id=Text,method=reverse,success=true}", 1.0),
        ("rpc_requests_total{cls_id=Text,method=ponder,success=false}", 1.0),
        ("rpc_request_duration_ms{cls_id=Counter,method=add}", 3.0),
        ("rpc_request_duration_ms{cls_id=Text,method=reverse}", 1.0),
        ("rpc_request_duration_ms{cls_id=Text,method=ponder}", 1.0),
        ("rpc_errors_total{cls_id=Counter,error_kind=argument,method=add}", 1.0),
        ("rpc_errors_total{cls_id=Text,error_kind=cancelled,method=ponder}", 1.0),
        ("rpc_payload_bytes{direction=IN}", 5.0),
        ("rpc_payload_bytes{direction=OUT}", 3.0),
        ("active_sessions{}", 0.0),
        ("active_handlers{}", 0.0),
        ("storage_op_latency_ms{operation=get}", 2.0),
        ("storage_op_latency_ms{operation=put}", 2.0),
        ("python_logs_forwarded_total{level=WARN}", 1.0),
    ] {
        assert_eq!(host.get(series), Some(&value), "{series} in {host:#?}");
    }
    for (series, value) in
        [("rpc_payload_bytes{direction=IN}", 3.0), ("rpc_payload_bytes{direction=OUT}", 5.0)]
    {
        assert_eq!(client.get(series), Some(&value), "{series} in {client:#?}");
    }
}

#[test]
fn without_a_collector_it_shows_the_same_and_ends() {
    let output = demo(None);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("client.run") && shown.contains("storage.put"), "{shown}");
    assert!(shown.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{shown}");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_collector_that_is_not_there_is_said() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = run(Some(&format!("http://{address}")));
    assert!(!output.status.success());
    let [shown, said] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("it is text"));
    assert!(shown.contains("client.run"), "{shown}");
    assert!(shown.contains(&format!("cannot connect to {address}")), "{shown}");
    assert!(said.contains("items did not get to where they were sent"), "{said}");

    let output = run(Some("capnp://127.0.0.1:4319"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("OTEL_EXPORTER_OTLP_ENDPOINT: "), "{said}");
}

/// Whatever ends it before its time, its processes end too.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_behind() {
    for signal in ["-KILL", "-INT"] {
        // It ends by itself in a moment, so the signal may come too late.
        assert!((0..50).any(|_| is_hit(signal)), "{signal} never came in time");
    }
}

/// Whether the signal met a demo that was going on.
#[cfg(target_os = "linux")]
fn is_hit(signal: &str) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trackside"));
    command.arg("demo").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the demo starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    // Each of the first three names a process: this one's, the host's, the client's.
    let named = lines.by_ref().take(3).map(|line| {
        let line = line.expect("the line is text");
        let number = line.split([' ', ',']).filter(|word| !word.is_empty()).nth(2);
        number.and_then(|number| number.parse().ok()).expect("each line names a process")
    });
    let named: Vec<u32> = named.collect();
    assert_eq!((named.len(), named[0]), (3, child.id()));
    Command::new("kill").args([signal, &child.id().to_string()]).status().expect("there is `kill`");
    let status = child.wait().expect("it can be waited for");
    for process in &named[1..] {
        let state = || std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        wait_until("the end of the others", || state().is_empty() || state().contains(") Z "));
    }
    !status.success()
}
