//! What `benches/instructions` counts: batches of calls through the encoders, and through what a receiver reads
//! them with.

use ::capnp::message::{Builder, HeapAllocator};
use bytes::Bytes;
use opentelemetry_sdk::trace::SpanData;

use super::sdk_spans;
use crate::encode::capnp::columns::{ColumnsEncoder, ScopedColumns};
use crate::encode::sample::{SampleSpan, calls};
use crate::encode::sdk::{encode_spans, resource};
use crate::encode::{capnp, otlp};
use crate::export;
use crate::receive::rows::{Limits, Payload};
use crate::receive::sum_of_fields;
use crate::schema::ingest_capnp::batch::{self, Signal};
use crate::schema::ingest_capnp::frame::Format;

/// Spans of a batch.
pub const SPANS: usize = 512;

const LIMITS: Limits = Limits { uncompressed_bytes: 16 << 20, otlp_bytes: 64 << 20 };

enum Encoder {
    Otlp(Box<otlp::TraceEncoder>),
    Rows(Box<capnp::TraceEncoder>),
    Columns(Box<ColumnsEncoder>),
}

/// Encodes one batch as often as it is told to.
pub struct Encode {
    spans: Vec<SampleSpan>,
    encoder: Encoder,
}

impl Encode {
    /// As `otlp`, `rows` or `columns`.
    pub fn new(format: &str) -> Self {
        let (resource, name, version) = (calls::resource(), "acme.rpc", "1.0.0");
        let encoder = match format {
            "otlp" => Encoder::Otlp(otlp::TraceEncoder::new(&resource, name, version).into()),
            "rows" => Encoder::Rows(capnp::TraceEncoder::new(&resource, name, version).into()),
            "columns" => Encoder::Columns(ColumnsEncoder::new(&resource, name, version).into()),
            other => panic!("there is no format {other}"),
        };
        Self { spans: calls::batch(SPANS), encoder }
    }

    pub fn batch(&mut self) -> Bytes {
        macro_rules! encoded {
            ($encoder:expr) => {{
                self.spans.iter().for_each(|span| $encoder.span(span));
                $encoder.finish()
            }};
        }
        match &mut self.encoder {
            Encoder::Otlp(encoder) => encoded!(encoder),
            Encoder::Rows(encoder) => encoded!(encoder),
            Encoder::Columns(encoder) => encoded!(encoder),
        }
    }

    /// The length of a batch as a link with compression sends it.
    pub fn compressed(&mut self) -> usize {
        let message = self.batch();
        let texts = match self.encoder {
            Encoder::Otlp(_) => None,
            Encoder::Rows(_) => capnp::texts(&message),
            Encoder::Columns(_) => capnp::texts_of_columns(&message),
        };
        let cuts = texts.map_or_else(Vec::new, |texts| vec![texts.start, texts.end]);
        export::zstd_compressed(&message, &cuts)
            .map_or(message.len(), |compressed| compressed.len())
    }
}

/// Encodes one batch of `SpanData` to columns, as the exporter of the SDK does.
pub struct EncodeSdk {
    spans: Vec<SpanData>,
    encoder: ScopedColumns,
}

impl EncodeSdk {
    /// Of spans with so many attributes, and with an event and a link each if it says `-events`.
    pub fn new(shape: &str) -> Self {
        let (attributes, with_events) = match shape.strip_suffix("-events") {
            Some(attributes) => (attributes, true),
            None => (shape, false),
        };
        let attributes = attributes.parse().expect("a number of attributes");
        Self {
            spans: sdk_spans::batch(SPANS, attributes, with_events),
            encoder: ScopedColumns::new(&resource(&sdk_spans::resource())),
        }
    }

    pub fn batch(&mut self) -> Bytes {
        encode_spans(&mut self.encoder, &self.spans)
    }
}

/// Reads one batch as often as it is told to, from the call that brings it to the last of its fields.
pub struct Decode(Builder<HeapAllocator>);

impl Decode {
    /// Of `rows` or `columns`.
    pub fn new(format: &str) -> Self {
        let data = Encode::new(format).batch();
        let mut message = Builder::new(HeapAllocator::new());
        let mut batch = message.init_root::<batch::Builder<'_>>();
        batch.set_signal(Signal::Traces);
        batch.set_item_count(SPANS as u32);
        let mut frame = batch.init_body().init_frame();
        frame.set_format(if format == "rows" { Format::RowsStandard } else { Format::Columns });
        frame.set_crc32c(crc32c::crc32c(&data));
        frame.set_uncompressed_bytes(data.len() as u32);
        frame.set_data(&data);
        Self(message)
    }

    /// A sum of all fields.
    pub fn batch(&self) -> u64 {
        let batch = self.0.get_root_as_reader().expect("it was written here");
        let payload = Payload::take(batch, &LIMITS).expect("a batch of ours");
        sum_of_fields(&payload).expect("a batch of ours")
    }
}
