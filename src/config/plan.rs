//! The plan: typed, complete, nothing optional left to decide, no string left to look at.

use std::time::Duration;

use crate::export::sdk::Foreign;
use crate::health::diagnostics::Level;
use crate::telemetry::{MetricNames, OtelContext, Pace};

/// Everything that `init` needs to start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Resource attributes, in order, `service.name` first; keys are unique.
    pub(crate) resource: Vec<(String, String)>,
    pub(crate) traces: TracesPlan,
    pub(crate) metrics: MetricsPlan,
    pub(crate) logs: LogsPlan,
    pub(crate) propagators: Propagators,
    pub(crate) sampler: SamplerPlan,
    pub(crate) limits: Limits,
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
    /// Names of the RPC set.
    pub(crate) names: MetricNames,
    /// Sampled spans become exemplars of the RPC set's durations.
    pub(crate) has_exemplars: bool,
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
    /// An exporter of the SDK's, given by argument.
    Foreign(Foreign),
    Console {
        /// `NO_COLOR` is set to something.
        no_color: bool,
    },
}

/// OTLP over HTTP.
#[derive(Clone, PartialEq)]
pub(crate) struct OtlpPlan {
    /// `http://host:port/path`, checked; the path is complete.
    pub(crate) url: http::Uri,
    /// Checked names and values; a secret to any log.
    pub(crate) headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// For one request; `None` is no limit.
    pub(crate) timeout: Option<Duration>,
    pub(crate) gzip: bool,
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

/// Which headers are written and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Propagators {
    pub(crate) trace_context: bool,
    pub(crate) baggage: bool,
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

impl std::fmt::Debug for OtlpPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpPlan")
            .field("url", &self.url)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("timeout", &self.timeout)
            .field("gzip", &self.gzip)
            .finish()
    }
}

impl std::fmt::Display for SamplerPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AlwaysOn => f.write_str("always_on"),
            Self::AlwaysOff => f.write_str("always_off"),
            Self::Ratio(ratio) => write!(f, "traceidratio {ratio}"),
            Self::ParentBased(Root::AlwaysOn) => f.write_str("parentbased_always_on"),
            Self::ParentBased(Root::AlwaysOff) => f.write_str("parentbased_always_off"),
            Self::ParentBased(Root::Ratio(ratio)) => {
                write!(f, "parentbased_traceidratio {ratio}")
            }
        }
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

impl std::fmt::Display for Globals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match (self.tracer_provider, self.meter_provider, self.propagator) {
            (.., false) => "nothing is on",
            (true, true, _) => "tracer provider, meter provider, propagator",
            (true, ..) => "tracer provider, propagator",
            (_, true, _) => "meter provider, propagator",
            _ => "propagator",
        })
    }
}

impl From<opentelemetry_sdk::metrics::Temporality> for Temporality {
    fn from(theirs: opentelemetry_sdk::metrics::Temporality) -> Self {
        use opentelemetry_sdk::metrics::Temporality as Sdk;
        match theirs {
            Sdk::Delta => Self::Delta,
            Sdk::LowMemory => Self::LowMemory,
            _ => Self::Cumulative,
        }
    }
}

impl From<Temporality> for opentelemetry_sdk::metrics::Temporality {
    fn from(ours: Temporality) -> Self {
        match ours {
            Temporality::Cumulative => Self::Cumulative,
            Temporality::Delta => Self::Delta,
            Temporality::LowMemory => Self::LowMemory,
        }
    }
}

impl std::fmt::Display for Temporality {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cumulative => "cumulative",
            Self::Delta => "delta",
            Self::LowMemory => "lowmemory",
        })
    }
}

impl std::fmt::Display for ExporterPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Otlp(plan) => write!(f, "{}", plan.url),
            Self::Foreign(foreign) => write!(f, "{foreign}"),
            Self::Console { .. } => f.write_str("the console"),
        }
    }
}
