//! The memory that incoming frames of all connections may hold together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes to hold; clones share them, also across threads.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    free: Arc<Semaphore>,
    total: usize,
}

/// Bytes held until this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _held: OwnedSemaphorePermit,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        let total = bytes.min(u32::MAX as usize).min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(total)), total }
    }

    /// Waits until `bytes` are free, in turn; `None` where there never will be so many.
    pub(crate) async fn take(&self, bytes: usize) -> Option<Permit> {
        if bytes > self.total {
            return None;
        }
        let bytes = u32::try_from(bytes).ok()?;
        let held = Arc::clone(&self.free).acquire_many_owned(bytes).await.ok()?;
        Some(Permit { _held: held })
    }

    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// Bytes that are out.
    #[allow(dead_code, reason = "for a receiver's own metrics")]
    pub(crate) fn held(&self) -> usize {
        self.total - self.free.available_permits()
    }
}
