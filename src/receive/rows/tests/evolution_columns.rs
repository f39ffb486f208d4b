//! Columns of two releases that are a step apart: frames of each, read by the other. The later schema is
//! `tests/wire/next/`.

use std::fs;

use bytes::Bytes;
use capnp::message::{Builder, HeapAllocator, ReaderOptions};
use capnp::serialize;

use super::hand_made::{Envelope, PLAIN, bytes, refused, take};
use crate::schema::columns_capnp::columns;
use crate::schema::ingest_capnp::frame::Format;
use crate::schema::next::columns_capnp as next;

const COLUMNS: Envelope = Envelope { items: 3, format: Format::Columns, ..PLAIN };
const TEXT: &str = "of a later release";

fn golden() -> Vec<u8> {
    let path = format!("{}/tests/wire/traces.columns", env!("CARGO_MANIFEST_DIR"));
    fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// By this release.
fn otlp(frame: &[u8]) -> Bytes {
    take(COLUMNS, frame).unwrap().to_otlp().unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// The golden frame as a later release writes it: with a value in each of its new fields.
fn a_step_ahead(change: impl FnOnce(next::columns::Builder<'_>)) -> Vec<u8> {
    let frame = golden();
    let frame = serialize::read_message(&frame[..], ReaderOptions::new()).unwrap();
    let mut message = Builder::new_default();
    message.set_root(frame.get_root::<next::columns::Reader<'_>>().unwrap()).unwrap();
    fill(&mut message);
    change(message.get_root().unwrap());
    bytes(&message)
}

/// Asking for a builder gives everything its new size.
fn fill(message: &mut Builder<HeapAllocator>) {
    macro_rules! later {
        ($item:expr) => {{
            $item.set_later_field(u64::MAX);
            $item.set_later_text(TEXT);
        }};
    }
    macro_rules! each {
        ($list:expr, |$item:ident| $work:expr) => {{
            let mut list = $list.unwrap();
            for index in 0..list.len() {
                let mut $item = list.reborrow().get(index);
                later!($item);
                $work
            }
        }};
    }
    macro_rules! columns {
        ($of:expr, $($get:ident)*) => {{ $(
            let mut column = $of.reborrow().$get().unwrap();
            later!(column);
        )* }};
    }
    let mut root = message.get_root::<next::columns::Builder<'_>>().unwrap();
    later!(root);
    columns!(root, get_text_lengths);
    let Ok(next::columns::Spans(Ok(mut spans))) = root.which() else { panic!("it has spans") };
    later!(spans);
    let mut column = spans.reborrow().init_later_column();
    column.set_base(7);
    column.set_start(u32::MAX);
    column.set_width(8);
    columns!(
        spans,
        get_trace_id_high get_trace_id_low get_trace get_span_id get_parent_span_id
        get_start_time_unix_nano get_duration get_flags get_name get_trace_state get_kind
        get_status_code get_status_message get_dropped_attributes_count get_dropped_events_count
        get_dropped_links_count get_shape get_event_count get_link_count
    );
    each!(spans.reborrow().get_resources(), |group| each!(group.get_scopes(), |_scope| ()));
    each!(spans.reborrow().get_shapes(), |shape| each!(shape.get_attributes(), |_attribute| ()));
}

#[test]
fn later_columns_are_read_as_this_release_knows_them() {
    let later = a_step_ahead(|_| ());
    // Each of some thirty structs has a word and a text more.
    assert!(later.len() > golden().len() + 30 * (8 + TEXT.len()), "nothing was added");
    assert_eq!(otlp(&later), otlp(&golden()));
}

#[test]
fn a_later_release_reads_our_columns() {
    let frame = golden();
    let message = serialize::read_message(&frame[..], ReaderOptions::new()).unwrap();
    let here = format!("{:?}", message.get_root::<columns::Reader<'_>>().unwrap());
    let there = format!("{:?}", message.get_root::<next::columns::Reader<'_>>().unwrap());
    // What it has in addition is zero and absent, as in a message from before.
    assert!(there.contains("laterField = 0") && !there.contains("laterField = 1"), "{there}");
    assert!(!there.contains("laterText") && !there.contains("laterColumn"), "{there}");
    let known = there.replace(", laterField = 0", "").replace("(laterField = 0)", "()");
    assert_eq!(known, here);
    // It writes what it has read, and has its own again.
    let later = a_step_ahead(|_| ());
    let message = serialize::read_message(&later[..], ReaderOptions::new()).unwrap();
    let again = message.get_root::<next::columns::Reader<'_>>().unwrap();
    let Ok(next::columns::Spans(Ok(spans))) = again.which() else { panic!("it has spans") };
    assert_eq!(spans.get_later_column().unwrap().get_base(), 7);
    assert_eq!(spans.get_shape().unwrap().get_later_text().unwrap(), TEXT);
}

#[track_caller]
fn assert_unsupported(frame: &[u8], what: &str) {
    let said = refused(take(COLUMNS, frame).unwrap().to_otlp());
    assert!(said.starts_with("unsupported: ") && said.contains(what), "{said}");
}

#[test]
fn kinds_to_come_are_refused_as_unsupported() {
    assert_unsupported(&a_step_ahead(|mut columns| columns.set_later(7)), "columns: kind 2");
    let attribute = a_step_ahead(|columns| {
        let Ok(next::columns::Spans(Ok(spans))) = columns.which() else { panic!("it has spans") };
        let mut shapes = spans.get_shapes().unwrap();
        // The first span's, which has some.
        let attributes = shapes.reborrow().get(0).get_attributes().unwrap();
        attributes.get(0).set_kind(next::attribute::Kind::Later);
    });
    assert_unsupported(&attribute, "kind of an attribute: kind 6");
}
