//! The rules of the schema, each broken once.

use capnp::message::Builder;

use super::hand_made::{Envelope, LIMITS, PLAIN, TEXTS, bytes, one_span, refused, set_texts, take};
use crate::receive::rows::Payload;
use crate::schema::common_capnp::{key_value, value};
use crate::schema::ingest_capnp::batch::Signal;
use crate::schema::ingest_capnp::rows;
use crate::schema::trace_capnp::span;

#[track_caller]
fn assert_refused(message: &[u8], sentence: &str) {
    let payload = take(PLAIN, message).unwrap();
    let said = refused(payload.to_otlp());
    assert!(said.contains(sentence), "{said}");
}

/// One span in rows with this table.
fn with_table(ends: &[u32], blob: &[u8]) -> Vec<u8> {
    let mut message = Builder::new_default();
    let mut rows = message.init_root::<rows::Builder<'_>>();
    let mut strings = rows.reborrow().init_strings();
    strings.set_blob(blob);
    strings.set_ends(ends).unwrap();
    let group = rows.init_traces().init_resource_spans(1).get(0);
    group.init_scope_spans(1).get(0).init_spans(1);
    bytes(&message)
}

#[test]
fn tables_of_texts() {
    assert!(take(PLAIN, &with_table(&[], b"")).unwrap().to_otlp().is_ok());
    assert!(take(PLAIN, &with_table(&[0, 3, 3], "äb".as_bytes())).unwrap().to_otlp().is_ok());
    assert!(take(PLAIN, &with_table(&[0, 33, 33, 65], &[b'x'; 65])).unwrap().to_otlp().is_ok());
    let long = ["ä".as_bytes(), &[b'x'; 64]].concat();
    // Long texts are listed, short ones are not.
    let cases: [(&[u32], &[u8], &str); 13] = [
        (&[1, 66], &long, "strings.ends[0]: the text ends at byte 1 of 66, and text 0 is empty"),
        (&[0, 66, 2], &long, "strings.ends[2]: the text ends at byte 2 of 66, which is before"),
        (&[0, 99], &long, "strings.ends[1]: the text ends at byte 99 of 66, which is behind"),
        (&[0, 1, 66], &long, "strings.ends[1]: the text ends at byte 1 of 66, which is inside"),
        (&[0, 2], &long, "the last text ends at byte 2, and the blob has 66"),
        (&[], &long, "the last text ends at byte 0, and the blob has 66"),
        (&[1], b"a", "strings.ends[0]: the text ends at byte 1 of 1, and text 0 is empty"),
        (&[0, 2, 1], b"ab", "strings.ends[2]: the text ends at byte 1 of 2, which is before"),
        (&[0, 9], b"ab", "strings.ends[1]: the text ends at byte 9 of 2, which is behind"),
        (
            &[0, 1, 3],
            "äb".as_bytes(),
            "strings.ends[1]: the text ends at byte 1 of 3, which is inside",
        ),
        (&[0, 1], b"ab", "the last text ends at byte 1, and the blob has 2"),
        (&[], b"ab", "the last text ends at byte 0, and the blob has 2"),
        (&[0, 3], b"a\xffb", "strings.blob: not UTF-8 at byte 1"),
    ];
    for (ends, blob, sentence) in cases {
        assert_refused(&with_table(ends, blob), sentence);
    }
}

