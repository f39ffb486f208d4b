//! Arguments, ignored.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::super::{Detector, MetricNames, OtelContext, Pace};
use super::Report;

// The diagnostic hook's auto traits, so that both twins have the same.
type Hook = PhantomData<Option<Arc<dyn Fn(&str) + Send + Sync>>>;

/// Arguments that override the environment; `default()` overrides nothing.
#[derive(Clone, Default)]
#[must_use]
pub struct TelemetryConfig(Hook);

macro_rules! ignored {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),*);)*) => {
        impl TelemetryConfig { $(
            $(#[$doc])*
            pub fn $name(self, $($arg: $ty),*) -> Self {
                $(let _ = $arg;)*
                self
            }
        )* }
    };
}
ignored! {
    /// The console where neither an argument nor a variable names a destination.
    or_console();
    /// OTLP base URL for all signals; `/v1/<signal>` is appended.
    with_endpoint(url: &str);
    /// A header on every export request; repeatable.
    with_header(name: &str, value: &str);
    /// How OTLP is spoken, as in `OTEL_EXPORTER_OTLP_PROTOCOL`.
    with_protocol(protocol: &str);
    /// The authorities that TLS trusts, a file in PEM form.
    with_certificate(path: impl Into<PathBuf>);
    /// A certificate and its key, files in PEM form.
    with_client_certificate(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>);
    /// `service.name`.
    with_service_name(name: &str);
    /// `service.version`.
    with_service_version(version: &str);
    /// `deployment.environment.name`.
    with_environment(name: &str);
    /// Suffix of `unknown_service:` and what stands before `-multi`; the program's file name where not given, or blank.
    with_fallback_name(name: &str);
    /// One resource attribute; repeatable.
    with_attribute(key: &str, value: &str);
    /// Whether the resource says this by itself.
    with_detector(detector: Detector, on: bool);
    /// A name as in `OTEL_TRACES_SAMPLER`; a ratio only where the name takes one.
    with_sampler(name: &str, ratio: Option<f64>);
    /// Which log records are taken, by level and logger.
    with_log_filter(filter: &str);
    /// `false` forces the signal off; `true` leaves it to the environment.
    with_traces(on: bool);
    /// As `with_traces`.
    with_metrics(on: bool);
    /// As `with_traces`.
    with_logs(on: bool);
    /// Names of the metrics of calls.
    with_metric_names(names: MetricNames);
    /// Whether the metrics hold what the crate counts of itself.
    with_sdk_metrics(on: bool);
    /// Schedule and retries.
    with_pace(pace: Pace);
    /// Where the exporter `file` writes.
    with_file_directory(directory: impl Into<std::path::PathBuf>);
    /// When such a file is put aside, and how many of those stay.
    with_file_rotation(max_bytes: u64, max_age: Duration, kept: usize);
    /// Bytes that waiting telemetry may hold, rings included; default 64 MiB.
    with_memory_limit(bytes: usize);
    /// How long the last handle's drop may take; default 5 s.
    with_drop_deadline(within: Duration);
    /// Whether OpenTelemetry's globals become ours; default true.
    set_globals(on: bool);
    /// Whether code of the OpenTelemetry API finds the current span in its `Context`.
    with_otel_context(when: OtelContext);
    /// Called once per diagnostic, at most once a minute for the same one.
    on_diagnostic(call: impl Fn(&str) + Send + Sync + 'static);
}

impl TelemetryConfig {
    /// The specification's defaults: OTLP to localhost where nothing is configured.
    pub fn spec_defaults() -> Self {
        Self::default()
    }

    /// What `init` would start, without starting it.
    #[must_use]
    pub fn resolve(&self) -> Report {
        Report::new()
    }
}

impl fmt::Debug for TelemetryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TelemetryConfig")
    }
}
