//! How much may be unanswered on one connection.

use std::cell::Cell;

use crate::schema::ingest_capnp::credit;

/// What we have unanswered at most, whatever the receiver allows.
pub(super) const BATCHES: u32 = 8;
const BYTES: u64 = 8 * 1024 * 1024;

/// Before the receiver has said what it allows, one small batch may be on its way: until the login is
/// done, it takes no larger ones.
const EARLY_BYTES: u64 = 48 * 1024;

/// What the receiver allows; zero is no limit, but for batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Credit {
    pub(super) batches: u32,
    pub(super) bytes: u64,
    /// Of one batch, as it is sent and before compression.
    pub(super) batch: u64,
    pub(super) uncompressed: u64,
}

impl From<credit::Reader<'_>> for Credit {
    fn from(credit: credit::Reader<'_>) -> Self {
        Self {
            batches: credit.get_max_in_flight_batches(),
            bytes: credit.get_max_in_flight_bytes(),
            batch: credit.get_max_batch_bytes(),
            uncompressed: credit.get_max_uncompressed_bytes(),
        }
    }
}

/// What is unanswered.
#[derive(Debug, Default)]
pub(super) struct Window {
    batches: Cell<u32>,
    bytes: Cell<u64>,
}

impl Window {
    /// Whether `size` bytes more may be sent; `None` is before the receiver's first credit. A batch that is
    /// larger than our own share goes alone.
    pub(super) fn has_room(&self, size: u64, credit: Option<Credit>) -> bool {
        let (batches, bytes) = (self.batches.get(), self.bytes.get());
        let Some(credit) = credit else {
            return batches == 0 && size <= EARLY_BYTES;
        };
        let in_flight = bytes.saturating_add(size);
        batches < credit.batches.min(BATCHES)
            && (credit.bytes == 0 || in_flight <= credit.bytes)
            && (in_flight <= BYTES || batches == 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.get() == 0
    }

    pub(super) fn take(&self, size: u64) {
        self.batches.set(self.batches.get() + 1);
        self.bytes.set(self.bytes.get() + size);
    }

    pub(super) fn give_back(&self, size: u64) {
        self.batches.set(self.batches.get().saturating_sub(1));
        self.bytes.set(self.bytes.get().saturating_sub(size));
    }
}
