//! A batch: spans are staged as they come, and one message is made of them at the end.

use bytes::Bytes;

use super::super::groups::Groups;
use super::super::message::Message;
use super::super::spare::Spare;
use super::super::value::{Mark, Values};
use super::column::Cells;
use super::span::Spans;
use crate::encode::view::{Resource, Scope, SpanView};

/// What the root, the columns and a resource take at most, but for attributes and texts; a guess, which may
/// be wrong.
const AROUND: usize = 2048;

/// All its memory is kept from batch to batch.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) values: Values,
    pub(super) groups: Groups,
    pub(super) spans: Spans,
    pub(super) cells: Cells,
    /// What every batch begins with: how many resources, and their values.
    kept: (usize, Mark),
    spare: Spare,
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
            spare: Spare::default(),
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

    /// The message; the batch is ready for the next one. It is one segment.
    pub(super) fn finish(&mut self) -> Bytes {
        self.spans.sort();
        let columns = self.columns();
        let texts = self.values.strings.blob().len() + self.values.len();
        let size = AROUND + texts + self.cells.bytes().len() + self.spans.len();
        let mut message = Message::within(self.spare.take(size));
        self.write(&columns, &mut message);
        self.spans.clear();
        self.cells.clear();
        self.groups.reset(self.kept.0 != 0);
        self.values.reset(self.kept.1);
        self.spare.lend(message.finish())
    }
}
