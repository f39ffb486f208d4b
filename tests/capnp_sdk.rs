//! Exporters over Cap'n Proto in the SDK's providers, and in every place that a host may call them from.

#![cfg(all(feature = "telemetry", feature = "receive"))]

mod support;

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::{LogRecord as _, Logger as _, LoggerProvider as _};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter as _};
use support::collector::Collector;
use support::sdk::{span_data, wait};
use support::{SOON, receiver, wait_until};
use trackside::export::{
    CapnpExporterBuilder, CapnpLogExporter, CapnpMetricExporter, CapnpSpanExporter,
};
use trackside::receive::Running;

fn spans_to(receiver: &Running) -> CapnpSpanExporter {
    CapnpSpanExporter::new(receiver::endpoint(receiver)).expect("the endpoint is good")
}

fn export(exporter: &CapnpSpanExporter) -> OTelSdkResult {
    wait(exporter.export(vec![span_data("one")]))
}

/// A port where nobody answers, in silence.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    (listener, url)
}

#[test]
fn exporters_are_what_the_sdk_wants() {
    fn is_one<T: Send + Sync + std::fmt::Debug + 'static>() {}
    is_one::<CapnpSpanExporter>();
    is_one::<CapnpLogExporter>();
    is_one::<CapnpMetricExporter>();
}

#[test]
fn three_providers_deliver_over_one_connection_and_one_thread() {
    let collector = Collector::start();
    let receiver = receiver::start(&collector.url());
    let endpoint = receiver::endpoint(&receiver);
    let builder = CapnpSpanExporter::builder().with_endpoint(&endpoint);
    let spans = builder.with_timeout(Duration::from_secs(10)).build().unwrap();
    let logs = CapnpLogExporter::new(&endpoint).unwrap();
    let metrics = CapnpMetricExporter::new(&endpoint).unwrap();

    let resource = Resource::builder_empty().with_service_name("shop").build();
    let traces = SdkTracerProvider::builder()
        .with_resource(resource.clone())
        .with_batch_exporter(spans)
        .build();
    let logs = SdkLoggerProvider::builder().with_batch_exporter(logs).build();
    let metrics = SdkMeterProvider::builder().with_periodic_exporter(metrics).build();
    for name in ["first", "second", "third"] {
        let scope = InstrumentationScope::builder(name).with_version("1").build();
        drop(traces.tracer_with_scope(scope).start("work"));
    }
    let logger = logs.logger("log");
    let mut record = logger.create_log_record();
    record.set_body("it happened".into());
    logger.emit(record);
    metrics.meter("meter").u64_counter("calls").build().add(3, &[]);
    traces.force_flush().unwrap();
    logs.force_flush().unwrap();
    metrics.force_flush().unwrap();

    let counts = receiver.counts();
    assert_eq!(
        (counts.traces.taken, counts.logs.taken, counts.metrics.taken),
        (3, 1, 1),
        "{counts:#?}"
    );
    assert_eq!(counts.connections.accepted, 1, "{:?}", counts.connections);
    let request = collector.requests().into_iter().find(|request| request.path == "/v1/traces");
    let request = request.expect("spans").decode();
    assert_eq!(request.resource_spans.len(), 1);
    let scopes = request.resource_spans[0].scope_spans.iter();
    let scopes: Vec<_> = scopes.map(|group| group.scope.clone().unwrap().name).collect();
    assert_eq!(scopes, ["first", "second", "third"], "not one scope is lost");
    assert_eq!(collector.spans().len(), 3);

    // All exporters of the process share it; the one before it may still be on its way out.
    wait_until("one thread", || {
        let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.trim() == "trackside").count() == 1
    });
    traces.shutdown().unwrap();
    logs.shutdown().unwrap();
    metrics.shutdown().unwrap();
    receiver::end(&receiver);
}

/// As rows, and as columns.
#[test]
fn few_spans_and_many_arrive_in_their_scopes() {
    let collector = Collector::start();
    let receiver = receiver::start(&collector.url());
    let exporter = spans_to(&receiver);
    for count in [3, 200] {
        let spans = (0..count).map(|index| SpanData {
            instrumentation_scope: InstrumentationScope::builder(["a", "b"][index % 2]).build(),
            ..span_data("one")
        });
        wait(exporter.export(spans.collect())).unwrap();
        let request = collector.requests().pop().expect("spans").decode();
        let groups = request.resource_spans[0].scope_spans.iter();
        let groups: Vec<_> =
            groups.map(|group| (group.scope.clone().unwrap().name, group.spans.len())).collect();
        assert_eq!(groups, [("a".to_owned(), count.div_ceil(2)), ("b".to_owned(), count / 2)]);
    }
    assert_eq!(receiver.counts().traces.taken, 203);
    receiver::end(&receiver);
}

#[test]
fn a_thousand_batches_take_one_connection() {
    let collector = Collector::start();
    let receiver = receiver::start(&collector.url());
    let exporter = spans_to(&receiver);
    for _ in 0..1000 {
        export(&exporter).unwrap();
    }
    let counts = receiver.counts();
    assert_eq!((counts.traces.taken, counts.connections.accepted), (1000, 1));
    drop(exporter);
    receiver::end(&receiver);
}