#[test]
fn texts_that_are_not_there() {
    let pairs = |mut span: span::Builder<'_>, key, value| {
        let mut pair = span.reborrow().init_attributes(1).get(0);
        pair.set_key(key);
        pair.set_string(value);
    };
    type Change<'a> = &'a dyn Fn(span::Builder<'_>);
    let cases: [(Change<'_>, &str); 8] = [
        (&|mut span| span.set_name(4), "span.name: text 4 of a table of 4"),
        (&|mut span| span.set_trace_state(u32::MAX), "span.traceState: text 4294967295"),
        (&|mut span| span.set_status_message(9), "span.statusMessage: text 9"),
        (&|span| pairs(span, 9, 1), "span.attributes: text 9"),
        (&|span| pairs(span, 1, 9), "span.attributes: text 9"),
        (&|span| span.init_events(2).get(1).set_name(8), "event.name: text 8"),
        (&|span| span.init_links(2).get(1).set_trace_state(8), "link.traceState: text 8"),
        (
            &|span| span.init_attributes(1).get(0).init_array(2).get(1).set_string(77),
            "span.attributes: text 77",
        ),
    ];
    for (change, sentence) in cases {
        assert_refused(&bytes(&one_span(change)), sentence);
    }
}

#[test]
fn items_and_signal_are_as_announced() {
    let message = bytes(&one_span(|_| {}));
    let announced = |envelope| refused(take(envelope, &message).unwrap().to_otlp());
    assert_eq!(
        announced(Envelope { items: 2, ..PLAIN }),
        "malformed: the batch holds 1 items, and itemCount announces 2"
    );
    assert_eq!(
        announced(Envelope { signal: Signal::Logs, ..PLAIN }),
        "malformed: the batch is announced as logs, and its rows hold traces"
    );
    let mut empty = Builder::new_default();
    empty.init_root::<rows::Builder<'_>>();
    assert_refused(&bytes(&empty), "announced as traces, and its rows hold nothing");
    assert_refused(&[], "not a message that can be read");
    assert_refused(&message[..message.len() - 8], "not a message that can be read");
}

/// Arrays within arrays, `depth` of them.
fn nested(depth: u32) -> Vec<u8> {
    fn deeper(value: value::Builder<'_>, depth: u32) {
        if depth > 0 {
            deeper(value.init_array(1).get(0), depth - 1);
        }
    }
    bytes(&one_span(|span| {
        let pair: key_value::Builder<'_> = span.init_attributes(1).get(0);
        deeper(pair.init_array(1).get(0), depth - 1);
    }))
}

#[test]
fn values_within_values() {
    let read = |depth| take(PLAIN, &nested(depth)).unwrap().read(|rows| rows.cut_values());
    assert_eq!(read(32), Ok(0));
    let said = "malformed: span.attributes: values lie within each other more than 32 deep";
    assert_eq!(refused(read(33)), said);
    assert!(refused(read(3000)).starts_with("malformed: "));
}

#[test]
fn a_text_that_is_named_a_thousand_times() {
    let long = "x".repeat(100_000);
    let texts = [TEXTS[0], "key", &long];
    let message = |attributes| {
        let mut message = Builder::new_default();
        let mut rows = message.init_root::<rows::Builder<'_>>();
        set_texts(rows.reborrow(), &texts);
        let group = rows.init_traces().init_resource_spans(1).get(0);
        let span = group.init_scope_spans(1).get(0).init_spans(1).get(0);
        let mut pairs = span.init_attributes(attributes);
        for index in 0..attributes {
            let mut pair = pairs.reborrow().get(index);
            pair.set_key(1);
            pair.set_string(2);
        }
        bytes(&message)
    };
    let few = take(PLAIN, &message(40)).unwrap().to_otlp().unwrap();
    assert!(few.len() > 4_000_000 && few.len() < LIMITS.otlp_bytes);
    assert_refused(&message(1000), "too large: the batch takes more than 4194304 bytes as OTLP");
}

/// Pointers from many places to one: a small message that is long to walk through.
#[test]
fn one_list_named_from_many_places() {
    let mut message = bytes(&one_span(|span| {
        let mut events = span.init_events(2000);
        events.reborrow().get(0).init_attributes(2000);
    }));
    // The pointer of the first event, moved on for each of the others.
    let event_words = 3;
    let is_list = |word: &[u8]| word[0] & 3 == 1 && u32_at(word, 4) == 7 | (2000 * 3) << 3;
    let place = (0..message.len() / 8)
        .filter(|index| is_list(&message[8 * index..]))
        .nth(1)
        .expect("the attributes' pointer");
    let offset = u32_at(&message[8 * place..], 0) >> 2;
    for event in 1..2000 {
        let at = 8 * (place + event * event_words);
        let pointer = (offset - (event * event_words) as u32) << 2 | 1;
        message[at..at + 4].copy_from_slice(&pointer.to_le_bytes());
        message.copy_within(8 * place + 4..8 * place + 8, at + 4);
    }
    assert_refused(&message, "not a message that can be read");
}

/// Elements of no size: a list of any length takes no room.
#[test]
fn a_list_of_many_nothings() {
    let mut message = bytes(&one_span(|span| {
        span.init_events(1);
    }));
    // The word before the event says how many there are and how large each is.
    let tag = (1_u32 << 2, 2 | 1 << 16);
    let place = (0..message.len() / 8)
        .rfind(|word| (u32_at(&message, 8 * word), u32_at(&message, 8 * word + 4)) == tag)
        .expect("the event's tag");
    message[8 * place..8 * place + 4].copy_from_slice(&(1_u32 << 30).to_le_bytes());
    message[8 * place + 4..8 * place + 8].fill(0);
    assert_refused(&message, "not a message that can be read");
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].try_into().map_or(0, u32::from_le_bytes)
}

#[test]
fn a_payload_goes_to_another_thread() {
    fn assert_send<T: Send>() {}
    assert_send::<Payload>();
}
