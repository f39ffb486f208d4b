//! What is measured: by which exporter, compressed how, which spans.

use crate::Result;

/// An exporter, and how it compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    pub exporter: &'static str,
    pub compression: &'static str,
    /// Which server it talks to.
    pub server: &'static str,
}

const fn variant(
    exporter: &'static str,
    compression: &'static str,
    server: &'static str,
) -> Variant {
    Variant { exporter, compression, server }
}

/// `stock` is opentelemetry-otlp. An exporter is handed finished spans; a pipeline records them first: by the
/// OpenTelemetry API, or as hosts do it, by `instrument` or by `tracing` with tracing-opentelemetry.
pub const VARIANTS: [Variant; 21] = [
    variant("trackside-capnp", "none", "capnp"),
    variant("stock-grpc", "none", "grpc"),
    variant("trackside-http", "none", "http"),
    variant("stock-http", "none", "http"),
    variant("trackside-capnp", "zstd", "capnp"),
    variant("stock-grpc", "zstd", "grpc"),
    variant("stock-http", "zstd", "http"),
    variant("stock-grpc", "gzip", "grpc"),
    variant("trackside-http", "gzip", "http"),
    variant("stock-http", "gzip", "http"),
    variant("trackside-pipeline-capnp", "none", "capnp"),
    variant("stock-pipeline-grpc", "none", "grpc"),
    variant("trackside-pipeline-http", "none", "http"),
    variant("stock-pipeline-http", "none", "http"),
    variant("trackside-pipeline-capnp", "zstd", "capnp"),
    variant("stock-pipeline-grpc", "zstd", "grpc"),
    variant("trackside-pipeline-http", "gzip", "http"),
    variant("stock-pipeline-http", "gzip", "http"),
    variant("instrument-pipeline-capnp", "none", "capnp"),
    variant("instrument-pipeline-http", "none", "http"),
    variant("tracing-pipeline-grpc", "none", "grpc"),
];

impl Variant {
    pub fn find(exporter: &str, compression: &str) -> Result<Self> {
        let same = |known: &&Self| known.exporter == exporter && known.compression == compression;
        let found = VARIANTS.iter().find(same).copied();
        found.ok_or_else(|| format!("no variant {exporter} with {compression}").into())
    }

    /// What stands in the frames: spans leave as columns, but for few ones that the SDK's exporters are handed.
    pub fn format(&self, case: Case) -> &'static str {
        match self.exporter {
            "trackside-capnp" if case.batch < 64 => "rows",
            capnp if capnp.ends_with("-capnp") => "columns",
            _ => "protobuf",
        }
    }

    pub fn is_pipeline(&self) -> bool {
        self.exporter.contains("-pipeline-")
    }

    /// A pipeline that begins with what hosts write, and not with the OpenTelemetry API.
    pub fn is_host(&self) -> bool {
        self.exporter.starts_with("instrument-") || self.exporter.starts_with("tracing-")
    }

    /// Of what hosts write the attributes are known when it is compiled.
    pub fn takes(&self, case: Case) -> bool {
        !self.is_host() || (case.attributes == 4 && !case.with_events)
    }
}

/// The spans of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    pub batch: usize,
    pub attributes: usize,
    /// One event with two attributes and one link with one, on every span.
    pub with_events: bool,
}

impl Case {
    pub fn all(batches: &[usize]) -> Vec<Self> {
        let mut cases = Vec::new();
        for batch in batches {
            for attributes in [0, 4, 16] {
                for with_events in [false, true] {
                    cases.push(Self { batch: *batch, attributes, with_events });
                }
            }
        }
        cases
    }

    pub fn arguments(&self) -> [String; 3] {
        let events = if self.with_events { "events" } else { "plain" };
        [self.batch.to_string(), self.attributes.to_string(), events.to_owned()]
    }

    pub fn parse(batch: &str, attributes: &str, events: &str) -> Result<Self> {
        let (batch, attributes) = (batch.parse()?, attributes.parse()?);
        Ok(Self { batch, attributes, with_events: events == "events" })
    }
}
