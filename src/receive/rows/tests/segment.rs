//! Lists read where they lie are what the library reads.

use capnp::message::{Builder, HeapAllocator, ReaderOptions};
use capnp::serialize;
use proptest::prelude::*;

use super::hand_made::{PLAIN, bytes, one_span, take};
use super::prost_samples;
use super::prost_source::Source as _;
use super::robustness::{harm, harmed};
use crate::encode::capnp::StreamEncoder;
use crate::receive::rows::segment::Segment;
use crate::receive::rows::value::{Plain, lying, pairs};
use crate::schema::ingest_capnp::rows;
use crate::schema::trace_capnp::span;

/// What is found of the attributes of all spans.
#[derive(Debug, Default)]
struct Found {
    lists: usize,
    /// Of those, how many only the library reads.
    left: usize,
}

/// Compares the attributes of each span that the library finds.
fn compare(message: &[u8]) -> Result<Found, TestCaseError> {
    let mut found = Found::default();
    let options = ReaderOptions { traversal_limit_in_words: None, nesting_limit: 96 };
    let mut rest = message;
    let Ok(reader) = serialize::read_message_from_flat_slice_no_alloc(&mut rest, options) else {
        return Ok(found);
    };
    let segment = Segment::of(message);
    let mut span = |span: span::Reader<'_>| {
        let library = span.get_attributes();
        found.lists += 1;
        let Some(list) = segment.list(span, 0) else {
            found.left += 1;
            return Ok(());
        };
        let library =
            library.map_err(|error| TestCaseError::fail(format!("read here: {error}")))?;
        let of = |pair: Plain| (pair.key, pair.kind, pair.bits);
        if let Some(pairs_here) = lying(list) {
            let here: Vec<_> = pairs_here.map(of).collect();
            let there: Vec<_> = pairs(library).map(of).collect();
            prop_assert_eq!(here, there);
        }
        Ok(())
    };
    let Ok(root) = reader.get_root::<rows::Reader<'_>>() else { return Ok(found) };
    let Ok(rows::Traces(Ok(data))) = root.which() else { return Ok(found) };
    for group in data.get_resource_spans().iter().flat_map(|list| list.iter()) {
        for group in group.get_scope_spans().iter().flat_map(|list| list.iter()) {
            // Spans of no size could be any number.
            let spans = group.get_spans();
            spans.iter().flat_map(|list| list.iter()).take(1000).try_for_each(&mut span)?;
        }
    }
    Ok(found)
}

proptest! {
    #[test]
    fn what_we_write_lies_as_usual(request in prost_samples::traces()) {
        let mut encoder = StreamEncoder::traces();
        request.lend(&mut encoder);
        let found = compare(&encoder.finish())?;
        prop_assert_eq!(found.lists, request.items() as usize);
        prop_assert_eq!(found.left, 0);
    }

    #[test]
    fn what_is_read_here_is_what_the_library_reads(
        request in prost_samples::traces(),
        harms in harm(),
    ) {
        let mut encoder = StreamEncoder::traces();
        request.lend(&mut encoder);
        compare(&harmed(encoder.finish().to_vec(), &harms))?;
    }

    #[test]
    fn no_pointer_leads_out_of_the_message(
        pointer in any::<u64>(),
        tag in any::<u64>(),
        bits in (0..=64_u32, 0..=64_u32),
    ) {
        let mut message = bytes(&one_span(|span| {
            span.init_attributes(2);
        }));
        // At the end stand the attributes, six words behind their tag, and before it the three pointers of the span.
        let tag_at = message.len() - 7 * 8;
        for (at, by, bits) in [(tag_at - 3 * 8, pointer, bits.0), (tag_at, tag, bits.1)] {
            let word = &mut message[at..at + 8];
            // Small changes lead near, large ones anywhere.
            let mask = u64::MAX.checked_shr(bits).unwrap_or(0);
            let by = (by & mask).to_le_bytes();
            word.iter_mut().zip(by).for_each(|(byte, by)| *byte ^= by);
        }
        compare(&message)?;
    }
}

#[test]
fn the_pointer_and_the_tag_are_where_they_are_looked_for() {
    let message = bytes(&one_span(|span| {
        span.init_attributes(2);
    }));
    let word = |from_end: usize| {
        let at = message.len() - 8 * from_end;
        u64::from_le_bytes(message[at..at + 8].try_into().unwrap())
    };
    assert_eq!(word(7), 2 << 2 | 2 << 32 | 1 << 48, "two of two words and a pointer");
    assert_eq!(word(10), 1 | 2 << 2 | 7 << 32 | 6 << 35, "six words behind two pointers");
    let found = compare(&message).unwrap();
    assert_eq!((found.lists, found.left), (1, 0));
}

#[test]
fn lists_of_several_segments_are_the_librarys() {
    let mut message = Builder::new(HeapAllocator::new().first_segment_words(8));
    message
        .set_root(
            one_span(|span| {
                span.init_attributes(2).get(1).set_key(1);
            })
            .get_root_as_reader::<rows::Reader<'_>>()
            .unwrap(),
        )
        .unwrap();
    let message = bytes(&message);
    assert_ne!(message[0], 0, "it has several segments");
    let found = compare(&message).unwrap();
    assert_eq!((found.lists, found.left), (1, 1));
    take(PLAIN, &message).unwrap().to_otlp().unwrap();
}
