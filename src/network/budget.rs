//! The memory that incoming frames of all connections may hold together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes to hold; clones share them, also across threads.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Shares>);

#[derive(Debug)]
struct Shares {
    free: Arc<Semaphore>,
    /// For peers that have not said who they are: they never use up what others need.
    strangers: Arc<Semaphore>,
    total: usize,
}

/// One frame of a stranger fits in any case.
const FRAME: usize = 128 * 1024;

/// The part that strangers may hold together, beside the rest.
const STRANGERS: usize = 16;

/// Bytes held until this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _held: OwnedSemaphorePermit,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        let total = bytes.min(u32::MAX as usize).min(Semaphore::MAX_PERMITS);
        let strangers = Arc::new(Semaphore::new((total / STRANGERS).max(FRAME.min(total))));
        Self(Arc::new(Shares { free: Arc::new(Semaphore::new(total)), strangers, total }))
    }

    /// For one connection: there is nobody to share with.
    pub(super) fn own(bytes: usize) -> Self {
        let free = Arc::new(Semaphore::new(bytes));
        Self(Arc::new(Shares { strangers: Arc::clone(&free), free, total: bytes }))
    }

    /// Waits until `bytes` are free, in turn; `None` where there never will be so many.
    pub(crate) async fn take(&self, bytes: usize) -> Option<Permit> {
        if bytes > self.0.total {
            return None;
        }
        let bytes = u32::try_from(bytes).ok()?;
        let held = Arc::clone(&self.0.free).acquire_many_owned(bytes).await.ok()?;
        Some(Permit { _held: held })
    }

    /// The same for a peer that has not said who it is.
    pub(super) async fn take_as_stranger(&self, bytes: usize) -> Option<Permit> {
        if bytes > self.0.total {
            return None;
        }
        let bytes = u32::try_from(bytes).ok()?;
        let held = Arc::clone(&self.0.strangers).acquire_many_owned(bytes).await.ok()?;
        Some(Permit { _held: held })
    }

    pub(crate) fn total(&self) -> usize {
        self.0.total
    }

    /// Bytes that are out.
    pub(crate) fn held(&self) -> usize {
        self.0.total - self.0.free.available_permits()
    }
}
