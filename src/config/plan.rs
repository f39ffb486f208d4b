//! The plan: typed, complete, nothing optional left to decide, no string left to look at.

mod measured;
mod propagators;
mod shown;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

use crate::config::LogFilter;
use crate::export::sdk::Foreign;
use crate::health::diagnostics::Level;
use crate::telemetry::{MetricNames, OtelContext, Pace};
use crate::tls::Certificates;

pub(crate) use measured::{Exemplars, Histograms};
pub(crate) use propagators::{Propagator, Propagators};

/// Everything that `init` needs to start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Resource attributes, in order, `service.name` first; keys are unique.
    pub(crate) resource: Vec<(String, String)>,
    pub(crate) traces: TracesPlan,
    pub(crate) metrics: MetricsPlan,
    pub(crate) logs: LogsPlan,
    pub(crate) propagators: Propagators,
    /// The headers that the process was started with: a name, and what it holds.
    pub(crate) inherited: Vec<(String, String)>,
    pub(crate) sampler: SamplerPlan,
    pub(crate) limits: Limits,
    /// All log records are taken where there is none.
    pub(crate) log_filter: Option<LogFilter>,
    /// Bytes that waiting telemetry may hold, rings included.
    pub(crate) memory: usize,
    pub(crate) drop_deadline: Duration,
    pub(crate) pace: Pace,
    /// What standard error may show of our diagnostics, where no logger is set.
    pub(crate) log_level: Option<Level>,
    pub(crate) globals: Globals,
    pub(crate) otel_context: OtelContext,
}

/// Which of the process's globals become ours: those of the signals that are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Globals {
    pub(crate) tracer_provider: bool,
    pub(crate) meter_provider: bool,
    pub(crate) propagator: bool,
    /// A `tracing` subscriber where the process has none.
    pub(crate) subscriber: bool,
}

/// Spans: where they go and how they are batched.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TracesPlan {
    /// Empty where the signal is off.
    pub(crate) exporters: Vec<ExporterPlan>,
    /// Why the signal is on or off, in a few words.
    pub(crate) why: String,
    pub(crate) batch: BatchPlan,
}

/// Metrics: where they go, how often, and how they are counted and called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MetricsPlan {
    /// Empty where the signal is off.
    pub(crate) exporters: Vec<ExporterPlan>,
    /// Why the signal is on or off, in a few words.
    pub(crate) why: String,
    /// Between two collections; never zero.
    pub(crate) interval: Duration,
    /// Caps one attempt, like the exporter's own timeout; `None` is no limit.
    pub(crate) timeout: Option<Duration>,
    pub(crate) temporality: Temporality,
    pub(crate) histograms: Histograms,
    /// Names of the RPC set.
    pub(crate) names: MetricNames,
    /// The SDK's own are exported too.
    pub(crate) of_sdk: bool,
    /// What becomes an exemplar of the RPC set's durations.
    pub(crate) exemplars: Exemplars,
}

/// Logs: where they go, how they are batched, and what of them is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogsPlan {
    /// Empty where the signal is off.
    pub(crate) exporters: Vec<ExporterPlan>,
    /// Why the signal is on or off, in a few words.
    pub(crate) why: String,
    pub(crate) batch: BatchPlan,
    pub(crate) limits: LogLimits,
}

/// Since when a sum counts: the start, or the last collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temporality {
    Cumulative,
    /// Counters and histograms since the last collection; up-down counters since the start.
    Delta,
    /// As `Delta`, but observable counters since the start: no old value need be kept.
    LowMemory,
}

/// One destination.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ExporterPlan {
    Otlp(OtlpPlan),
    Capnp(CapnpPlan),
    /// An exporter of the SDK's, given by argument.
    Foreign(Foreign),
    Console {
        /// `NO_COLOR` is set to something.
        no_color: bool,
    },
    File(FilePlan),
    /// Metrics that are fetched; nothing is sent there.
    Prometheus(PrometheusPlan),
}

/// Where metrics can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrometheusPlan {
    /// A name, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// OTLP as JSON lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePlan {
    /// The file of the signal; `None` is standard output.
    pub(crate) path: Option<PathBuf>,
    pub(crate) rotation: Rotation,
}

/// When a file is put aside, and how many of those are kept; nothing is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rotation {
    pub(crate) max_bytes: u64,
    pub(crate) max_age: Duration,
    pub(crate) kept: usize,
}

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    #[default]
    HttpProtobuf,
    HttpJson,
    Grpc,
}

/// How items become the body of an OTLP request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    #[default]
    Protobuf,
    Json,
}

/// How bodies are compressed. Without the feature `zstd` no plan has that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Coding {
    #[default]
    Identity,
    Gzip,
    Zstd,
}

/// What is connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Route {
    /// The host of the URL.
    #[default]
    Direct,
    /// A socket in the file system; absolute, and short enough for a socket's address.
    Unix(PathBuf),
    Proxy(ProxyPlan),
}

/// A proxy of HTTP. Displays as `host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProxyPlan {
    /// A name, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Marked as a secret, so that no `Debug` shows it.
    pub(crate) authorization: Option<http::HeaderValue>,
}

