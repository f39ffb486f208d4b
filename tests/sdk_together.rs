//! Our exporters for the SDK: the same promises for each signal, and many of them at once.

#![cfg(feature = "telemetry")]

mod support;

use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::{Logger as _, LoggerProvider as _};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{LogBatch, LogExporter as _, SdkLoggerProvider};
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter as _;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanExporter as _,
};
use support::SOON;
use support::collector::{Collector, Step};
use support::metrics::series;
use support::sdk::{span_data, spans_to, wait};
use trackside::export::sdk::{LogExporter, MetricExporter, SpanExporter};

/// One exporter of each signal.
struct Exporters(SpanExporter, LogExporter, MetricExporter);

const EACH: [fn(&Exporters) -> OTelSdkResult; 3] = [
    |all| wait(all.0.export(vec![span_data("one")])),
    |all| {
        let logger = SdkLoggerProvider::builder().build().logger("shop");
        let (record, scope) = (logger.create_log_record(), InstrumentationScope::default());
        wait(all.1.export(LogBatch::new(&[(&record, &scope)])))
    },
    |all| wait(all.2.export(&jobs(1))),
];

impl Exporters {
    fn to(url: &str, within: Duration) -> Self {
        let spans = SpanExporter::builder().with_endpoint(url).with_timeout(within).build();
        let logs = LogExporter::builder().with_endpoint(url).with_timeout(within).build();
        let metrics = MetricExporter::builder().with_endpoint(url).with_timeout(within).build();
        let good = "the endpoint is good";
        Self(spans.expect(good), logs.expect(good), metrics.expect(good))
    }

    fn shutdown(&self) -> [OTelSdkResult; 3] {
        [self.0.shutdown(), self.1.shutdown(), self.2.shutdown()]
    }
}

/// A counter that has come so far.
fn jobs(count: u64) -> ResourceMetrics {
    let memory = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(memory.clone()).build();
    provider.meter("shop").u64_counter("jobs").build().add(count, &[]);
    provider.shutdown().expect("memory has room");
    memory.get_finished_metrics().expect("memory is readable").remove(0)
}

#[test]
fn every_exporter_answers_with_the_outcome() {
    for (export, signal) in EACH.iter().zip(["/v1/traces", "/v1/logs", "/v1/metrics"]) {
        let collector = Collector::start();
        let exporters = Exporters::to(&collector.url(), SOON);
        collector.script(vec![Step::status(503), Step::status(200), Step::status(400)]);
        export(&exporters).expect("the second attempt is acknowledged");
        let error = export(&exporters).unwrap_err();
        assert!(matches!(error, OTelSdkError::InternalFailure(_)), "{signal}: {error:?}");
        assert!(error.to_string().contains("400"), "{signal}: {error}");
        let paths: Vec<_> = collector.requests().into_iter().map(|it| it.path).collect();
        assert_eq!(paths, [signal; 3]);

        let limit = Duration::from_millis(200);
        collector.script(vec![Step::NeverAnswer]);
        let error = export(&Exporters::to(&collector.url(), limit)).unwrap_err();
        assert!(matches!(error, OTelSdkError::Timeout(of) if of == limit), "{signal}: {error:?}");
    }
}

#[test]
fn a_shutdown_of_any_exporter_leaves_the_others() {
    let collector = Collector::start();
    let (one, other) =
        (Exporters::to(&collector.url(), SOON), Exporters::to(&collector.url(), SOON));
    one.shutdown().into_iter().for_each(|ended| ended.expect("nothing is under way"));
    for export in EACH {
        assert!(matches!(export(&one), Err(OTelSdkError::AlreadyShutdown)));
        export(&other).expect("the other one lives");
    }
    for ended in one.shutdown() {
        assert!(matches!(ended, Err(OTelSdkError::AlreadyShutdown)));
    }
    assert_eq!(collector.requests().len(), 3);
}

