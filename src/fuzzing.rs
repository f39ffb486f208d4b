//! What fuzzers call. Only `scripts/fuzz` sets `--cfg fuzzing`; no other build has this.
//!
//! Each function takes whatever bytes there are. A panic is a finding, and so is more memory than its budget,
//! which the targets in `fuzz/` measure. `tests/corpus.rs` writes the inputs that they begin with.
#![allow(missing_docs, clippy::missing_panics_doc)]

use capnp::message::{Builder, HeapAllocator, ReaderOptions};

use crate::config::plan::Propagators;
use crate::context::{RANDOM, SAMPLED, extract, inject};
use crate::context_capnp::trace_context;
use crate::receive;
use crate::receive::rows::{Limits, Payload};
use crate::schema::ingest_capnp::batch::{self, Signal};
use crate::schema::ingest_capnp::frame::{Compression, Format};
use crate::schema::ingest_capnp::rows;
use crate::telemetry::rpc::capnp::Headers;
use crate::telemetry::{Extract, Inject as _, Parent};

/// A batch may have so much, and as much again as OTLP.
pub const UNCOMPRESSED: usize = receive::fuzzing::UNCOMPRESSED;

const LIMITS: Limits = Limits { uncompressed_bytes: UNCOMPRESSED, otlp_bytes: UNCOMPRESSED };
const BOTH: Propagators = Propagators::STANDARD;

/// Bytes of a connection, to a receiver that wants a token or does not. The first byte says so, and whether a
/// log-in goes before them.
pub fn frame(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let mut all = if first & 1 == 1 { receive::fuzzing::login() } else { Vec::new() };
    all.extend_from_slice(rest);
    receive::fuzzing::serve(all, first & 2 == 2);
}

/// Messages behind a log-in, each as its length in words and then its one segment: every change of an input
/// leaves them messages.
pub fn session(mut bytes: &[u8]) {
    let mut all = receive::fuzzing::login();
    while let Some(([low, high], rest)) = bytes.split_first_chunk() {
        let words = u16::from_le_bytes([*low, *high]);
        let (message, behind) = rest.split_at(rest.len().min(usize::from(words) * 8));
        all.extend_from_slice(&[0; 4]);
        let words = message.len().div_ceil(8);
        all.extend_from_slice(&(words as u32).to_le_bytes());
        all.extend_from_slice(message);
        all.resize(all.len() + words * 8 - message.len(), 0);
        bytes = behind;
    }
    receive::fuzzing::serve(all, false);
}

/// A batch: the first six bytes are its envelope, the rest is its frame.
pub fn batch(bytes: &[u8]) {
    let Some(([signal, form, items, low, middle, high], data)) = bytes.split_first_chunk() else {
        return;
    };
    let (format, compression) = match form % 4 {
        0 => (Format::RowsStandard, Compression::None),
        1 => (Format::RowsPacked, Compression::None),
        2 => (Format::RowsStandard, Compression::Gzip),
        _ => (Format::RowsStandard, Compression::Zstd),
    };
    let mut message = Builder::new(HeapAllocator::new());
    let mut batch = message.init_root::<batch::Builder<'_>>();
    batch.set_signal([Signal::Traces, Signal::Metrics, Signal::Logs][usize::from(signal % 3)]);
    batch.set_item_count((*items).into());
    let mut frame = batch.init_body().init_frame();
    frame.set_format(format);
    frame.set_compression(compression);
    // An honest sum: everything behind it is what matters.
    frame.set_crc32c(crc32c::crc32c(data));
    frame.set_uncompressed_bytes(match compression {
        Compression::None => data.len() as u32,
        _ => u32::from_le_bytes([*low, *middle, *high, 0]),
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
    // The last text, and one that the input chooses.
    span.set_name(ends.len().saturating_sub(1) as u32);
    span.set_trace_state(blob.first().copied().unwrap_or_default().into());
    read(message.get_root_as_reader().expect("it was written here"));
}

/// The context of a call: a message, and headers, a line each: `traceparent`, and then by turns the others.
pub fn context(mut bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let names =
            ["traceparent"].into_iter().chain(["tracestate", "baggage"].into_iter().cycle());
        let texts = text.split('\n').map(str::to_owned);
        let headers: Vec<(String, String)> = names.map(str::to_owned).zip(texts).collect();
        passed_on(&headers);
    }
    let message = capnp::serialize::read_message_from_flat_slice(&mut bytes, ReaderOptions::new());
    if let Ok(message) = message {
        if let Ok(context) = message.get_root::<trace_context::Reader<'_>>() {
            passed_on(&Headers::of(context));
        }
    }
}

/// What was read can be sent on, both ways, and is read again as what it was.
fn passed_on(carrier: &impl Extract) {
    let mut parent = extract(BOTH, carrier);
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut message = Builder::new(HeapAllocator::new());
    let mut context = message.init_root::<trace_context::Builder<'_>>();
    inject(&parent, BOTH, &mut |name, value| {
        assert!(value.len() <= 64 * 1024, "a header of {} bytes", value.len());
        headers.push((name.to_owned(), value.to_owned()));
        context.set(name, value);
    });
    // Flags that nobody has given a meaning are not passed on.
    parent.flags &= SAMPLED | RANDOM;
    assert_eq!(shown(&extract(BOTH, &headers)), shown(&parent), "of {headers:?}");
    let again = extract(BOTH, &Headers::of(context.into_reader()));
    assert_eq!(shown(&again), shown(&parent), "of {headers:?} in a message");
}

fn shown(parent: &Parent) -> String {
    format!("{parent:?}")
}

fn read(batch: batch::Reader<'_>) {
    if let Ok(payload) = Payload::take(batch, &LIMITS) {
        assert!(payload.len() <= UNCOMPRESSED, "{} bytes", payload.len());
        if let Ok(request) = payload.read(|rows| rows.to_otlp()) {
            assert!(request.len() <= UNCOMPRESSED, "{} bytes of OTLP", request.len());
        }
    }
}
