//! How parts of the plan are shown, and what the SDK calls them.

use std::fmt;

use super::{
    Coding, ExporterPlan, FilePlan, Globals, OtlpPlan, PrometheusPlan, Protocol, ProxyPlan, Root,
    Route, SamplerPlan, Temporality,
};
use crate::config::show_url;

/// As `OTEL_EXPORTER_OTLP_PROTOCOL` calls it.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HttpProtobuf => "http/protobuf",
            Self::HttpJson => "http/json",
            Self::Grpc => "grpc",
        })
    }
}

/// As `OTEL_EXPORTER_OTLP_COMPRESSION` calls it.
impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

impl fmt::Display for ProxyPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Where it goes, without what may be a secret. The path of gRPC is no choice of anybody's.
impl fmt::Display for OtlpPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = show_url(&self.url);
        match (&self.route, self.protocol) {
            (Route::Unix(socket), Protocol::Grpc) => write!(f, "unix:{}", socket.display()),
            (Route::Unix(socket), _) => {
                write!(f, "http+unix:{} {}", socket.display(), self.url.path())
            }
            (_, Protocol::Grpc) => {
                f.write_str(shown.strip_suffix(self.url.path()).unwrap_or(&shown))
            }
            _ => f.write_str(&shown),
        }
    }
}

impl fmt::Display for SamplerPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

impl fmt::Display for Globals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

impl fmt::Display for Temporality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cumulative => "cumulative",
            Self::Delta => "delta",
            Self::LowMemory => "lowmemory",
        })
    }
}

impl fmt::Display for ExporterPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Otlp(plan) => write!(f, "{plan}"),
            Self::Capnp(plan) => write!(f, "{}", plan.target),
            Self::Foreign(foreign) => write!(f, "{foreign}"),
            Self::Console { .. } => f.write_str("the console"),
            Self::File(FilePlan { path: Some(path), .. }) => write!(f, "{}", path.display()),
            Self::File(FilePlan { path: None, .. }) => f.write_str("standard output"),
            Self::Prometheus(PrometheusPlan { host, port }) if host.contains(':') => {
                write!(f, "http://[{host}]:{port}/metrics")
            }
            Self::Prometheus(PrometheusPlan { host, port }) => {
                write!(f, "http://{host}:{port}/metrics")
            }
        }
    }
}
