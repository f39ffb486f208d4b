//! Our exporters for the SDK: what an export answers, and how an exporter ends.

#![cfg(feature = "telemetry")]

mod support;

use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter as _;
use opentelemetry_sdk::trace::SpanExporter as _;
use prost::Message as _;
use support::collector::{Collector, Step};
use support::sdk::{span_data, spans_to, wait};
use support::{SOON, wait_until};
use trackside::export::sdk::{MetricExporter, SpanExporter};

fn export(exporter: &SpanExporter) -> OTelSdkResult {
    wait(exporter.export(vec![span_data("one")]))
}

#[test]
fn a_busy_peer_gets_it_once_more() {
    let collector = Collector::start();
    collector.script(vec![Step::status(503), Step::status(200)]);
    export(&spans_to(&collector.url())).expect("the second attempt is acknowledged");
    assert_eq!(collector.requests().len(), 2);
    assert_eq!(collector.spans().len(), 1);
}

#[test]
fn a_refusal_is_an_error_that_names_the_status() {
    let collector = Collector::start();
    collector.script(vec![Step::status(400)]);
    let error = export(&spans_to(&collector.url())).unwrap_err();
    assert!(matches!(error, OTelSdkError::InternalFailure(_)), "{error:?}");
    assert!(error.to_string().contains("400"), "{error}");
    assert_eq!(collector.requests().len(), 1, "it is not tried again");
}

#[test]
fn a_partial_success_is_an_error_with_the_peers_words() {
    let collector = Collector::start();
    let partial =
        ExportTracePartialSuccess { rejected_spans: 1, error_message: "too old".to_owned() };
    let body = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    collector.script(vec![Step::Answer { status: 200, headers: Vec::new(), body }]);
    let error = export(&spans_to(&collector.url())).unwrap_err().to_string();
    assert!(error.contains("1 of 1") && error.contains("too old"), "{error}");
}

#[test]
fn a_refused_connection_is_an_error_with_its_cause_within_the_timeout() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let limit = Duration::from_millis(600);
    let exporter = SpanExporter::builder().with_endpoint(&url).with_timeout(limit).build().unwrap();
    let begin = Instant::now();
    let error = export(&exporter).unwrap_err().to_string();
    assert!(begin.elapsed() < limit + Duration::from_secs(5), "{:?}", begin.elapsed());
    assert!(error.contains("Connection refused"), "{error}");
}

#[test]
fn silence_is_a_timeout() {
    let collector = Collector::start();
    collector.script(vec![Step::NeverAnswer]);
    let limit = Duration::from_millis(200);
    let builder = SpanExporter::builder().with_endpoint(&collector.url()).with_timeout(limit);
    let error = export(&builder.build().unwrap()).unwrap_err();
    assert!(matches!(error, OTelSdkError::Timeout(of) if of == limit), "{error:?}");
}

#[test]
fn a_shutdown_leaves_the_others_and_takes_nothing_more() {
    let collector = Collector::start();
    let (one, other) = (spans_to(&collector.url()), spans_to(&collector.url()));
    export(&one).expect("it is alive");
    one.shutdown().expect("nothing is under way");
    assert!(matches!(export(&one), Err(OTelSdkError::AlreadyShutdown)));
    assert!(matches!(one.force_flush(), Err(OTelSdkError::AlreadyShutdown)));
    assert!(matches!(one.shutdown(), Err(OTelSdkError::AlreadyShutdown)));
    export(&other).expect("the other one lives");
    assert_eq!(collector.spans().len(), 2);
}

#[test]
fn a_shutdown_keeps_its_deadline_and_answers_what_it_gives_up() {
    let collector = Collector::start();
    collector.script(vec![Step::NeverAnswer]);
    let exporter = spans_to(&collector.url());
    let pending = exporter.export(vec![span_data("one")]);
    collector.wait_for(1, SOON);
    let within = Duration::from_millis(50);
    let ended = exporter.shutdown_with_timeout(within);
    assert!(matches!(ended, Err(OTelSdkError::Timeout(of)) if of == within), "{ended:?}");
    assert!(matches!(wait(pending), Err(OTelSdkError::AlreadyShutdown)));
}

