//! Two releases that are a step apart: frames of each, read by the other. The later schema is `tests/wire/next/`.

use std::fmt::Debug;
use std::fs;

use bytes::Bytes;
use capnp::message::{Builder, HeapAllocator, ReaderOptions};
use capnp::serialize;

use super::hand_made::{Envelope, PLAIN, bytes, one_span, refused, take, take_batch, take_call};
use crate::schema::ingest_capnp::batch::Signal;
use crate::schema::ingest_capnp::rows;
use crate::schema::next::ingest_capnp as next;
use crate::schema::next::trace_capnp::span;

const GOLDEN: [(&str, Signal, u32); 3] =
    [("traces", Signal::Traces, 3), ("metrics", Signal::Metrics, 12), ("logs", Signal::Logs, 3)];

fn golden(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/wire/{name}.rows", env!("CARGO_MANIFEST_DIR"));
    fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// By this release; how many items there are, it says itself.
fn otlp(signal: Signal, items: u32, frame: &[u8]) -> Bytes {
    let taken = take(Envelope { signal, items, ..PLAIN }, frame).unwrap();
    taken.to_otlp().unwrap_or_else(|refusal| panic!("{signal:?}: {refusal}"))
}

/// The same frame as a later release writes it: with a value in each of its new fields.
fn a_step_ahead(frame: &[u8]) -> Builder<HeapAllocator> {
    let frame = serialize::read_message(frame, ReaderOptions::new()).unwrap();
    let mut message = Builder::new_default();
    message.set_root(frame.get_root::<next::rows::Reader<'_>>().unwrap()).unwrap();
    let root = message.get_root::<next::rows::Builder<'_>>().unwrap();
    // Asking for a builder gives every element of a list its new size.
    macro_rules! each {
        ($list:expr, |$item:ident| $work:expr) => {{
            let mut list = $list.unwrap();
            for index in 0..list.len() {
                #[allow(unused_mut, reason = "not all need it")]
                let mut $item = list.reborrow().get(index);
                $work;
            }
        }};
    }
    macro_rules! fill {
        ($item:expr) => {{
            $item.set_later_field(u64::MAX);
            $item.set_later_text("of a later release");
        }};
    }
    macro_rules! groups {
        ($data:expr, $resources:ident, $scopes:ident, |$group:ident| $work:expr) => {
            each!($data.unwrap().$resources(), |group| each!(group.$scopes(), |$group| {
                fill!($group.reborrow().get_scope().unwrap());
                $work
            }))
        };
    }
    use crate::schema::next::metrics_capnp::metric::data::Which;
    match root.which().unwrap() {
        next::rows::Traces(data) => groups!(data, get_resource_spans, get_scope_spans, |group| {
            each!(group.get_spans(), |span| fill!(span))
        }),
        next::rows::Logs(data) => groups!(data, get_resource_logs, get_scope_logs, |group| {
            each!(group.get_log_records(), |record| fill!(record))
        }),
        next::rows::Metrics(data) => {
            groups!(data, get_resource_metrics, get_scope_metrics, |group| {
                each!(group.get_metrics(), |metric| match metric.get_data().which().unwrap() {
                    Which::Gauge(data) => each!(data.get_points(), |point| fill!(point)),
                    Which::Sum(data) => each!(data.get_points(), |point| fill!(point)),
                    _ => {}
                })
            });
        }
        next::rows::Unset(()) | next::rows::Later(_) => panic!("not a golden frame"),
    }
    message
}

/// All that a message says.
fn shown(message: impl Debug) -> String {
    format!("{message:?}")
}

#[test]
fn a_later_frame_is_read_as_this_release_knows_it() {
    for (name, signal, items) in GOLDEN {
        let ours = golden(name);
        let later = bytes(&a_step_ahead(&ours));
        assert!(later.len() > ours.len() + 16, "{name}: nothing was added");
        assert_eq!(otlp(signal, items, &later), otlp(signal, items, &ours), "{name}");
    }
}

#[test]
fn a_later_release_reads_our_frames() {
    for (name, _, _) in GOLDEN {
        let frame = golden(name);
        let message = serialize::read_message(&frame[..], ReaderOptions::new()).unwrap();
        let here = shown(message.get_root::<rows::Reader<'_>>().unwrap());
        let there = shown(message.get_root::<next::rows::Reader<'_>>().unwrap());
        // What it has in addition is zero and absent, as in a message from before.
        assert!(there.contains("laterField = 0"), "{name}: {there}");
        assert!(!there.contains("laterText = \"of"), "{name}");
        let known = there.replace(", laterField = 0", "").replace(", laterText = \"\"", "");
        assert_eq!(known, here, "{name}");
        // It writes what it has read, and a receiver of this release has it again.
        let added =
            shown(a_step_ahead(&frame).get_root_as_reader::<next::rows::Reader<'_>>().unwrap());
        assert!(added.contains("of a later release"), "{name}");
    }
}

/// A span of the later release, changed.
fn later_span(change: impl FnOnce(span::Builder<'_>)) -> Vec<u8> {
    let ours = bytes(&one_span(|_| {}));
    let mut message = a_step_ahead(&ours);
    let root = message.get_root::<next::rows::Builder<'_>>().unwrap();
    let Ok(next::rows::Traces(data)) = root.which() else { panic!("no traces") };
    let group = data.unwrap().get_resource_spans().unwrap().get(0);
    change(group.get_scope_spans().unwrap().get(0).get_spans().unwrap().get(0));
    bytes(&message)
}

#[track_caller]
fn assert_unsupported(said: &str, what: &str) {
    assert!(said.starts_with("unsupported: ") && said.contains(what), "{said}");
}

#[test]
fn an_unknown_value_is_refused_as_unsupported() {
    let of = "value of an attribute: kind 8";
    let direct = later_span(|span| span.init_attributes(1).get(0).set_later(7));
    let within =
        later_span(|span| span.init_attributes(1).get(0).init_array(2).get(1).set_later(7));
    let event =
        later_span(|span| span.init_events(1).get(0).init_attributes(1).get(0).set_later(7));
    for frame in [direct, within, event] {
        assert_unsupported(&refused(take(PLAIN, &frame).unwrap().to_otlp()), of);
    }
    // The same span with a value that is known is taken.
    let known = later_span(|span| span.init_attributes(1).get(0).set_int(7));
    assert!(take(PLAIN, &known).unwrap().to_otlp().is_ok());
}

#[test]
fn unknown_rows_bodies_and_formats_are_refused_as_unsupported() {
    let mut message = Builder::new_default();
    message.init_root::<next::rows::Builder<'_>>().set_later(7);
    assert_unsupported(&refused(take(PLAIN, &bytes(&message)).unwrap().to_otlp()), "rows: kind 4");

    let call = |fill: &dyn Fn(next::batch::Builder<'_>)| {
        let mut message = Builder::new_default();
        let mut batch = message.init_root::<next::batch::Builder<'_>>();
        batch.set_signal(next::batch::Signal::Traces);
        batch.set_item_count(1);
        batch.set_later_field(7);
        fill(batch);
        refused(take_call(&bytes(&message)))
    };
    assert_unsupported(&call(&|batch| batch.init_body().set_later(7)), "body 3");
    let format = |batch: next::batch::Builder<'_>| {
        batch.init_body().init_frame().set_format(next::frame::Format::Later);
    };
    assert_unsupported(&call(&format), "frames of format 5");
}

#[test]
fn a_metric_of_a_kind_to_come_is_refused_as_unsupported() {
    let mut message = Builder::new_default();
    let data = message.init_root::<next::rows::Builder<'_>>().init_metrics();
    let group = data.init_resource_metrics(1).get(0).init_scope_metrics(1).get(0);
    group.init_metrics(1).get(0).get_data().set_later(7);
    let envelope = Envelope { signal: Signal::Metrics, items: 0, ..PLAIN };
    assert_unsupported(
        &refused(take(envelope, &bytes(&message)).unwrap().to_otlp()),
        "metric.data: kind 6",
    );
}

#[test]
fn new_fields_of_a_batch_are_passed_over() {
    let rows = golden("traces");
    let mut message = Builder::new_default();
    let mut batch = message.init_root::<next::batch::Builder<'_>>();
    batch.set_signal(next::batch::Signal::Traces);
    batch.set_item_count(3);
    batch.set_later_field(7);
    batch.set_later_text("of a later release");
    let mut frame = batch.init_body().init_frame();
    frame.set_format(next::frame::Format::RowsStandard);
    frame.set_uncompressed_bytes(rows.len() as u32);
    frame.set_crc32c(crc32c::crc32c(&rows));
    frame.set_data(&rows);
    let taken = take_call(&bytes(&message)).unwrap().to_otlp().unwrap();
    assert_eq!(taken, otlp(Signal::Traces, 3, &rows));
    // And ours by the later release.
    let ours = take_batch(|mut batch| {
        batch.set_signal(Signal::Traces);
        batch.set_item_count(1);
        batch.init_body().set_rows(one_span(|_| {}).get_root_as_reader().unwrap()).unwrap();
    });
    assert_eq!(ours.unwrap().items(), 1);
}
