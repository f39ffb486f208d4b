//! From words to a plan: arguments over variables over defaults, decided once.

mod capnp;
mod certificates;
mod config_file;
#[cfg(feature = "config-file")]
mod declarative;
#[cfg(not(feature = "config-file"))]
#[path = "declarative/off.rs"]
mod declarative;
mod endpoint;
mod exporter;
mod file;
mod given;
mod log_filter;
mod parse;
pub(crate) mod plan;
mod prometheus;
mod proxy;
mod report;
mod resolve;
mod resource;
mod sampler;
mod service;
mod signal;
#[cfg(feature = "receive")]
pub(crate) mod stamp;
pub(crate) mod standalone;
mod url;
pub(crate) mod variables;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use log_filter::LogFilter;
pub use report::Report;
pub(crate) use sampler::named as sampler_named;

pub(crate) use resolve::{LOG_FILTER, Resolved, SAMPLER, log_filter};
pub(crate) use resource::renew;
pub(crate) use service::hold;
pub use service::register_service;
pub(crate) use url::show as show_url;
#[cfg(feature = "receive")]
pub(crate) use url::{below as url_below, check as check_url};

use self::plan::Rotation;
use crate::error::Error;
use crate::export::sdk::Given;
use crate::telemetry::{Detector, Inject, MetricNames, OtelContext, Pace};

/// What a host wants called with each diagnostic.
pub(crate) type Hook = Arc<dyn Fn(&str) + Send + Sync>;

/// Arguments that override the environment; `default()` overrides nothing.
///
/// Nothing is checked here: `init` and [`resolve`](Self::resolve) check all of it at once.
///
/// ```
/// use std::time::Duration;
/// use trackside::telemetry::TelemetryConfig;
///
/// let config = TelemetryConfig::default()
///     .with_service_name("shop")
///     .with_attribute("team", "checkout")
///     .with_sampler("parentbased_traceidratio", Some(0.1))
///     .with_drop_deadline(Duration::from_secs(2))
///     .or_console();
/// println!("{}", config.resolve());
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct TelemetryConfig {
    endpoint: Option<String>,
    headers: Vec<(String, String)>,
    protocol: Option<String>,
    certificate: Option<PathBuf>,
    client_certificate: Option<(PathBuf, PathBuf)>,
    service_name: Option<String>,
    service_version: Option<String>,
    environment: Option<String>,
    fallback_name: Option<String>,
    attributes: Vec<(String, String)>,
    detectors: Vec<(Detector, bool)>,
    sampler: Option<(String, Option<f64>)>,
    log_filter: Option<String>,
    traces: Option<bool>,
    metrics: Option<bool>,
    logs: Option<bool>,
    metric_names: Option<MetricNames>,
    sdk_metrics: Option<bool>,
    memory_limit: Option<usize>,
    drop_deadline: Option<Duration>,
    globals: Option<bool>,
    otel_context: Option<OtelContext>,
    pace: Option<Pace>,
    file_directory: Option<PathBuf>,
    file_rotation: Option<Rotation>,
    or_console: bool,
    spec_defaults: bool,
    hook: Option<Hook>,
    /// See `export::sdk::WithExporters`.
    pub(crate) foreign: Given,
    /// Stands in for the process environment.
    variables: Option<Vec<(String, String)>>,
}

impl TelemetryConfig {
    /// The specification's default: OTLP to `http://localhost:4318` where nothing is configured.
    ///
    /// Plain `default()` is off there.
    pub fn spec_defaults() -> Self {
        Self { spec_defaults: true, ..Self::default() }
    }

    /// The console where neither an argument nor a variable names a destination.
    ///
    /// It changes nothing where a signal is switched off, or where a destination is named that
    /// cannot be used.
    pub fn or_console(mut self) -> Self {
        self.or_console = true;
        self
    }

    /// Where all signals go: `http://host[:port][/path]` is an OTLP base URL, to which `/v1/<signal>` is
    /// appended, `http+unix:/path` is the same over a socket; `capnp://host:port` and `capnp+unix:/path` are a
    /// receiver of Cap'n Proto. With the feature `tls`, `https://` and `capnps://` are the same over TLS.
    /// gRPC has no paths, and takes `host:port` too, which means TLS.
    ///
    /// It takes the place of `OTEL_EXPORTER_OTLP_ENDPOINT`; a variable that names one signal's
    /// endpoint, such as `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, still wins for that signal.
    /// Anything else is an error of `init`, and so is TLS without the feature. Where a variable names
    /// the exporter `capnp`, host and port of an `http://` URL are taken, and a bare `host:port` will do.
    pub fn with_endpoint(mut self, url: &str) -> Self {
        self.endpoint = Some(url.to_owned());
        self
    }

