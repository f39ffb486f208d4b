//! What fuzzers call. Only `scripts/fuzz` sets `--cfg fuzzing`; no other build has this.
//!
//! Each function takes whatever bytes there are. A panic is a finding, and so is memory over the limits
//! that the script sets.
#![allow(missing_docs, clippy::missing_panics_doc)]

use capnp::message::{Builder, HeapAllocator, ReaderOptions};

use crate::context_capnp::trace_context;
use crate::receive;
use crate::receive::rows::{Limits, Payload};
use crate::schema::ingest_capnp::batch::{self, Signal};
use crate::schema::ingest_capnp::frame::{Compression, Format};
use crate::schema::ingest_capnp::rows;
use crate::telemetry::rpc::capnp::Headers;
use crate::telemetry::{Parent, extract_from};

const LIMITS: Limits = Limits { uncompressed_bytes: 1 << 20, otlp_bytes: 1 << 20 };

/// Frames and messages of the protocol, to a receiver that knows its peer or does not.
pub fn frame(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    receive::fuzzing::serve(rest, first & 1 == 1);
}

/// The same behind a log-in.
pub fn session(bytes: &[u8]) {
    let mut all = receive::fuzzing::login();
    all.extend_from_slice(bytes);
    receive::fuzzing::serve(&all, false);
}

/// A batch: the first four bytes are its envelope, the rest is its frame.
pub fn batch(bytes: &[u8]) {
    let Some(([signal, format, compression, items], data)) = bytes.split_first_chunk() else {
        return;
    };
    let mut message = Builder::new(HeapAllocator::new());
    let mut batch = message.init_root::<batch::Builder<'_>>();
    batch.set_signal([Signal::Traces, Signal::Metrics, Signal::Logs][usize::from(signal % 3)]);
    batch.set_item_count((*items).into());
    let mut frame = batch.init_body().init_frame();
    frame.set_format([Format::RowsStandard, Format::RowsPacked][usize::from(format % 2)]);
    frame.set_compression([Compression::None, Compression::Gzip][usize::from(compression % 2)]);
    // An honest sum: everything behind it is what matters.
    frame.set_crc32c(crc32c::crc32c(data));
    frame.set_uncompressed_bytes(match compression % 2 {
        0 => data.len() as u32,
        _ => u32::from(*compression) * 256,
    });
    frame.set_data(data);
    read(message.get_root_as_reader().expect("it was written here"));
}

/// Columns of as many spans as the first two bytes say.
pub fn columns(bytes: &[u8]) {
    let Some(([low, high], data)) = bytes.split_first_chunk() else { return };
    let mut message = Builder::new(HeapAllocator::new());
    let mut batch = message.init_root::<batch::Builder<'_>>();
    batch.set_signal(Signal::Traces);
    batch.set_item_count(u32::from(u16::from_le_bytes([*low, *high])));
    let mut frame = batch.init_body().init_frame();
    frame.set_format(Format::Columns);
    frame.set_crc32c(crc32c::crc32c(data));
    frame.set_uncompressed_bytes(data.len() as u32);
    frame.set_data(data);
    read(message.get_root_as_reader().expect("it was written here"));
}

/// A table of texts: as many ends as the first byte says, then the blob.
pub fn strings(bytes: &[u8]) {
    let Some((count, rest)) = bytes.split_first() else { return };
    let (ends, blob) = rest.split_at((usize::from(*count) * 2).min(rest.len()));
    let ends: Vec<u32> =
        ends.chunks_exact(2).map(|end| u32::from(end[0]) << 8 | u32::from(end[1])).collect();
    let mut message = Builder::new(HeapAllocator::new());
    let mut batch = message.init_root::<batch::Builder<'_>>();
    batch.set_signal(Signal::Traces);
    batch.set_item_count(1);
    let mut rows: rows::Builder<'_> = batch.init_body().init_rows();
    let mut table = rows.reborrow().init_strings();
    table.set_blob(blob);
    table.set_ends(&ends[..]).expect("a list");
    let group = rows.init_traces().init_resource_spans(1).get(0);
    let mut span = group.init_scope_spans(1).get(0).init_spans(1).get(0);
    span.set_name(ends.len().saturating_sub(1) as u32);
    span.set_trace_state((*count).into());
    read(message.get_root_as_reader().expect("it was written here"));
}

/// The context of a call: a message, and three headers, a line each.
pub fn context(mut bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let names = ["traceparent", "tracestate", "baggage"];
        let texts = text.split('\n').map(str::to_owned);
        let headers: Vec<(String, String)> =
            names.map(str::to_owned).into_iter().zip(texts).collect();
        shown(&extract_from(&headers));
    }
    let message = capnp::serialize::read_message_from_flat_slice(&mut bytes, ReaderOptions::new());
    if let Ok(message) = message {
        if let Ok(context) = message.get_root::<trace_context::Reader<'_>>() {
            shown(&extract_from(&Headers::of(context)));
        }
    }
}

/// What was read can be sent on.
fn shown(parent: &Parent) {
    let _ = format!("{parent:?}");
    let which = crate::config::plan::Propagators { trace_context: true, baggage: true };
    crate::context::inject(parent, which, &mut |_, value| {
        assert!(value.len() <= 64 * 1024, "a header of {} bytes", value.len());
    });
}

fn read(batch: batch::Reader<'_>) {
    if let Ok(payload) = Payload::take(batch, &LIMITS) {
        if let Ok(request) = payload.to_otlp() {
            assert!(request.len() <= LIMITS.otlp_bytes, "{} bytes of OTLP", request.len());
        }
    }
}
