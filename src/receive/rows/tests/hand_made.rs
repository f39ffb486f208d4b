//! Messages made by hand, right or wrong.

use capnp::message::{Builder, HeapAllocator, ReaderOptions};
use capnp::serialize;

use crate::receive::rows::{Limits, Payload, Refusal};
use crate::schema::ingest_capnp::batch::{self, Signal};
use crate::schema::ingest_capnp::frame::{Compression, Format};
use crate::schema::ingest_capnp::rows;
use crate::schema::trace_capnp::span;

pub(super) const LIMITS: Limits = Limits { uncompressed_bytes: 1 << 20, otlp_bytes: 4 << 20 };

/// The texts of `one_span`.
pub(super) const TEXTS: [&str; 4] = ["", "work", "schlüssel", "wert"];

/// A table of `texts`.
pub(super) fn set_texts(mut rows: rows::Builder<'_>, texts: &[&str]) {
    let mut strings = rows.reborrow().init_strings();
    strings.set_blob(texts.concat().as_bytes());
    let mut ends = strings.init_ends(texts.len() as u32);
    let mut end = 0;
    for (index, text) in texts.iter().enumerate() {
        end += text.len() as u32;
        ends.set(index as u32, end);
    }
}

/// One span named `work`, changed by `change`.
pub(super) fn one_span(change: impl FnOnce(span::Builder<'_>)) -> Builder<HeapAllocator> {
    // One segment, so that pointers can be found in it.
    let mut message = Builder::new(HeapAllocator::new().first_segment_words(1 << 15));
    let mut rows = message.init_root::<rows::Builder<'_>>();
    set_texts(rows.reborrow(), &TEXTS);
    let group = rows.init_traces().init_resource_spans(1).get(0);
    let mut span = group.init_scope_spans(1).get(0).init_spans(1).get(0);
    span.set_name(1);
    change(span);
    message
}

pub(super) fn bytes(message: &Builder<HeapAllocator>) -> Vec<u8> {
    serialize::write_message_to_words(message)
}

/// What a frame says of itself.
#[derive(Clone, Copy)]
pub(super) struct Envelope {
    pub(super) signal: Signal,
    pub(super) items: u32,
    pub(super) format: Format,
    pub(super) compression: Compression,
    pub(super) uncompressed: Option<u32>,
    pub(super) crc32c: Option<u32>,
}

/// One span, as it is.
pub(super) const PLAIN: Envelope = Envelope {
    signal: Signal::Traces,
    items: 1,
    format: Format::RowsStandard,
    compression: Compression::None,
    uncompressed: None,
    crc32c: None,
};

/// A call's batch with `data` in a frame, taken.
pub(super) fn take(envelope: Envelope, data: &[u8]) -> Result<Payload, Refusal> {
    take_within(envelope, data, &LIMITS)
}

pub(super) fn take_within(
    envelope: Envelope,
    data: &[u8],
    limits: &Limits,
) -> Result<Payload, Refusal> {
    let mut message = Builder::new_default();
    {
        let mut batch = message.init_root::<batch::Builder<'_>>();
        batch.set_signal(envelope.signal);
        batch.set_item_count(envelope.items);
        let mut frame = batch.init_body().init_frame();
        frame.set_format(envelope.format);
        frame.set_compression(envelope.compression);
        frame.set_uncompressed_bytes(envelope.uncompressed.unwrap_or(data.len() as u32));
        frame.set_crc32c(envelope.crc32c.unwrap_or_else(|| crc32c::crc32c(data)));
        frame.set_data(data);
    }
    Payload::take(message.get_root_as_reader()?, limits)
}

pub(super) fn take_batch(build: impl FnOnce(batch::Builder<'_>)) -> Result<Payload, Refusal> {
    let mut message = Builder::new_default();
    build(message.init_root());
    let bytes = bytes(&message);
    take_call(&bytes)
}

/// The batch in the bytes of a call.
pub(super) fn take_call(call: &[u8]) -> Result<Payload, Refusal> {
    let options = ReaderOptions::new();
    let message = serialize::read_message(call, options).unwrap();
    Payload::take(message.get_root()?, &LIMITS)
}

/// The sentence of a refusal.
#[track_caller]
pub(super) fn refused<T>(result: Result<T, Refusal>) -> String {
    match result {
        Ok(_) => panic!("taken"),
        Err(refusal) => refusal.to_string(),
    }
}
