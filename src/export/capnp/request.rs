//! A frame as a call's parameters.

use bytes::Bytes;

use super::super::frame::Frame;
use super::super::zstd;
use super::Signal;
use crate::encode::capnp::{texts, texts_of_columns};
use crate::schema::ingest_capnp::batch;
use crate::schema::ingest_capnp::frame::{Compression, Format};

/// Who sends what.
pub(super) struct Batch<'a> {
    pub(super) frame: &'a Frame,
    pub(super) signal: Signal,
    pub(super) format: Format,
    /// The high half of the exporter's name; the frame has the low one.
    pub(super) process: u64,
}

/// The bytes as they go over the wire.
pub(super) struct Packed {
    pub(super) data: Bytes,
    compression: Compression,
    uncompressed: usize,
    checksum: u32,
}

impl Packed {
    pub(super) fn new(data: &Bytes, format: Format, compress: bool) -> Self {
        let uncompressed = data.len();
        let small = || {
            let texts = match format {
                Format::Columns => texts_of_columns(data),
                _ => texts(data),
            };
            let cuts = texts.map_or_else(Vec::new, |texts| vec![texts.start, texts.end]);
            zstd::compress(data, &cuts)
        };
        let (data, compression) = match compress.then(small).flatten() {
            Some(small) => (small.into(), Compression::Zstd),
            None => (data.clone(), Compression::None),
        };
        let checksum = crc32c::crc32c(&data);
        Self { data, compression, uncompressed, checksum }
    }

    pub(super) fn len(&self) -> usize {
        self.data.len()
    }
}

impl Batch<'_> {
    /// With `data` for what is packed: the same, or what stands for it.
    pub(super) fn write(&self, packed: &Packed, data: &[u8], mut batch: batch::Builder<'_>) {
        batch.set_exporter_high(self.process);
        batch.set_exporter_low(self.frame.exporter);
        batch.set_sequence(self.frame.sequence);
        batch.set_item_count(self.frame.items);
        batch.set_signal(self.signal);
        let mut frame = batch.init_body().init_frame();
        frame.set_format(self.format);
        frame.set_compression(packed.compression);
        frame.set_uncompressed_bytes(u32::try_from(packed.uncompressed).unwrap_or(u32::MAX));
        frame.set_crc32c(packed.checksum);
        frame.set_data(data);
    }
}
