//! A batch: spans are staged as they come, and one message is made of them at the end.

use bytes::Bytes;

use super::super::around::Around;
use super::super::message::Message;
use super::span::Spans;
use super::write::Columns;
use crate::encode::last::Last;
use crate::encode::view::SpanView;

/// What the root, the columns and a resource take at most, but for attributes and texts; a guess, which may
/// be wrong.
const AROUND: usize = 2048;

/// All its memory is kept from batch to batch.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) around: Around,
    pub(super) spans: Spans,
    pub(super) columns: Columns,
    last: Last,
}

impl Batch {
    pub(super) fn new(around: Around) -> Self {
        Self { around, spans: Spans::default(), columns: Columns::default(), last: Last::default() }
    }

    #[inline]
    pub(super) fn span(&mut self, scope: u32, span: &impl SpanView) {
        self.around.groups.count(scope);
        self.spans.stage(&mut self.around.values, scope, span);
    }

    /// The message; the batch is ready for the next one. It is one segment.
    pub(super) fn finish(&mut self) -> Bytes {
        self.spans.sort();
        let values = &self.around.values;
        let texts = values.strings.blob().len() + values.len();
        let size = AROUND + texts + self.columns.guess(&self.spans) + self.spans.len();
        let mut message = Message::within(self.last.buffer(size));
        self.write(&mut message);
        self.spans.clear();
        self.around.reset();
        self.last.keep_all(message.finish())
    }
}