#[test]
fn a_metric_exporter_flushes_what_is_under_way_and_keeps_a_deadline() {
    let collector = Collector::start();
    let gate = collector.gate();
    collector.script(vec![Step::Hold(gate.clone(), Box::new(Step::status(200)))]);
    let exporter = Exporters::to(&collector.url(), SOON).2;
    let metrics = jobs(1);
    let mut pending = pin!(exporter.export(&metrics));
    let mut cx = TaskContext::from_waker(Waker::noop());
    assert!(pending.as_mut().poll(&mut cx).is_pending());
    collector.wait_for(1, SOON);
    gate.release();
    exporter.force_flush().expect("the answer comes");
    assert!(matches!(pending.as_mut().poll(&mut cx), Poll::Ready(Ok(()))));

    collector.script(vec![Step::NeverAnswer]);
    let pending = exporter.export(&metrics);
    collector.wait_for(2, SOON);
    let within = Duration::from_millis(50);
    let ended = exporter.shutdown_with_timeout(within);
    assert!(matches!(ended, Err(OTelSdkError::Timeout(of)) if of == within), "{ended:?}");
    assert!(matches!(wait(pending), Err(OTelSdkError::AlreadyShutdown)));
}

#[test]
fn a_full_batch_goes_at_once_and_any_other_on_schedule() {
    let traced = |size, delay, spans: usize| {
        let collector = Collector::start();
        let config = BatchConfigBuilder::default()
            .with_max_export_batch_size(size)
            .with_scheduled_delay(delay)
            .build();
        let processor =
            BatchSpanProcessor::builder(spans_to(&collector.url())).with_batch_config(config);
        let provider = SdkTracerProvider::builder().with_span_processor(processor.build()).build();
        for _ in 0..spans {
            drop(provider.tracer("shop").start("one"));
        }
        let request = collector.wait_for(1, SOON).remove(0);
        provider.shutdown().expect("the collector answers");
        request.decode().resource_spans[0].scope_spans[0].spans.len()
    };
    assert_eq!(traced(3, 10 * SOON, 3), 3);
    assert_eq!(traced(512, Duration::from_millis(20), 1), 1);
}

#[test]
fn sixteen_threads_share_one_metric_exporter() {
    const THREADS: usize = 16;
    const CALLS: usize = 1_000;
    let collector = Collector::start();
    let exporter = Exporters::to(&collector.url(), 10 * SOON).2;
    let metrics = jobs(3);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..CALLS {
                    wait(exporter.export(&metrics)).expect("it is acknowledged");
                }
            });
        }
    });
    let sum: f64 = collector.requests().iter().map(|request| series(request)["jobs{}"]).sum();
    assert_eq!(sum, (3 * THREADS * CALLS) as f64);
}

#[test]
fn readers_and_providers_of_the_sdk_share_one_thread_without_mixing_anything() {
    let collectors: [Collector; 4] = std::array::from_fn(|_| Collector::start());
    let reader = |to: &Collector| {
        let reader = PeriodicReader::builder(Exporters::to(&to.url(), SOON).2);
        reader.with_interval(10 * SOON).build()
    };
    let meters = SdkMeterProvider::builder()
        .with_reader(reader(&collectors[0]))
        .with_reader(reader(&collectors[1]))
        .build();
    let tracers = [&collectors[2], &collectors[3]]
        .map(|to| SdkTracerProvider::builder().with_batch_exporter(spans_to(&to.url())).build());
    let counter = meters.meter("shop").u64_counter("jobs").build();
    std::thread::scope(|scope| {
        for (provider, name) in tracers.iter().zip(["first", "second"]) {
            let counter = counter.clone();
            scope.spawn(move || {
                for _ in 0..100 {
                    counter.add(1, &[]);
                    drop(provider.tracer("shop").start(name));
                }
                provider.force_flush().expect("the collector answers");
            });
        }
    });
    meters.shutdown().expect("both collectors answer");
    for of_metrics in &collectors[..2] {
        let requests = of_metrics.requests();
        assert_eq!(series(requests.last().expect("the last collection"))["jobs{}"], 200.0);
    }
    for (of_spans, name) in collectors[2..].iter().zip(["first", "second"]) {
        let spans = of_spans.spans();
        assert_eq!(spans.len(), 100);
        assert!(spans.iter().all(|span| span.name == name), "a span of the other provider");
    }
}
