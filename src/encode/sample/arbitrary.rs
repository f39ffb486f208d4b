//! Spans and log records as nobody would write them.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{
    SampleAttributes, SampleEvent, SampleLink, SampleLog, SampleSpan, SampleStatus, SampleValue,
};
use crate::telemetry::Kind;

pub(in crate::encode) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => any::<String>(),
        2 => (100_usize..140).prop_map(|length| "x".repeat(length)),
        1 => (16_200_usize..16_500).prop_map(|length| "ä".repeat(length)),
    ]
}

pub(in crate::encode) fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), Just(0), Just(i64::MIN), Just(i64::MAX), Just(-1)]
}

pub(in crate::encode) fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(0.0),
        Just(-0.0),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
    ]
}

fn sample_value() -> impl Strategy<Value = SampleValue> {
    let scalar = prop_oneof![
        any::<bool>().prop_map(SampleValue::Bool),
        integer().prop_map(SampleValue::I64),
        float().prop_map(SampleValue::F64),
        text().prop_map(SampleValue::Str),
        vec(any::<u8>(), 0..200).prop_map(SampleValue::Bytes),
    ];
    scalar.prop_recursive(4, 12, 4, |inner| vec(inner, 0..4).prop_map(SampleValue::Array))
}

pub(in crate::encode) fn sample_attributes() -> impl Strategy<Value = SampleAttributes> {
    (vec((text(), sample_value()), 0..6), count())
        .prop_map(|(pairs, dropped)| SampleAttributes { pairs, dropped })
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), any::<u32>()]
}

pub(in crate::encode) fn time() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(u64::MAX), any::<u64>()]
}

fn sample_event() -> impl Strategy<Value = SampleEvent> {
    (time(), text(), sample_attributes()).prop_map(|(time, name, attributes)| SampleEvent {
        time,
        name,
        attributes,
    })
}

fn sample_link() -> impl Strategy<Value = SampleLink> {
    (any::<(u128, u64, u8, bool)>(), text(), sample_attributes()).prop_map(
        |((trace, span, trace_flags, is_remote), trace_state, attributes)| SampleLink {
            trace,
            span,
            trace_flags,
            trace_state,
            is_remote,
            attributes,
        },
    )
}

/// A span without attributes, events and links.
pub(in crate::encode) fn plain_span() -> impl Strategy<Value = SampleSpan> {
    let kind = prop_oneof![
        Just(Kind::Internal),
        Just(Kind::Server),
        Just(Kind::Client),
        Just(Kind::Producer),
        Just(Kind::Consumer),
    ];
    let parent = prop_oneof![Just(0), any::<u64>()];
    let status = prop_oneof![
        Just(SampleStatus::Unset),
        Just(SampleStatus::Ok),
        text().prop_map(SampleStatus::Error),
    ];
    (any::<(u128, u64, u8, bool)>(), parent, "[a-z0-9]{0,9}", kind, time(), time(), status)
        .prop_map(
            |(
                (trace, span, trace_flags, parent_is_remote),
                parent,
                name,
                kind,
                start,
                end,
                status,
            )| {
                SampleSpan {
                    trace,
                    span,
                    parent,
                    parent_is_remote,
                    trace_flags,
                    name,
                    kind,
                    start,
                    end,
                    status,
                    ..SampleSpan::default()
                }
            },
        )
}

/// A span with everything.
pub(in crate::encode) fn sample_span() -> impl Strategy<Value = SampleSpan> {
    let events = (vec(sample_event(), 0..4), count());
    let links = (vec(sample_link(), 0..4), count());
    (plain_span(), text(), text(), sample_attributes(), events, links).prop_map(
        |(
            span,
            name,
            trace_state,
            attributes,
            (events, dropped_events),
            (links, dropped_links),
        )| {
            SampleSpan {
                name,
                trace_state,
                attributes,
                events,
                dropped_events,
                links,
                dropped_links,
                ..span
            }
        },
    )
}

/// A log record of one of few loggers.
pub(in crate::encode) fn sample_log() -> impl Strategy<Value = SampleLog> {
    let logger = prop_oneof![Just(String::new()), Just("orders".into()), "[a-c]", text()];
    let severity = (0..=24_u8, prop_oneof![Just(String::new()), text()]);
    let trace = (any::<(u128, u64, u8)>(), any::<bool>());
    let body = proptest::option::of(sample_value());
    (time(), time(), severity, body, trace, logger, text(), sample_attributes()).prop_map(
        |(time, observed, severity, body, (trace, has_trace), scope, event_name, attributes)| {
            let (trace, span, trace_flags) = if has_trace { trace } else { (0, 0, 0) };
            SampleLog {
                time,
                observed,
                severity: severity.0,
                severity_text: severity.1,
                body,
                trace,
                span,
                trace_flags,
                scope,
                event_name,
                attributes,
            }
        },
    )
}