/// OTLP over HTTP or gRPC.
#[derive(Clone, PartialEq)]
pub(crate) struct OtlpPlan {
    /// `http://host:port/path` or `https://..`, checked; the path is complete.
    pub(crate) url: http::Uri,
    pub(crate) route: Route,
    /// Checked names and values; a secret to any log.
    pub(crate) headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// For one request; `None` is no limit.
    pub(crate) timeout: Option<Duration>,
    pub(crate) coding: Coding,
    /// Where the URL is `https://`.
    pub(crate) certificates: Certificates,
    pub(crate) protocol: Protocol,
}

/// Cap'n Proto to a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CapnpPlan {
    pub(crate) target: Target,
    /// What the connection is opened with; none is anonymous.
    pub(crate) token: Option<Token>,
    /// For one batch; `None` is no limit.
    pub(crate) timeout: Option<Duration>,
    pub(crate) compression: Compression,
    /// Where the target wants TLS.
    pub(crate) certificates: Certificates,
}

/// Where a receiver of Cap'n Proto listens. Displays as the endpoint that says so.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// The host is a name, or an address without brackets; the port is never zero.
    Tcp { host: String, port: u16 },
    /// The same, with TLS.
    Tls { host: String, port: u16 },
    /// Absolute, and short enough for a socket's address.
    Unix(PathBuf),
}

/// A bearer token, never empty; shown nowhere.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Token(Bytes);

/// Whether frames are compressed with zstd. Without the feature `zstd` it is `None` in every plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    /// Unless the peer turns out to be on this machine.
    OffMachine,
    /// Asked for: wherever the peer is.
    Zstd,
}

/// `OTEL_BSP_*` or `OTEL_BLRP_*`, checked: nothing is zero, a batch fits the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchPlan {
    pub(crate) schedule_delay: Duration,
    /// Caps one attempt, like the exporter's own timeout; `None` is no limit.
    pub(crate) export_timeout: Option<Duration>,
    pub(crate) max_queue: usize,
    pub(crate) max_batch: usize,
}

/// The head sampler.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum SamplerPlan {
    AlwaysOn,
    AlwaysOff,
    Ratio(f64),
    ParentBased(Root),
}

/// What a parent-based sampler does with a root.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Root {
    AlwaysOn,
    AlwaysOff,
    Ratio(f64),
}

/// The limits of spans; a length is in characters of text, or in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) value_length: Option<usize>,
    pub(crate) attributes: usize,
    pub(crate) events: usize,
    pub(crate) links: usize,
    pub(crate) event_attributes: usize,
    pub(crate) link_attributes: usize,
}

/// The limits of log records; a length is in characters of text, or in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogLimits {
    pub(crate) value_length: Option<usize>,
    pub(crate) attributes: usize,
}

impl fmt::Debug for OtlpPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpPlan")
            .field("url", &self.url)
            .field("route", &self.route)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("timeout", &self.timeout)
            .field("coding", &self.coding)
            .field("certificates", &self.certificates)
            .field("protocol", &self.protocol)
            .finish()
    }
}

impl OtlpPlan {
    /// A proxy is to pass on all bytes as they are: TLS is the peer's business, and proxies do not know the
    /// HTTP of gRPC.
    pub(crate) fn is_tunneled(&self) -> bool {
        self.protocol == Protocol::Grpc || self.url.scheme() == Some(&http::uri::Scheme::HTTPS)
    }
}

impl Protocol {
    pub(crate) const fn encoding(self) -> Encoding {
        match self {
            Self::HttpJson => Encoding::Json,
            Self::HttpProtobuf | Self::Grpc => Encoding::Protobuf,
        }
    }
}

impl Token {
    pub(crate) const fn new(token: Bytes) -> Self {
        Self(token)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Target {
    /// Whether the endpoint itself says that the peer is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp { host, .. } | Self::Tls { host, .. } => {
                match host.parse::<std::net::IpAddr>() {
                    Ok(address) => address.is_loopback(),
                    Err(_) => host.eq_ignore_ascii_case("localhost"),
                }
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host, port) = match self {
            Self::Tcp { host, port } => ("capnp", host, port),
            Self::Tls { host, port } => ("capnps", host, port),
            Self::Unix(path) => return write!(f, "capnp+unix:{}", path.display()),
        };
        match host.contains(':') {
            true => write!(f, "{scheme}://[{host}]:{port}"),
            false => write!(f, "{scheme}://{host}:{port}"),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::OffMachine => "zstd off this machine",
            Self::Zstd => "zstd",
        })
    }
}

impl Default for Rotation {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        Self { max_bytes: 100 * 1024 * 1024, max_age: day, kept: 10 }
    }
}

impl Globals {
    pub(crate) fn of(plan: &Plan) -> Self {
        let [traces, metrics, logs] =
            [&plan.traces.exporters, &plan.metrics.exporters, &plan.logs.exporters]
                .map(|exporters| !exporters.is_empty());
        Self {
            tracer_provider: traces,
            meter_provider: metrics,
            propagator: traces || metrics || logs,
            subscriber: traces || logs,
        }
    }
}
