//! Batches as no exporter would send them.

use std::io::Write as _;

use capnp::message::{Builder, HeapAllocator};

use crate::schema::ingest_capnp::frame::{Compression, Format};
use crate::schema::ingest_capnp::{batch, rows};
use crate::schema::trace_capnp::span;

/// Rows of one span, with these texts.
pub(crate) fn rows(texts: &[&str], fill: impl FnOnce(span::Builder<'_>)) -> Vec<u8> {
    let mut ends = vec![0];
    let mut blob = String::new();
    for text in texts {
        blob.push_str(text);
        ends.push(blob.len() as u32);
    }
    table(&ends, blob.as_bytes(), fill)
}

/// Rows of one span, with this table of texts.
pub(crate) fn table(ends: &[u32], blob: &[u8], fill: impl FnOnce(span::Builder<'_>)) -> Vec<u8> {
    let words = 32 * 1024 + blob.len() as u32 / 8;
    let mut message = Builder::new(HeapAllocator::new().first_segment_words(words));
    let mut rows = message.init_root::<rows::Builder<'_>>();
    let mut strings = rows.reborrow().init_strings();
    strings.set_blob(blob);
    strings.set_ends(ends).expect("a list");
    let group = rows.init_traces().init_resource_spans(1).get(0);
    fill(group.init_scope_spans(1).get(0).init_spans(1).get(0));
    capnp::serialize::write_message_to_words(&message)
}

/// One span without anything wrong.
pub(crate) fn sound() -> Vec<u8> {
    rows(&["work"], |mut span| {
        span.set_name(1);
        span.set_trace_id_low(7);
        span.set_span_id(9);
    })
}

/// How rows are put into a batch.
#[derive(Clone, Copy)]
pub(crate) struct Envelope {
    pub(crate) exporter: u64,
    pub(crate) sequence: u64,
    pub(crate) items: u32,
    pub(crate) format: Format,
    pub(crate) compression: Compression,
    pub(crate) uncompressed: Option<u32>,
    pub(crate) crc32c: Option<u32>,
}

pub(crate) const PLAIN: Envelope = Envelope {
    exporter: 1,
    sequence: 1,
    items: 1,
    format: Format::RowsStandard,
    compression: Compression::None,
    uncompressed: None,
    crc32c: None,
};

impl Envelope {
    pub(crate) fn at(sequence: u64) -> Self {
        Self { sequence, ..PLAIN }
    }

    pub(crate) fn fill(self, mut batch: batch::Builder<'_>, data: &[u8]) {
        batch.set_exporter_low(self.exporter);
        batch.set_sequence(self.sequence);
        batch.set_item_count(self.items);
        batch.set_signal(batch::Signal::Traces);
        let mut frame = batch.init_body().init_frame();
        frame.set_format(self.format);
        frame.set_compression(self.compression);
        frame.set_uncompressed_bytes(self.uncompressed.unwrap_or(data.len() as u32));
        frame.set_crc32c(self.crc32c.unwrap_or_else(|| crc(data)));
        frame.set_data(data);
    }
}

pub(crate) fn gzipped(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// So many MiB of zeros, as one stream of gzip: its middle is made once and repeated, for a build without
/// optimizations compresses slowly.
pub(crate) fn gzipped_zeros(mebibytes: usize) -> Vec<u8> {
    let zeros = vec![0; 1 << 20];
    let mut part = Vec::with_capacity(64 * 1024);
    let mut deflate = flate2::Compress::new(flate2::Compression::best(), false);
    // After a full flush nothing refers to what was before.
    let full = flate2::FlushCompress::Full;
    deflate.compress_vec(&zeros, &mut part, full).expect("there is room");
    assert_eq!(deflate.total_in(), zeros.len() as u64);
    let (mut one, mut all) = (flate2::Crc::new(), flate2::Crc::new());
    one.update(&zeros);
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for _ in 0..mebibytes {
        bytes.extend_from_slice(&part);
        all.combine(&one);
    }
    // An empty last block, then the sum and the length.
    bytes.extend_from_slice(&[3, 0]);
    bytes.extend_from_slice(&all.sum().to_le_bytes());
    bytes.extend_from_slice(&all.amount().to_le_bytes());
    bytes
}

/// CRC-32C, bit by bit.
pub(crate) fn crc(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    })
}
