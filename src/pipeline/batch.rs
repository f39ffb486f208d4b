//! Records that were drained and wait to be encoded.

/// Records back to back.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// A batch is cut at this many bytes of records, since many servers refuse requests over 4 MiB.
const CUT_BYTES: usize = 3 << 20;

impl Batch {
    pub(super) fn push(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// It should leave before the next record.
    pub(super) fn is_full(&self, items: usize) -> bool {
        self.ends.len() >= items || self.bytes.len() >= CUT_BYTES
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.bytes[start..end])
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(2 * CUT_BYTES);
        self.ends.clear();
    }
}
