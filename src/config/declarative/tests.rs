//! A file says what the variables say.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::config::plan::{Plan, Propagator, Protocol};
use crate::config::{Resolved, TelemetryConfig};
use crate::export::{HAS_GRPC, HAS_ZSTD};

const MIGRATION: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/declarative/otel-sdk-migration-config.yaml");

/// A file that goes with its test.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("trackside-config-{}-{number}.yaml", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).expect("a file");
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // What is left is left to the system.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn by_variables(variables: &[(&str, &str)]) -> Resolved {
    let owned = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    TelemetryConfig::default().with_variables(owned.collect()).plan().expect("good arguments")
}

fn by_file_at(path: &Path, variables: &[(&str, &str)]) -> Resolved {
    let path = path.to_str().expect("text");
    by_variables(&[variables, &[("OTEL_CONFIG_FILE", path)]].concat())
}

fn by_file(text: &str, variables: &[(&str, &str)]) -> Resolved {
    by_file_at(&File::new(text).0, variables)
}

/// What is planned, but for the words on why.
#[track_caller]
fn assert_same(file: Resolved, variables: Resolved) {
    let mut plan = file.plan;
    plan.traces.why = variables.plan.traces.why.clone();
    plan.metrics.why = variables.plan.metrics.why.clone();
    plan.logs.why = variables.plan.logs.why.clone();
    assert_eq!(plan, variables.plan, "{}", file.report);
}

#[test]
fn the_migration_file_means_what_the_variables_mean() {
    // What the file has no variable for is spelled out, and what it has another default for.
    let spelled = [
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_LOG_LEVEL", "info"),
    ];
    let compressed = [
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "gzip"),
        ("OTEL_SERVICE_NAME", "unknown_service"),
    ];
    let bare = by_file_at(Path::new(MIGRATION), &[]);
    assert!(bare.report.diagnostics().is_empty(), "{}", bare.report);
    assert_same(bare, by_variables(&[&spelled[..], &compressed].concat()));

    // Each variable of the file, with another value than its default.
    let all = [
        ("OTEL_SERVICE_NAME", "checkout"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=a%20b,service.version=7"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "11"),
        ("OTEL_PROPAGATORS", "tracecontext"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "2"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "30"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/base"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "5"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "authorization=Bearer%20a%2Cb,x-y=z"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "6"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "7"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "8"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "9"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "10"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "11"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "12"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "13"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "k=metrics"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "14"),
        ("OTEL_BLRP_EXPORT_TIMEOUT", "15"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "160"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "17"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "18"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "k=logs"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "19"),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "20"),
    ];
    let changed = by_file_at(Path::new(MIGRATION), &all);
    assert!(changed.report.diagnostics().is_empty(), "{}", changed.report);
    let whole = [&spelled[..], &all].concat();
    assert_same(changed, by_variables(&whole));

    // One by one, so that no two that are exchanged go unseen. Where the general limit alone is set the file spells
    // the others out, and the variables leave them to it.
    for (name, value) in all.into_iter().filter(|(name, _)| *name != "OTEL_ATTRIBUTE_COUNT_LIMIT") {
        let mut variables = [&spelled[..], &compressed].concat();
        variables.retain(|(known, _)| *known != name);
        variables.push((name, value));
        assert_same(by_file_at(Path::new(MIGRATION), &[(name, value)]), by_variables(&variables));
    }
    let disabled = by_file_at(Path::new(MIGRATION), &[("OTEL_SDK_DISABLED", "true")]);
    assert!(disabled.plan.traces.exporters.is_empty(), "{}", disabled.report);
    assert!(
        disabled.plan.propagators.iter().any(|one| one == Propagator::TraceContext),
        "propagation stays"
    );
}

const WHOLE: &str = r#"
file_format: "1.0"
resource:
  attributes:
    - name: service.name
      value: shop
    - name: shard
      value: 7
      type: int
  attributes_list: shard=1,zone=a
propagator:
  composite:
    - tracecontext:
    - baggage:
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_grpc:
            endpoint: http://collector:4317
            compression: gzip
            headers:
              - name: Authorization
                value: Bearer s3cret, or so
    - simple:
        exporter:
          console:
  sampler:
    parent_based:
      root:
        trace_id_ratio_based:
          ratio: 0.25
meter_provider:
  readers:
    - periodic:
        interval: 1000
        exporter:
          otlp_http:
            endpoint: http://collector:4318/v1/metrics
            encoding: json
            temporality_preference: low_memory
"#;