#[test]
fn a_flush_waits_for_what_is_under_way() {
    let collector = Collector::start();
    let gate = collector.gate();
    collector.script(vec![Step::Hold(gate.clone(), Box::new(Step::status(200)))]);
    let exporter = spans_to(&collector.url());
    let mut pending = pin!(exporter.export(vec![span_data("one")]));
    collector.wait_for(1, SOON);
    let mut cx = TaskContext::from_waker(Waker::noop());
    assert!(pending.as_mut().poll(&mut cx).is_pending());
    gate.release();
    exporter.force_flush().expect("the answer comes");
    assert!(matches!(pending.as_mut().poll(&mut cx), Poll::Ready(Ok(()))));
}

#[test]
fn an_export_that_nobody_awaits_is_given_up() {
    let collector = Collector::start();
    collector.script(vec![Step::NeverAnswer]);
    let exporter = spans_to(&collector.url());
    let pending = exporter.export(vec![span_data("given up")]);
    collector.wait_for(1, SOON);
    drop(pending);
    export(&exporter).expect("it need not wait for the first one's timeout");
    assert_eq!(collector.spans().len(), 1);
}

#[test]
fn an_empty_batch_is_ok_and_sends_nothing() {
    let collector = Collector::start();
    wait(spans_to(&collector.url()).export(Vec::new())).expect("nothing can fail");
    let metrics = MetricExporter::builder().with_endpoint(&collector.url()).build().unwrap();
    wait(metrics.export(&Default::default())).expect("nothing can fail");
    assert_eq!(collector.connections(), 0);
}

#[test]
fn eight_threads_share_one_exporter() {
    let collector = Collector::start();
    let exporter = spans_to(&collector.url());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| export(&exporter).expect("it is acknowledged")));
        }
    });
    assert_eq!(collector.spans().len(), 400);
}

#[test]
fn every_kind_of_runtime_will_do() {
    let collector = Collector::start();
    let exporter = Arc::new(spans_to(&collector.url()));
    let one = || vec![span_data("one")];
    let current = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    current.block_on(exporter.export(one())).expect("inside current_thread");
    current.block_on(async { export(&exporter) }).expect("blocking the current thread");
    current.block_on(async { exporter.force_flush() }).expect("a flush that blocks it");
    let local = tokio::task::LocalSet::new();
    let shared = Arc::clone(&exporter);
    let task = local.spawn_local(async move { shared.export(vec![span_data("one")]).await });
    local.block_on(&current, task).expect("no panic").expect("inside a LocalSet");
    let shared = Arc::clone(&exporter);
    let task = many.spawn(async move { shared.export(vec![span_data("one")]).await });
    many.block_on(task).expect("no panic").expect("on a worker thread");
    let shared = Arc::clone(&exporter);
    let task = many.spawn_blocking(move || export(&shared));
    many.block_on(task).expect("no panic").expect("inside spawn_blocking");
    assert_eq!(collector.spans().len(), 5);
}

#[test]
fn all_exporters_share_one_thread() {
    let exporters: Vec<_> = (0..5).map(|_| spans_to("http://localhost:9")).collect();
    // The one before it, which the last exporter of another test left, may still be on its way out.
    wait_until("one thread", || {
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        let ours = names.filter(|name| name.trim() == "trackside").count();
        ours == usize::from(cfg!(target_os = "linux"))
    });
    drop(exporters);
}

#[test]
fn bad_arguments_are_named_and_secrets_are_not_shown() {
    let builder = || SpanExporter::builder().with_header("authorization", "hunter2hunter2");
    let error = builder().with_endpoint("gopher://x").build().unwrap_err().to_string();
    assert!(error.contains("with_endpoint") && error.contains("gopher"), "{error}");
    let error = builder().with_header("a b", "hunter2hunter2").build().unwrap_err().to_string();
    assert!(error.contains("with_header") && !error.contains("hunter2"), "{error}");
    assert!(!format!("{:?} {:?}", builder(), builder().build()).contains("hunter2"));
}

#[test]
fn headers_and_gzip_reach_the_peer() {
    let collector = Collector::start();
    let builder = SpanExporter::builder().with_endpoint(&collector.url()).with_gzip(true);
    let exporter = builder.with_header("x-tenant", "blue").build().unwrap();
    wait(exporter.export(vec![span_data("long"); 100])).expect("it is acknowledged");
    let request = collector.wait_for(1, SOON).remove(0);
    assert_eq!(request.path, "/v1/traces");
    assert_eq!(request.header("x-tenant"), ["blue"]);
    assert_eq!(request.header("content-encoding"), ["gzip"]);
    assert!(request.raw_length < request.body.len());
}
