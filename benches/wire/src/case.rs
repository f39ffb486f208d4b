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

/// `stock` is opentelemetry-otlp. An exporter is handed finished spans; a pipeline records them first.
pub const VARIANTS: [Variant; 18] = [
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
];

impl Variant {
    pub fn find(exporter: &str, compression: &str) -> Result<Self> {
        let same = |known: &&Self| known.exporter == exporter && known.compression == compression;
        let found = VARIANTS.iter().find(same).copied();
        found.ok_or_else(|| format!("no variant {exporter} with {compression}").into())
    }

    /// What stands in the frames: what is recorded leaves as columns, what the SDK's exporters are handed as rows.
    pub fn format(&self) -> &'static str {
        match self.exporter {
            "trackside-pipeline-capnp" => "columns",
            "trackside-capnp" => "rows",
            _ => "protobuf",
        }
    }

    pub fn is_pipeline(&self) -> bool {
        self.exporter.contains("-pipeline-")
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
    pub fn all(is_quick: bool) -> Vec<Self> {
        let batches: &[usize] = if is_quick { &[1, 100, 512] } else { &[1, 10, 100, 512, 1000] };
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