#[test]
fn each_part_of_a_file_finds_its_place() {
    let resolved = by_file(WHOLE, &[]);
    let report = resolved.report.to_string();
    let said = resolved.report.diagnostics();
    let simple = "line 25: tracer_provider.processors[1].simple: nothing is exported one by one";
    assert!(said.iter().any(|line| line.contains(simple)), "{report}");
    assert_eq!(said.len(), if HAS_GRPC { 1 } else { 2 }, "{report}");
    assert!(!report.contains("s3cret"), "{report}");
    let plan = &resolved.plan;
    let resource: Vec<_> = plan.resource.iter().take(3).cloned().collect();
    let expected = [("service.name", "shop"), ("shard", "7"), ("zone", "a")];
    assert_eq!(resource, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert_eq!(plan.sampler.to_string(), "parentbased_traceidratio 0.25");
    assert!(
        plan.logs.exporters.is_empty() && plan.logs.why.contains("has no exporter"),
        "{report}"
    );
    assert!(report.contains("OTEL_CONFIG_FILE, line 34"), "{report}");
    let exporters = |exporters: &[crate::config::plan::ExporterPlan]| {
        exporters.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(exporters(&plan.metrics.exporters), "http://collector:4318/v1/metrics");
    assert_eq!(plan.metrics.temporality.to_string(), "lowmemory");
    if HAS_GRPC {
        let found = exporters(&plan.traces.exporters);
        assert_eq!(found, "http://collector:4317 the console");
        let crate::config::plan::ExporterPlan::Otlp(otlp) = &plan.traces.exporters[0] else {
            panic!()
        };
        assert_eq!(otlp.protocol, Protocol::Grpc);
        let (name, value) = &otlp.headers[0];
        assert_eq!(
            (name.as_str(), value.as_bytes()),
            ("authorization", &b"Bearer s3cret, or so"[..])
        );
    } else {
        assert!(said.iter().any(|line| line.contains("the feature `grpc`")), "{report}");
    }
}

/// A line of a file, and what there is to say about it.
#[test]
fn what_cannot_be_used_is_said_once_with_its_line_and_path() {
    let table = [
        (
            "tracer_providr:\n",
            "line 2: tracer_providr: not known; ignored; known are disabled, file_format",
        ),
        ("disabled: 7\n", "line 2: disabled: an integer, not true or false; ignored"),
        ("disabled: \"true\"\n", "line 2: disabled: a string, not true or false; ignored"),
        ("distribution:\n  x: 1\n", "line 2: distribution: not supported by this version; ignored"),
        (
            "attribute_limits:\n  attribute_count_limit: many\n",
            "line 3: attribute_limits.attribute_count_limit: a string, not an integer",
        ),
        (
            "attribute_limits:\n  attribute_count_limit: -1\n",
            "line 3: attribute_limits.attribute_count_limit: \"-1\" is not a whole number",
        ),
        ("attribute_limits: [1]\n", "line 2: attribute_limits: a list, not a mapping; ignored"),
        (
            "propagator:\n  composite_list: ottrace,tracecontext\n",
            "line 3: propagator: \"ottrace\" is not supported",
        ),
        (
            "tracer_provider:\n  sampler:\n    jaeger_remote/development:\n",
            "line 4: tracer_provider.sampler.jaeger_remote/development: not supported by this version",
        ),
        (
            "tracer_provider:\n  sampler:\n    parent_based:\n      remote_parent_sampled:\n        always_off:\n",
            "line 6: tracer_provider.sampler.parent_based.remote_parent_sampled: only always_on is supported",
        ),
        (
            "tracer_provider:\n  processors:\n    - bach:\n",
            "line 4: tracer_provider.processors[0].bach: not known; ignored; known are batch, simple",
        ),
        (
            "tracer_provider:\n  processors:\n    - batch:\n        exporter:\n          zipkin:\n",
            "line 6: tracer_provider.processors[0].batch.exporter.zipkin: not known",
        ),
        (
            "tracer_provider:\n  processors:\n    - batch:\n",
            "line 4: tracer_provider.processors[0].batch: its exporter is missing",
        ),
        (
            "logger_provider:\n  processors:\n    - batch:\n        max_queue_size: 0\n        exporter:\n          console:\n",
            "line 5: logger_provider.processors[0].batch.max_queue_size: \"0\" is not a whole number from 1",
        ),
        (
            "meter_provider:\n  readers:\n    - periodic:\n        exporter:\n          otlp_http:\n            tls:\n              insecure: true\n            temporality_preference: sometimes\n",
            "line 8: meter_provider.readers[0].periodic.exporter.otlp_http.tls.insecure: not known",
        ),
        (
            "meter_provider:\n  views:\n    - selector:\n",
            "line 3: meter_provider.views: not supported by this version; ignored",
        ),
        (
            "resource:\n  attributes_list: alone\n",
            "line 3: resource.attributes_list: \"alone\" is not a percent-encoded",
        ),
        (
            "resource:\n  attributes:\n    - value: 1\n",
            "line 4: resource.attributes[0]: its name is missing",
        ),
    ];
    for (text, expected) in table {
        let resolved = by_file(&format!("file_format: \"1.1\"\n{text}"), &[]);
        let said = resolved.report.diagnostics();
        let found: Vec<_> = said.iter().filter(|line| line.contains(expected)).collect();
        assert_eq!(found.len(), 1, "{text}: {said:?}");
        assert!(found[0].starts_with("OTEL_CONFIG_FILE: line "), "{text}: {said:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_switches_everything_off_and_says_why() {
    let table = [
        ("", "not a mapping; it begins with file_format"),
        ("disabled: false\n", "file_format is missing; it has to be file_format: \"1.0\""),
        ("file_format: \"0.3\"\n", "line 1: file_format: \"0.3\" cannot be read"),
        ("file_format: \"2.0\"\n", "line 1: file_format: \"2.0\" cannot be read"),
        ("file_format: \"1.0\"\na: [\n", "not YAML"),
        ("file_format: \"1.0\"\na: ${1}\n", "line 2: `${1}` is no reference to a variable"),
    ];
    let base = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")];
    let check = |resolved: Resolved, words: &str| {
        let said = resolved.report.diagnostics();
        assert!(matches!(said, [line] if line.contains(words)), "{words}: {said:?}");
        assert!(said[0].starts_with("OTEL_CONFIG_FILE: "), "{said:?}");
        let Plan { traces, metrics, logs, .. } = &resolved.plan;
        for (exporters, why) in [
            (&traces.exporters, &traces.why),
            (&metrics.exporters, &metrics.why),
            (&logs.exporters, &logs.why),
        ] {
            assert!(exporters.is_empty(), "{words}");
            assert_eq!(*why, said[0]);
        }
    };
    for (text, words) in table {
        check(by_file(text, &base), words);
    }
    check(by_file_at(Path::new("/no/such.yaml"), &base), "/no/such.yaml: there is no such file");
    check(by_file_at(&std::env::temp_dir(), &base), "not a file");
    for version in ["\"1.0\"", "1.1", "\"1.2-rc.1\"", "\"1.17\""] {
        let resolved = by_file(&format!("file_format: {version}\n"), &[]);
        assert!(resolved.report.diagnostics().is_empty(), "{version}: {}", resolved.report);
    }
}

#[test]
fn other_variables_are_not_read_and_that_is_said() {
    let text = "file_format: \"1.0\"\nresource:\n  attributes_list: ${OTEL_RESOURCE_ATTRIBUTES}\n";
    let resolved = by_file(
        text,
        &[
            ("OTEL_RESOURCE_ATTRIBUTES", "a=b"),
            ("OTEL_SERVICE_NAME", "never"),
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_NONSENSE", "1"),
            ("NO_PROXY", "*"),
        ],
    );
    let expected = "OTEL_CONFIG_FILE: the file takes the place of the variables; not read are \
                    OTEL_SERVICE_NAME, OTEL_TRACES_EXPORTER, OTEL_NONSENSE";
    assert_eq!(resolved.report.diagnostics(), [expected]);
    assert!(resolved.plan.traces.exporters.is_empty());
    assert!(resolved.plan.resource.contains(&("a".to_owned(), "b".to_owned())));
}

#[test]
fn an_argument_stands_over_the_file() {
    let file = File::new(WHOLE);
    let path = file.0.to_str().expect("text").to_owned();
    let config = TelemetryConfig::default().with_service_name("argued").with_metrics(false);
    let config = config.with_variables(vec![("OTEL_CONFIG_FILE".to_owned(), path)]);
    let plan = config.plan().expect("good arguments").plan;
    assert_eq!(plan.resource[0].1, "argued");
    assert!(plan.metrics.exporters.is_empty());
}

#[test]
fn a_file_may_ask_for_capnp_and_for_zstd() {
    let text = "file_format: \"1.0\"\nlogger_provider:\n  processors:\n    - batch:\n        exporter:\n          \
                capnp:\n            endpoint: capnp://receiver:4319\n            compression: zstd\n";
    let resolved = by_file(text, &[]);
    assert_eq!(resolved.plan.logs.exporters[0].to_string(), "capnp://receiver:4319");
    let said = resolved.report.diagnostics();
    assert_eq!(said.is_empty(), HAS_ZSTD, "{said:?}");
}
