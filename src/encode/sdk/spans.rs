//! Batches of `SpanData`, as a processor of the SDK hands them over.

use bytes::Bytes;
use opentelemetry_sdk::trace::SpanData;

use super::span::SdkSpan;
use super::value::{is_same_scope, scope};
use crate::encode::capnp::ScopedSpans;

/// A batch as one message. Most spans are of the scope of the one before them.
pub(crate) fn encode_spans(encoder: &mut impl ScopedSpans, batch: &[SpanData]) -> Bytes {
    let mut last = None;
    for span in batch {
        let from = &span.instrumentation_scope;
        let number = match last {
            Some((before, number)) if is_same_scope(before, from) => number,
            _ => encoder.scope(&scope(from)),
        };
        last = Some((from, number));
        encoder.span(number, &SdkSpan::new(span));
    }
    encoder.finish()
}
