//! Starting: idempotent, exact about what is wrong, and harmless.

#![cfg(feature = "telemetry")]

mod support;

use std::sync::Arc;

use support::collector::Collector;
use support::{SOON, assert_conserved, config, record, serial, start};
use trackside::telemetry::{self, TelemetryConfig};

#[test]
fn a_second_init_disturbs_nothing() {
    let _turn = serial();
    let collector = Collector::start();
    let first = start(&collector.url(), &[]);
    record("item", 1);
    let second = telemetry::init(config(&[]).with_service_name("other")).unwrap();
    record("item", 1);
    assert!(second.report().to_string().contains("called again"), "{}", second.report());
    drop(first);
    assert!(second.status().traces.on);
    second.shutdown(SOON).unwrap();
    assert_eq!(assert_conserved(&second).delivered, 2);
    assert_eq!(collector.connections(), 1);
}

#[test]
fn a_failed_init_can_be_retried() {
    let _turn = serial();
    let error = telemetry::init(config(&[]).with_endpoint("not a url")).unwrap_err().to_string();
    assert!(error.contains("with_endpoint") || error.contains("endpoint"), "{error}");
    assert!(error.contains("not a url"), "{error}");
    let collector = Collector::start();
    let telemetry = telemetry::init(config(&[]).with_endpoint(&collector.url())).unwrap();
    record("item", 1);
    telemetry.shutdown(SOON).unwrap();
    assert_eq!(collector.spans().len(), 1);
    assert_eq!(assert_conserved(&telemetry).delivered, 1);
}

#[test]
fn nothing_configured_starts_nothing_and_says_so() {
    let _turn = serial();
    let telemetry = telemetry::init(config(&[])).unwrap();
    let status = telemetry.status();
    assert!(!status.traces.on);
    assert!(status.traces.why.contains("no endpoint"), "{}", status.traces.why);
    assert!(telemetry.report().to_string().contains("no endpoint"), "{}", telemetry.report());
    assert!(
        telemetry::instrument(async {}, "x")
            .with(|_| panic!("off"))
            .with_kind(telemetry::Kind::Client)
            .makes_no_span()
    );
    assert_eq!(assert_conserved(&telemetry).recorded, 0);
}

trait Inert {
    fn makes_no_span(self) -> bool;
}

impl<F: Future> Inert for telemetry::Instrumented<F> {
    /// Polls once, and looks whether a span was current.
    fn makes_no_span(self) -> bool {
        let mut future = std::pin::pin!(self);
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = future.as_mut().poll(&mut cx);
        telemetry::current().trace_id().is_none()
    }
}

#[test]
fn a_bad_ratio_variable_samples_everything() {
    let _turn = serial();
    for ratio in ["NaN", "2", "-1", "half"] {
        let collector = Collector::start();
        let variables =
            [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", ratio)];
        let telemetry = start(&collector.url(), &variables);
        let said = telemetry.status().diagnostics.join("\n");
        assert!(said.contains("OTEL_TRACES_SAMPLER_ARG") && said.contains(ratio), "{said}");
        record("item", 10);
        telemetry.shutdown(SOON).unwrap();
        assert_eq!(assert_conserved(&telemetry).delivered, 10);
    }
}

#[test]
fn traces_can_be_switched_off_alone() {
    let _turn = serial();
    let collector = Collector::start();
    let url = collector.url();
    let off = [
        config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("OTEL_TRACES_EXPORTER", "none")]),
        config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).with_traces(false),
        config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("OTEL_SDK_DISABLED", "TRUE")]),
        config(&[("OTEL_SDK_DISABLED", "true")]).with_endpoint(&url).or_console(),
    ];
    for config in off {
        let telemetry = telemetry::init(config).unwrap();
        assert!(!telemetry.status().traces.on, "{}", telemetry.report());
        record("item", 1);
        telemetry.shutdown(SOON).unwrap();
        assert_eq!(assert_conserved(&telemetry).recorded, 0);
    }
    assert_eq!(collector.connections(), 0);
}

#[test]
fn the_resource_and_the_scope_arrive() {
    let _turn = serial();
    let collector = Collector::start();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url()),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=ignored,deployment.environment=dev,team=a%2Cb"),
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=s%20v"),
    ];
    let config = config(&variables).with_service_version("2.1").with_header("x-more", "1");
    let telemetry = telemetry::init(config).unwrap();
    record("item", 1);
    telemetry.shutdown(SOON).unwrap();
    let request = &collector.requests()[0];
    assert_eq!((&*request.method, &*request.path), ("POST", "/v1/traces"));
    assert_eq!(request.header("content-type"), ["application/x-protobuf"]);
    assert_eq!((request.header("x-key"), request.header("x-more")), (vec!["s v"], vec!["1"]));
    let spans = &request.decode().resource_spans[0];
    let attributes = &spans.resource.as_ref().unwrap().attributes;
    let value = |key: &str| {
        let found = attributes.iter().find(|pair| pair.key == key)?;
        match found.value.as_ref()?.value.as_ref()? {
            opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue(text) => {
                Some(text.clone())
            }
            _ => None,
        }
    };
    assert_eq!(value("service.name").as_deref(), Some("shop"));
    assert_eq!(value("service.version").as_deref(), Some("2.1"));
    assert_eq!(value("deployment.environment").as_deref(), Some("dev"));
    assert_eq!(value("team").as_deref(), Some("a,b"));
    assert_eq!(value("telemetry.sdk.language").as_deref(), Some("rust"));
    assert_eq!(attributes[0].key, "service.name");
    let scope = spans.scope_spans[0].scope.as_ref().unwrap();
    assert_eq!((&*scope.name, &*scope.version), ("trackside", env!("CARGO_PKG_VERSION")));
    assert_eq!(assert_conserved(&telemetry).delivered, 1);
}

#[test]
fn an_unnamed_service_is_named_after_the_process() {
    let _turn = serial();
    let report = config(&[]).resolve().to_string();
    assert!(report.contains("unknown_service:init"), "{report}");
    let report = config(&[]).with_fallback_name("oaas").resolve().to_string();
    assert!(report.contains("unknown_service:oaas"), "{report}");
}

#[test]
fn a_callback_may_call_init() {
    let _turn = serial();
    let config = config(&[("OTEL_NO_SUCH_THING", "1")]).on_diagnostic(|_| {
        drop(telemetry::init(TelemetryConfig::default()));
    });
    let telemetry = telemetry::init(config).unwrap();
    assert_eq!(telemetry.status().diagnostics.len(), 1);
    assert_conserved(&telemetry);
}

#[test]
fn what_a_callback_owns_may_use_telemetry_when_it_is_dropped() {
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            record("last words", 1);
            drop(telemetry::init(config(&[])));
        }
    }
    let _turn = serial();
    let dropped = Arc::new(());
    for round in 0..3 {
        let collector = Collector::start();
        let owned = (Last, Arc::clone(&dropped));
        let config = config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
        let telemetry = telemetry::init(config.on_diagnostic(move |_| {
            let _owned = &owned;
        }))
        .unwrap();
        record("item", 1);
        telemetry.shutdown(SOON).unwrap();
        let traces = assert_conserved(&telemetry);
        assert!(
            traces.delivered >= 1 && traces.delivered == traces.recorded,
            "{round}: {traces:?}"
        );
    }
    // What the last one owns goes when the next one starts, and says its words there: not in another test.
    let collector = Collector::start();
    start(&collector.url(), &[]).shutdown(SOON).unwrap();
    assert!(Arc::strong_count(&dropped) < 4, "earlier callbacks are gone");
}
