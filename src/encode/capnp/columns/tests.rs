//! Columns say what rows say, in fewer bytes.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{ColumnsEncoder, to_rows};
use crate::encode::capnp::TraceEncoder;
use crate::encode::capnp::tests::read::{Read, read};
use crate::encode::otlp::tests::{expected_span, resource};
use crate::encode::sample::arbitrary::sample_span;
use crate::encode::sample::{SampleAttributes, SampleSpan, SampleValue, calls};

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Also where the spans of several scopes come in turn, and in each of several batches.
    #[test]
    fn columns_are_the_rows(batches in vec(vec((sample_span(), "[ab]?"), 0..8), 1..4)) {
        let mut rows = TraceEncoder::new(&resource(), "trackside", "1.2.3");
        let mut columns = ColumnsEncoder::new(&resource(), "trackside", "1.2.3");
        for batch in batches {
            for (mut span, scope) in batch {
                span.scope = scope;
                rows.span(&span);
                columns.span(&span);
            }
            let expected = read(&rows.finish()).0;
            let made = to_rows(&columns.finish()).expect("our own columns");
            prop_assert_eq!(format!("{:?}", read(&made).0), format!("{expected:?}"));
        }
    }

    /// Spans whose attributes begin alike and go on otherwise, over and over.
    #[test]
    fn whatever_way_attributes_go(batches in vec(vec(vec(("[ab]?", few()), 0..5), 0..40), 1..3)) {
        let mut rows = TraceEncoder::new(&resource(), "trackside", "1.2.3");
        let mut columns = ColumnsEncoder::new(&resource(), "trackside", "1.2.3");
        for batch in batches {
            for pairs in batch {
                let attributes = SampleAttributes { pairs, dropped: 0 };
                let span = SampleSpan { attributes, ..SampleSpan::default() };
                rows.span(&span);
                columns.span(&span);
            }
            let expected = read(&rows.finish()).0;
            let made = to_rows(&columns.finish()).expect("our own columns");
            prop_assert_eq!(format!("{:?}", read(&made).0), format!("{expected:?}"));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..400)) {
        let _ = to_rows(&bytes);
    }
}

/// Values of few kinds, few of each.
fn few() -> impl Strategy<Value = SampleValue> {
    prop_oneof![
        Just(SampleValue::Empty),
        any::<bool>().prop_map(SampleValue::Bool),
        "[xy]?".prop_map(SampleValue::Str),
    ]
}

#[test]
fn a_call_takes_so_many_bytes() {
    let spans = calls::batch(512);
    let mut encoder = ColumnsEncoder::new(&calls::resource(), "acme.rpc", "1.0.0");
    let mut sizes = Vec::new();
    for _ in 0..2 {
        spans.iter().for_each(|span| encoder.span(span));
        let message = encoder.finish();
        let (Read::Traces(request), _) = read(&to_rows(&message).unwrap()) else { panic!() };
        let read = &request.resource_spans[0].scope_spans[0];
        assert!(read.spans.iter().eq(spans.iter().map(expected_span).collect::<Vec<_>>().iter()));
        assert_eq!(read.scope.as_ref().map(|scope| scope.name.as_str()), Some("acme.rpc"));
        sizes.push(message);
    }
    assert!(sizes[0] == sizes[1], "a batch does not hang on the one before it");
    let plain = sizes[0].len() / spans.len();
    assert!(plain <= PLAIN, "{plain} bytes a span");
}

/// What was reached, and a byte more.
const PLAIN: usize = 101;

#[test]
fn a_batch_of_nothing() {
    let mut encoder = ColumnsEncoder::new(&resource(), "trackside", "1.2.3");
    let (Read::Traces(request), _) = read(&to_rows(&encoder.finish()).unwrap()) else { panic!() };
    assert!(request.resource_spans.is_empty());
}
