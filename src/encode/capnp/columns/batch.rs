//! A batch: spans are staged as they come, and one message is made of them at the end.

use std::mem;

use bytes::Bytes;
use capnp::message::{Allocator, Builder, HeapAllocator, ScratchSpaceHeapAllocator};
use capnp::{Word, serialize};

use super::super::groups::Groups;
use super::super::value::{Mark, Values};
use super::super::words;
use super::column::Cells;
use super::span::Spans;
use crate::encode::view::{Resource, Scope, SpanView};
use crate::schema::columns_capnp::{
    attribute, column, columns, resource_spans, scope_spans, shape, spans,
};
use crate::schema::common_capnp::value;
use crate::schema::trace_capnp::{event, link};

/// The longest message that leaves its memory to the next one: 4 MiB, as for rows.
const MAX_KEPT_WORDS: usize = 1 << 19;

/// What a segment can hold; a message that is larger takes several.
const MAX_SEGMENT_WORDS: usize = (1 << 28) - 1;

/// How many columns there are besides those of attributes.
const FIELDS: usize = 24;

/// All its memory is kept from batch to batch.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) values: Values,
    pub(super) groups: Groups,
    pub(super) spans: Spans,
    pub(super) cells: Cells,
    /// What every batch begins with: how many resources, and their values.
    kept: (usize, Mark),
    /// Where messages are made.
    space: Vec<Word>,
}

impl Batch {
    pub(super) fn new() -> Self {
        let values = Values::default();
        Self {
            kept: (0, values.mark()),
            values,
            groups: Groups::default(),
            spans: Spans::default(),
            cells: Cells::default(),
            space: Vec::new(),
        }
    }

    /// One whose batches are all of this resource.
    pub(super) fn of(resource: &Resource<'_>) -> Self {
        let mut batch = Self::new();
        batch.add_resource(resource);
        batch.kept = (1, batch.values.mark());
        batch
    }

    pub(super) fn add_resource(&mut self, resource: &Resource<'_>) {
        self.groups.add_resource(&mut self.values, resource);
    }

    /// A new scope, and its number.
    pub(super) fn add_scope(&mut self, scope: &Scope<'_>) -> u32 {
        if self.groups.resources().is_empty() {
            self.add_resource(&Resource::default());
        }
        self.groups.add_scope(&mut self.values, scope)
    }

    #[inline]
    pub(super) fn span(&mut self, scope: u32, span: &impl SpanView) {
        self.groups.count(scope);
        self.spans.stage(&mut self.values, scope, span);
    }

    /// Whether there is nothing to send: what every batch has is not.
    pub(super) fn is_empty(&self) -> bool {
        match self.kept.0 {
            0 => self.groups.resources().is_empty(),
            _ => self.groups.is_without_scopes(),
        }
    }

    /// The message; the batch is ready for the next one.
    pub(super) fn finish(&mut self) -> Bytes {
        self.spans.sort();
        let columns = self.columns();
        let words = self.words();
        let made = if words > MAX_KEPT_WORDS {
            let size = words.min(MAX_SEGMENT_WORDS) as u32;
            self.made(&columns, HeapAllocator::new().first_segment_words(size))
        } else {
            let mut space = mem::take(&mut self.space);
            if space.len() < words {
                space = Word::allocate_zeroed_vec(words);
            }
            let bytes = Word::words_to_bytes_mut(&mut space);
            let made = self.made(&columns, ScratchSpaceHeapAllocator::new(bytes));
            self.space = space;
            made
        };
        self.spans.clear();
        self.cells.clear();
        self.groups.reset(self.kept.0 != 0);
        self.values.reset(self.kept.1);
        made
    }

    fn made(&self, columns: &super::write::Columns, memory: impl Allocator) -> Bytes {
        let mut message = Builder::new(memory);
        self.write(columns, message.init_root::<columns::Builder<'_>>());
        Bytes::from(serialize::write_message_to_words(&message))
    }

    /// At most what the message takes, so that it is one segment.
    fn words(&self) -> usize {
        let texts = words::of_bytes(self.values.strings.blob().len());
        let cells = words::of_bytes(self.cells.bytes().len());
        let groups = self.groups.words(
            words::of::<resource_spans::Builder<'_>>(),
            words::of::<scope_spans::Builder<'_>>(),
        );
        let nodes = self.spans.shapes.attributes_in_all();
        let shapes = words::list::<shape::Builder<'_>>(self.spans.shapes.count())
            + self.spans.shapes.count()
            + nodes * words::of::<attribute::Builder<'_>>();
        let lists = words::list::<value::Builder<'_>>(self.spans.values.len())
            + words::list::<event::Builder<'_>>(self.spans.events.len())
            + words::list::<link::Builder<'_>>(self.spans.links.len());
        let fixed = 1
            + words::of::<columns::Builder<'_>>()
            + words::of::<spans::Builder<'_>>()
            + FIELDS * words::of::<column::Builder<'_>>();
        fixed + texts + cells + groups + shapes + lists + self.values.words()
    }
}