    /// How OTLP is spoken: `http/protobuf`, `http/json`, or with the feature `grpc` also `grpc`.
    ///
    /// It takes the place of `OTEL_EXPORTER_OTLP_PROTOCOL` and its like for one signal. `init` refuses any other
    /// word, and `grpc` without the feature.
    pub fn with_protocol(mut self, protocol: &str) -> Self {
        self.protocol = Some(protocol.to_owned());
        self
    }

    /// A header on every export request; repeatable, the last of a name wins, also over a variable.
    ///
    /// `init` refuses a name that is no token of HTTP, a name that says how the request is framed
    /// (such as `content-length`), and a value with control characters. A value is never shown.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.set(name, value);
        self
    }

    /// The authorities that TLS trusts, a file in PEM form; those of the system where it is not given.
    ///
    /// It takes the place of `OTEL_EXPORTER_OTLP_CERTIFICATE` and its like for one signal. `init` refuses
    /// a file that it cannot use; what the file holds later counts from the next connection on.
    pub fn with_certificate(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificate = Some(path.into());
        self
    }

    /// What TLS shows of this client where a server asks: a certificate and its key, files in PEM form.
    ///
    /// It takes the place of `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`, `OTEL_EXPORTER_OTLP_CLIENT_KEY` and
    /// their like for one signal, and is read as [`with_certificate`](Self::with_certificate) says.
    pub fn with_client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.client_certificate = Some((certificate.into(), key.into()));
        self
    }

    /// `service.name`; a blank text counts as not given.
    ///
    /// Where not given: `OTEL_SERVICE_NAME`, then `OTEL_RESOURCE_ATTRIBUTES`, then what
    /// [`register_service`] was told, then `unknown_service:` and the [fallback name](Self::with_fallback_name).
    pub fn with_service_name(mut self, name: &str) -> Self {
        self.service_name = given(name);
        self
    }

    /// `service.version`; a blank text counts as not given.
    pub fn with_service_version(mut self, version: &str) -> Self {
        self.service_version = given(version);
        self
    }

    /// `deployment.environment.name`; a blank text counts as not given.
    pub fn with_environment(mut self, name: &str) -> Self {
        self.environment = given(name);
        self
    }

    /// Suffix of `unknown_service:` and what stands before `-multi`; the program's file name where not given, or blank.
    pub fn with_fallback_name(mut self, name: &str) -> Self {
        self.fallback_name = given(name);
        self
    }

    /// One resource attribute; repeatable, the last of a key wins. `init` refuses an empty key.
    ///
    /// `with_service_name` and its companions win over the same key here.
    pub fn with_attribute(mut self, key: &str, value: &str) -> Self {
        parse::put(&mut self.attributes, key.to_owned(), value.to_owned());
        self
    }

    /// Whether the resource says this by itself; see [`Detector`] for what it says where nothing is asked.
    ///
    /// Arguments and variables win over what is detected.
    pub fn with_detector(mut self, detector: Detector, on: bool) -> Self {
        parse::put(&mut self.detectors, detector, on);
        self
    }

    /// A name as in `OTEL_TRACES_SAMPLER`, any case; a ratio from 0 to 1 only where the name takes one.
    ///
    /// Where a name takes a ratio and none is given, `OTEL_TRACES_SAMPLER_ARG` counts, then 1.
    /// `init` refuses an unknown name and any other ratio.
    pub fn with_sampler(mut self, name: &str, ratio: Option<f64>) -> Self {
        self.sampler = Some((name.to_owned(), ratio));
        self
    }

    /// Which log records are taken: a level, and others for the loggers below a name, as in `info,shop.orders=debug,hyper=off`.
    ///
    /// Levels are `off`, `fatal`, `error`, `warn`, `info`, `debug` and `trace`; where none stands alone, it is `info`.
    /// What does not pass is neither recorded nor counted. Without it every record that comes here is taken.
    /// [`Telemetry::set_log_filter`](crate::telemetry::Telemetry::set_log_filter) changes it. `init` refuses what is no filter.
    pub fn with_log_filter(mut self, filter: &str) -> Self {
        self.log_filter = Some(filter.to_owned());
        self
    }

    /// `false` forces the signal off; `true` leaves it to the environment.
    pub fn with_traces(mut self, on: bool) -> Self {
        self.traces = Some(on);
        self
    }

    /// As `with_traces`.
    pub fn with_metrics(mut self, on: bool) -> Self {
        self.metrics = Some(on);
        self
    }

    /// As `with_traces`.
    pub fn with_logs(mut self, on: bool) -> Self {
        self.logs = Some(on);
        self
    }

    /// Names of the metrics of calls; default [`MetricNames::Both`].
    pub fn with_metric_names(mut self, names: MetricNames) -> Self {
        self.metric_names = Some(names);
        self
    }

    /// Whether the metrics hold what the crate counts of itself, by the semantic conventions: `otel.sdk.processor.*`
    /// and `otel.sdk.exporter.*`; default false. [`Status`](crate::telemetry::Status) has the same numbers.
    pub fn with_sdk_metrics(mut self, on: bool) -> Self {
        self.sdk_metrics = Some(on);
        self
    }

    /// Bytes that waiting telemetry may hold, rings included; default 64 MiB.
    ///
    /// `init` refuses less than 1 MiB. The rings of spans take at most half of it, and so do those of logs.
    pub fn with_memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// How long the last handle's drop may wait for what is left to be sent; default 5 s.
    pub fn with_drop_deadline(mut self, within: Duration) -> Self {
        self.drop_deadline = Some(within);
        self
    }

    /// Where the exporter `file` writes `traces.jsonl`, `metrics.jsonl` and `logs.jsonl`; made if it is not there.
    ///
    /// It changes nothing where no variable names that exporter. Without it `file` is standard output.
    /// A directory is for one process.
    pub fn with_file_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.file_directory = Some(directory.into());
        self
    }

    /// A file is put aside before it would hold more than `max_bytes`, and `max_age` after its beginning; of those put
    /// aside the newest `kept` stay. Default 100 MiB, a day, 10.
    ///
    /// `init` refuses 0 bytes and no time.
    pub fn with_file_rotation(mut self, max_bytes: u64, max_age: Duration, kept: usize) -> Self {
        self.file_rotation = Some(Rotation { max_bytes, max_age, kept });
        self
    }

    /// How often batches leave, and how a failing endpoint is tried again; default [`Pace::Prompt`].
    ///
    /// `OTEL_BSP_SCHEDULE_DELAY` and `OTEL_BLRP_SCHEDULE_DELAY` win over the pace's schedule. How often
    /// metrics are collected is `OTEL_METRIC_EXPORT_INTERVAL` alone.
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = Some(pace);
        self
    }

    /// Whether what the process has one of becomes ours; default true.
    ///
    /// `init` then sets OpenTelemetry's tracer provider, meter provider and propagator, each where its
    /// signal is on (the propagator where any is), and the report says which. The API cannot tell
    /// whether a host has set its own, so they are replaced, and it cannot unset them: after a
    /// shutdown ours do nothing, and work again after the next `init`.
    ///
    /// With traces or logs on, `init` also installs a `tracing` subscriber with [`layer`](crate::layer),
    /// for level INFO and above, unless there is one already: a host's own is never replaced, but one
    /// that is set after `init` is refused by `tracing`. The report says what was done.
    pub fn set_globals(mut self, on: bool) -> Self {
        self.globals = Some(on);
        self
    }

    /// Whether code of the OpenTelemetry API finds the current span in its `Context`; default [`OtelContext::Auto`].
    ///
    /// `Context::current().span()` is then the current span, and writes to it on the thread where it is
    /// entered. It allocates, and costs some 150 ns, at each poll of a wrapper and for each guard.
    pub fn with_otel_context(mut self, when: OtelContext) -> Self {
        self.otel_context = Some(when);
        self
    }

    /// Called with each diagnostic, at most once a minute for the same one.
    ///
    /// What the configuration has to say comes on the thread that calls `init`, before it returns;
    /// the rest comes on the crate's own thread, which does nothing else meanwhile (a drop that was
    /// too late, on the thread of the drop). So be brief, and do not wait for telemetry. A panic of the callback is caught.
    ///
    /// ```
    /// use trackside::telemetry::TelemetryConfig;
    ///
    /// let config = TelemetryConfig::default().on_diagnostic(|line| eprintln!("telemetry: {line}"));
    /// # let _config = config;
    /// ```
    pub fn on_diagnostic(mut self, call: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(call));
        self
    }

    /// The report that `init` would give, without starting anything.
    ///
    /// Where `init` would refuse an argument, the report is that error as its only diagnostic.
    #[must_use]
    pub fn resolve(&self) -> Report {
        match self.plan() {
            Ok(resolved) => resolved.report,
            Err(error) => {
                let mut report = Report::new();
                report.note(error.to_string());
                report
            }
        }
    }

    /// Decides everything; `Err` names the argument that cannot be used.
    pub(crate) fn plan(&self) -> Result<Resolved, Error> {
        resolve::resolve(self)
    }

    /// What `on_diagnostic` was given.
    pub(crate) fn diagnostic_hook(&self) -> Option<Hook> {
        self.hook.clone()
    }

    /// Reads these instead of the process environment, which a test cannot change for itself alone.
    pub(crate) fn with_variables(mut self, variables: Vec<(String, String)>) -> Self {
        self.variables = Some(variables);
        self
    }
}

impl fmt::Debug for TelemetryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TelemetryConfig")
    }
}

fn given(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}