#[test]
fn an_export_is_ok_in_any_runtime_and_in_none() {
    let collector = Collector::start();
    let receiver = receiver::start(&collector.url());
    let exporter = spans_to(&receiver);
    export(&exporter).expect("no runtime");

    let one = tokio::runtime::Builder::new_current_thread().build().unwrap();
    one.block_on(exporter.export(vec![span_data("one")])).expect("current_thread, no drivers");
    let local = tokio::task::LocalSet::new();
    local.block_on(&one, exporter.export(vec![span_data("one")])).expect("LocalSet");

    let exporter = std::sync::Arc::new(exporter);
    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let inside = std::sync::Arc::clone(&exporter);
    let blocking = many.spawn_blocking(move || export(&inside));
    many.block_on(blocking).unwrap().expect("spawn_blocking");
    let inside = std::sync::Arc::clone(&exporter);
    let task = many.spawn(async move { inside.export(vec![span_data("one")]).await });
    many.block_on(task).unwrap().expect("multi_thread");

    // Built inside, too, and dropped there.
    one.block_on(async {
        let exporter = spans_to(&receiver);
        exporter.export(vec![span_data("one")]).await.expect("built in a runtime");
    });
    assert_eq!(receiver.counts().traces.taken, 6);
    receiver::end(&receiver);
}

#[test]
fn the_batch_processor_delivers_from_both_kinds_of_runtime() {
    let collector = Collector::start();
    let receiver = receiver::start(&collector.url());
    let runtimes = [
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap(),
    ];
    for runtime in runtimes {
        runtime.block_on(async {
            let provider =
                SdkTracerProvider::builder().with_batch_exporter(spans_to(&receiver)).build();
            for _ in 0..600 {
                drop(provider.tracer("test").start("work"));
            }
            provider.shutdown().expect("all that was queued is delivered");
        });
    }
    assert_eq!(collector.spans().len(), 1200);
    receiver::end(&receiver);
}

#[test]
fn an_empty_batch_is_ok_and_sends_nothing() {
    let exporter = CapnpSpanExporter::new("capnp://127.0.0.1:1".to_owned()).unwrap();
    wait(exporter.export(Vec::new())).unwrap();
}

#[test]
fn a_server_that_never_answers_fails_the_export_after_its_timeout() {
    let (_listener, url) = silent();
    let limit = Duration::from_millis(500);
    let builder = CapnpSpanExporter::builder().with_endpoint(url);
    let exporter = builder.with_timeout(limit).build().unwrap();
    let begin = Instant::now();
    let error = export(&exporter).unwrap_err();
    let took = begin.elapsed();
    assert!(took >= limit * 4 / 5 && took <= limit * 2, "{took:?} {error}");
}

#[test]
fn a_failed_export_says_why_and_the_next_one_arrives() {
    let collector = Collector::start();
    let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = held.local_addr().unwrap();
    drop(held);
    let builder = CapnpSpanExporter::builder().with_endpoint(format!("{address}"));
    let exporter = builder.with_timeout(Duration::from_millis(300)).build().unwrap();
    let error = export(&exporter).unwrap_err();
    assert!(matches!(error, OTelSdkError::InternalFailure(_)), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");

    let receiver = receiver::forwarding(&address.to_string(), &collector.url()).start().unwrap();
    let again = CapnpSpanExporter::new(format!("{address}")).unwrap();
    export(&again).expect("a new exporter");
    let end = Instant::now() + SOON;
    while export(&exporter).is_err() {
        assert!(Instant::now() < end, "the old one too");
    }
    receiver::end(&receiver);
}

#[test]
fn a_drop_and_a_shutdown_do_not_wait_for_a_server_that_hangs() {
    let (_listener, url) = silent();
    let exporter = CapnpSpanExporter::new(url.clone()).unwrap();
    let pending = exporter.export(vec![span_data("one")]);
    let begin = Instant::now();
    let limit = Duration::from_millis(200);
    assert!(matches!(exporter.shutdown_with_timeout(limit), Err(OTelSdkError::Timeout(_))));
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert!(matches!(wait(pending), Err(OTelSdkError::AlreadyShutdown)));
    assert!(matches!(export(&exporter), Err(OTelSdkError::AlreadyShutdown)));

    let exporter = CapnpSpanExporter::new(url).unwrap();
    drop(exporter.export(vec![span_data("one")]));
    let begin = Instant::now();
    drop(exporter);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[test]
fn a_flush_waits_for_what_is_under_way() {
    let collector = Collector::start();
    let gate = collector.gate();
    let receiver = receiver::start(&collector.url());
    let exporter = spans_to(&receiver);
    let pending = exporter.export(vec![span_data("one")]);
    let flush = std::thread::scope(|scope| {
        let flushing = scope.spawn(|| exporter.force_flush());
        assert!(!flushing.is_finished());
        gate.release();
        flushing.join().expect("no panic")
    });
    flush.unwrap();
    wait(pending).unwrap();
    assert_eq!(collector.spans().len(), 1);
    receiver::end(&receiver);
}

#[test]
fn an_endpoint_in_any_of_its_forms_or_a_sentence() {
    for endpoint in [
        "http://localhost:4319",
        "http://localhost:4319/",
        "localhost:4319",
        "127.0.0.1:4319",
        "[::1]:4319",
        "capnp://receiver.example:1",
        "capnp+unix:/run/receiver.sock",
    ] {
        CapnpSpanExporter::new(endpoint.to_owned()).expect(endpoint);
    }
    for (endpoint, why) in [
        ("http://localhost", "the port is missing"),
        ("localhost", "the port is missing"),
        ("http://localhost:4319/v1/traces", "no paths"),
        ("https://localhost:4319", "https:// is not for Cap'n Proto"),
        ("capnps://localhost", "the port is missing"),
        ("ftp://localhost:4319", "the scheme is not known"),
        ("capnp+unix:relative", "the absolute path"),
        ("", "not an endpoint"),
    ] {
        let error = CapnpSpanExporter::new(endpoint.to_owned()).unwrap_err().to_string();
        assert!(error.contains("with_endpoint(") && error.contains(why), "{endpoint}: {error}");
    }
    let builder: CapnpExporterBuilder = CapnpExporterBuilder::default();
    let error = builder.with_header("authorization", "Bearer hunter2\n").build().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}
