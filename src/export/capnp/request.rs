//! A frame as a call's parameters.

use std::borrow::Cow;

use super::super::frame::Frame;
use super::super::zstd;
use super::Signal;
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
pub(super) struct Packed<'a> {
    data: Cow<'a, [u8]>,
    compression: Compression,
    uncompressed: usize,
}

impl<'a> Packed<'a> {
    pub(super) fn new(data: &'a [u8], compress: bool) -> Self {
        let uncompressed = data.len();
        match compress.then(|| zstd::compress(data)).flatten() {
            Some(small) => {
                Self { data: Cow::Owned(small), compression: Compression::Zstd, uncompressed }
            }
            None => {
                Self { data: Cow::Borrowed(data), compression: Compression::None, uncompressed }
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.data.len()
    }
}

impl Batch<'_> {
    pub(super) fn write(&self, packed: &Packed<'_>, mut batch: batch::Builder<'_>) {
        batch.set_exporter_high(self.process);
        batch.set_exporter_low(self.frame.exporter);
        batch.set_sequence(self.frame.sequence);
        batch.set_item_count(self.frame.items);
        batch.set_signal(self.signal);
        let mut frame = batch.init_body().init_frame();
        frame.set_format(self.format);
        frame.set_compression(packed.compression);
        frame.set_uncompressed_bytes(u32::try_from(packed.uncompressed).unwrap_or(u32::MAX));
        frame.set_crc32c(crc32c::crc32c(&packed.data));
        frame.set_data(&packed.data);
    }
}
