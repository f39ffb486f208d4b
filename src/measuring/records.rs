//! Spans as a pipeline drains them, and what it does with them, for `benches/rivals`.

use std::cell::RefCell;

use bytes::Bytes;

use crate::encode::capnp::columns::ColumnsEncoder;
use crate::encode::otlp::TraceEncoder;
use crate::pipeline::clock::Anchor;
use crate::record::packed::PackedSpan;
use crate::testing::Capture;

const NAME: &str = "shop.rpc";
const VERSION: &str = "1.4.2";

thread_local! {
    static KEPT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A capture was given this record.
pub(crate) fn keep(record: &[u8]) {
    KEPT.with_borrow_mut(|kept| kept.push(record.to_vec()));
}

/// Finished spans as the pipeline drains them.
pub struct Records {
    /// Back to back.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    anchor: Anchor,
}

impl Records {
    /// Of the spans that end in here.
    pub fn of(record: impl FnOnce()) -> Self {
        let capture = Capture::start();
        record();
        drop(capture);
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for record in KEPT.take() {
            bytes.extend_from_slice(&record);
            ends.push(bytes.len());
        }
        Self { bytes, ends, anchor: Anchor::now() }
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn each(&self, mut each: impl FnMut(&PackedSpan<'_>)) {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        for (start, &end) in starts.zip(&self.ends) {
            each(&PackedSpan::read(&self.bytes[start..end], &self.anchor));
        }
    }
}

/// Requests of OTLP.
pub struct Otlp(TraceEncoder);

impl Otlp {
    pub fn new(resource: &[(String, String)]) -> Self {
        Self(TraceEncoder::new(resource, NAME, VERSION))
    }

    pub fn encode(&mut self, records: &Records) -> Bytes {
        records.each(|span| self.0.span(span));
        self.0.finish()
    }
}

/// Frames of Cap'n Proto.
pub struct Columns(ColumnsEncoder);

impl Columns {
    pub fn new(resource: &[(String, String)]) -> Self {
        Self(ColumnsEncoder::new(resource, NAME, VERSION))
    }

    pub fn encode(&mut self, records: &Records) -> Bytes {
        records.each(|span| self.0.span(span));
        self.0.finish()
    }
}
