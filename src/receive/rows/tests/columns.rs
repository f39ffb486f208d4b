//! Columns that break a rule, one each.

use std::fs;

use capnp::message::{Builder, HeapAllocator, ReaderOptions};
use capnp::serialize;

use super::hand_made::{Envelope, LIMITS, PLAIN, bytes, refused, take, take_within};
use crate::encode::capnp::columns::{ColumnsEncoder, Numbers};
use crate::encode::sample::{SampleAttributes, SampleSpan, SampleValue, calls};
use crate::encode::view::{Any, BatchSink, LogView, MetricView, Resource, Scope, SpanView};
use crate::receive::rows::{Content, Limits};
use crate::schema::columns_capnp::attribute::Kind;
use crate::schema::columns_capnp::{columns, spans};
use crate::schema::ingest_capnp::batch::Signal;
use crate::schema::ingest_capnp::frame::Format;

/// What is done to columns that are right but for that.
type Change = fn(spans::Builder<'_>);

const COLUMNS: Envelope = Envelope { items: 3, format: Format::Columns, ..PLAIN };

fn golden(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/wire/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The golden frame but for a change.
fn changed(change: impl FnOnce(columns::Builder<'_>)) -> Builder<HeapAllocator> {
    let options = ReaderOptions { traversal_limit_in_words: None, nesting_limit: 96 };
    let golden = serialize::read_message(&golden("traces.columns")[..], options).unwrap();
    let mut message = Builder::new_default();
    message.set_root(golden.get_root::<columns::Reader<'_>>().unwrap()).unwrap();
    change(message.get_root().unwrap());
    message
}

/// The same for its spans; the sentence with which it is refused.
fn said(change: impl FnOnce(spans::Builder<'_>)) -> String {
    let message = changed(|columns| match columns.which() {
        Ok(columns::Spans(spans)) => change(spans.unwrap()),
        _ => panic!("it has spans"),
    });
    let payload = take(COLUMNS, &bytes(&message)).unwrap();
    refused(payload.to_otlp())
}

#[test]
fn the_golden_columns_are_the_golden_rows() {
    let columns = take(COLUMNS, &golden("traces.columns")).unwrap().to_otlp().unwrap();
    let rows = take(Envelope { items: 3, ..PLAIN }, &golden("traces.rows")).unwrap();
    assert_eq!(columns, rows.to_otlp().unwrap());
    assert_eq!(take(COLUMNS, &bytes(&changed(|_| {}))).unwrap().to_otlp().unwrap(), columns);
}

/// The length of all texts and the sum of all numbers that spans' fields and attributes have.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    texts: u64,
    numbers: u64,
    keys: usize,
}

impl Sums {
    fn text(&mut self, text: &str) {
        self.texts += text.len() as u64;
    }

    fn number(&mut self, number: u64) {
        self.numbers = self.numbers.wrapping_add(number);
    }
}

impl BatchSink for Sums {
    fn begin_resource(&mut self, _: &Resource<'_>) {}
    fn begin_scope(&mut self, _: &Scope<'_>) {}
    fn span(&mut self, span: &impl SpanView) {
        for text in [span.name(), span.trace_state(), span.status_message()] {
            self.text(text);
        }
        let duration = span.end().wrapping_sub(span.start());
        let signed = [span.kind_number(), span.status_code()].map(|number| number.into());
        let [kind, code]: [i64; 2] = signed;
        for number in [span.span(), span.parent(), span.start(), duration, kind as u64, code as u64]
        {
            self.number(number);
        }
        for number in [span.dropped_attributes(), span.dropped_events(), span.dropped_links()] {
            self.number(number.into());
        }
        self.number(span.flags().into());
        span.events(|_| self.number(1));
        span.links(|_| self.number(1));
        span.attributes(|_, value| {
            self.keys += 1;
            match value {
                Any::Str(text) => self.text(text),
                Any::Bool(value) => self.number(value.into()),
                Any::I64(value) => self.number(value as u64),
                Any::F64(value) => self.number(value.to_bits()),
                _ => {}
            }
        });
    }
    fn log(&mut self, _: &impl LogView) {}
    fn metric(&mut self, _: &MetricView<'_>) {}
}

#[test]
fn column_by_column_is_what_span_by_span_is() {
    let mut encoder = ColumnsEncoder::new(&calls::resource(), "acme.rpc", "1.0.0");
    calls::batch(60).iter().for_each(|span| encoder.span(span));
    let calls = encoder.finish();
    // More texts than a byte has numbers, and texts that are too short to be listed.
    calls::batch(300).iter().for_each(|span| encoder.span(span));
    let many = encoder.finish();
    for index in 0..300 {
        let pairs = vec![("k".to_owned(), SampleValue::Str(format!("{index:x}")))];
        let attributes = SampleAttributes { pairs, dropped: 0 };
        encoder.span(&SampleSpan { attributes, ..SampleSpan::default() });
    }
    let short = encoder.finish();
    let golden = golden("traces.columns");
    for (items, message) in [(3, &golden[..]), (60, &calls), (300, &many), (300, &short)] {
        let payload = take(Envelope { items, ..COLUMNS }, message).unwrap();
        let (mut spans, mut columns) = (Sums::default(), Sums::default());
        let read = payload.read(|rows| {
            rows.lend(&mut spans);
            let from = rows.columns().expect("they are columns");
            let mut add = |content, numbers: &Numbers<'_>, count| match content {
                Content::Texts => columns.texts += from.text_bytes(numbers, count),
                Content::Numbers => numbers.each(count, |number| columns.number(number)),
                Content::Values => {}
            };
            from.each_field(|name, content, numbers, count| {
                // No span has these as numbers.
                if !matches!(name, "trace_high" | "trace_low" | "trace" | "shape") {
                    add(content, numbers, count);
                }
            });
            let mut keys = 0;
            from.each_attribute(|_, content, numbers, count| {
                keys += count;
                add(content, numbers, count);
            });
            columns.keys = keys;
        });
        read.unwrap();
        assert!(spans.keys >= items as usize && spans.texts > 0);
        assert_eq!(columns, spans);
    }
}

#[test]
fn what_is_wrong_is_said() {
    let cases: [(&str, Change); 10] = [
        ("the batch holds 4 items, and itemCount announces 3", |mut spans| spans.set_count(4)),
        ("the scopes have 2 spans, and the batch 3", |spans| {
            let scopes = spans.get_resources().unwrap().get(0).get_scopes().unwrap();
            scopes.get(0).set_count(2);
        }),
        ("spans.trace: not one of 0 traces", |mut spans| spans.set_trace_count(0)),
        ("columns.span_id: its 3 cells are not within", |spans| {
            spans.get_span_id().unwrap().set_start(1 << 20);
        }),
        ("columns.span_id: its 3 cells are not within", |spans| {
            spans.get_span_id().unwrap().set_width(9);
        }),
        ("spans.shape: 99 of ", |spans| {
            let mut shape = spans.init_shape();
            shape.set_base(99);
        }),
        ("spans.events: 2, and the spans have 21", |spans| {
            let mut count = spans.init_event_count();
            count.set_base(7);
        }),
        ("span.name: text 4294967295 of a table", |spans| spans.init_name().set_base(u64::MAX)),
        ("span.attributes: value 4000000000 of ", |spans| {
            attribute(spans, Kind::Value, |mut attribute| attribute.set_base(4_000_000_000));
        }),
        ("span.attributes: text 4000000 of a table", |spans| {
            attribute(spans, Kind::String, |mut attribute| attribute.set_base(4_000_000));
        }),
    ];
    for (sentence, change) in cases {
        let said = said(change);
        assert!(said.starts_with("malformed: ") && said.contains(sentence), "{sentence}: {said}");
    }
}

/// Changes the first attribute of a kind.
fn attribute(
    spans: spans::Builder<'_>,
    kind: Kind,
    change: impl FnOnce(crate::schema::columns_capnp::attribute::Builder<'_>),
) {
    let mut shapes = spans.get_shapes().unwrap();
    for shape in 0..shapes.len() {
        let mut attributes = shapes.reborrow().get(shape).get_attributes().unwrap();
        for index in 0..attributes.len() {
            let is_it =
                attributes.reborrow().get(index).get_kind().is_ok_and(|found| found == kind);
            if is_it {
                return change(attributes.get(index));
            }
        }
    }
    panic!("no {kind:?}");
}

#[test]
fn texts_are_what_their_lengths_say() {
    let said = |change: fn(columns::Builder<'_>)| {
        refused(take(COLUMNS, &bytes(&changed(change))).unwrap().to_otlp())
    };
    let empty = said(|columns| columns.get_text_lengths().unwrap().set_width(0));
    assert!(empty.contains("malformed: text ") || empty.contains("strings."), "{empty}");
    let many = said(|mut columns| columns.set_text_count(u32::MAX));
    assert!(many.contains("malformed: 4294967295 texts, of "), "{many}");
    let other = take(Envelope { signal: Signal::Logs, ..COLUMNS }, &golden("traces.columns"));
    let other = refused(other.unwrap().to_otlp());
    assert!(other.contains("announced as logs, and its columns hold traces"), "{other}");
}

/// A column of one number has no cells, so a few bytes can stand for any number of spans.
#[test]
fn a_bomb_of_spans_is_too_large_before_it_is_looked_at() {
    let message = changed(|columns| {
        let Ok(columns::Spans(Ok(mut spans))) = columns.which() else { panic!("it has spans") };
        spans.set_count(u32::MAX);
        spans.get_resources().unwrap().get(0).get_scopes().unwrap().get(0).set_count(u32::MAX);
    });
    let envelope = Envelope { items: u32::MAX, ..COLUMNS };
    let limits = Limits { otlp_bytes: 64 << 20, ..LIMITS };
    let said = refused(take_within(envelope, &bytes(&message), &limits).unwrap().to_otlp());
    assert!(said.contains("too large: the batch takes more than 67108864 bytes as OTLP"), "{said}");
}
