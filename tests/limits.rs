//! The limits of spans, and exact counts of what they cut.

#![cfg(feature = "telemetry")]

use trackside::telemetry::{self, Parent, Value};
use trackside::testing::{Capture, CapturedSpan, CapturedValue};

fn with(limits: &[(&str, &str)], write: impl FnOnce(&mut telemetry::Span)) -> CapturedSpan {
    let builder = Capture::builder();
    let builder =
        limits.iter().fold(builder, |builder, (name, value)| builder.variable(name, value));
    let capture = builder.start();
    drop(telemetry::span("limited").with(write));
    capture.span("limited")
}

const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];

#[test]
fn attributes_by_count() {
    let set = |span: &mut telemetry::Span| {
        for key in KEYS {
            span.set(key, 1_i64).set(key, 2_i64);
        }
    };
    let span = with(&[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "3")], set);
    assert_eq!(span.attributes.len(), 3);
    assert!(span.attributes.iter().all(|(_, value)| *value == 2_i64.into()));
    assert_eq!(span.dropped_attributes, 4, "each attempt with a new key counts");
    let span = with(&[("OTEL_ATTRIBUTE_COUNT_LIMIT", "2")], set);
    assert_eq!(span.attributes.len(), 2);
    let span = with(&[], |span| {
        for number in 0..1_000 {
            span.set_dynamic(&format!("key {number}"), number);
        }
    });
    assert_eq!((span.attributes.len(), span.dropped_attributes), (128, 872));
}

#[test]
fn values_by_characters() {
    let items = [Value::from("abcdef"), 1_i64.into()];
    let span = with(&[("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4")], |span| {
        span.set("text", "äöüßx").set("bytes", &b"123456"[..]).set("list", &items[..]);
        span.set("number", 123_456_i64).set("made", format_args!("{:08}", 7));
        span.event("event", &[("text", "abcdef".into())]);
    });
    assert_eq!(span.attribute("text"), Some(&"äöüß".into()));
    assert_eq!(span.attribute("bytes"), Some(&CapturedValue::Bytes(b"1234".to_vec())));
    let list = CapturedValue::Array(vec!["abcd".into(), 1_i64.into()]);
    assert_eq!(span.attribute("list"), Some(&list));
    assert_eq!(span.attribute("number"), Some(&123_456_i64.into()));
    assert_eq!(span.attribute("made"), Some(&"0000".into()));
    assert_eq!(span.events[0].attributes[0].1, "abcd".into());
    assert_eq!(span.dropped_attributes, 0, "cut is not dropped");
}

#[test]
fn events_and_links_by_count() {
    let limits = [
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "2"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "1"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "1"),
    ];
    let capture = Capture::start();
    let elsewhere = telemetry::span("elsewhere");
    let there = Parent::current();
    drop(elsewhere);
    drop(capture);
    let span = with(&limits, |span| {
        for _ in 0..5 {
            span.event("event", &[("a", 1_i64.into()), ("b", 2_i64.into())]).link(&there);
        }
    });
    assert_eq!((span.events.len(), span.dropped_events), (2, 3));
    assert_eq!((span.links.len(), span.dropped_links), (1, 4));
    assert_eq!((span.events[0].attributes.len(), span.events[0].dropped_attributes), (1, 1));
    let span = with(&[], |span| {
        for _ in 0..10_000 {
            span.event("event", &[]);
        }
    });
    assert_eq!((span.events.len(), span.dropped_events), (128, 9_872));
}

#[test]
fn odd_keys_and_names_are_carried() {
    let span = with(&[], |span| {
        span.set_dynamic("", 1_i64).set_dynamic("nul\0and\x1b[31m", "\0\x1b\r\n");
        span.set("nan", f64::NAN).set("inf", f64::NEG_INFINITY);
    });
    assert_eq!(span.dropped_attributes, 1, "an empty key is no key");
    assert_eq!(span.attribute("nul\0and\x1b[31m"), Some(&"\0\x1b\r\n".into()));
    let Some(CapturedValue::F64(nan)) = span.attribute("nan") else { panic!("a number") };
    assert!(nan.is_nan());
}

#[test]
fn what_is_written_in_pieces_counts_once() {
    let limits = [("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "3"), ("OTEL_SPAN_EVENT_COUNT_LIMIT", "3")];
    let builder = Capture::builder();
    let builder =
        limits.iter().fold(builder, |builder, (name, value)| builder.variable(name, value));
    let capture = builder.start();
    let guard = telemetry::span("pieces");
    for _ in 0..2 {
        telemetry::current().with(|span| {
            for key in &KEYS[..2] {
                span.set(key, 1_i64).event("event", &[]);
            }
        });
    }
    telemetry::current().set("x", 1_i64);
    telemetry::current().set("y", 1_i64);
    drop(guard);
    let span = capture.span("pieces");
    assert_eq!((span.attributes.len(), span.dropped_attributes), (3, 1));
    assert_eq!((span.events.len(), span.dropped_events), (3, 1));
}
