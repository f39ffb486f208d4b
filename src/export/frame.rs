//! What passes between `encode` and `export`: what is sent, retried, spooled and counted.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;

use crate::encode::sdk::SdkBatch;

/// One encoded batch.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The items; cloning shares them.
    pub(crate) body: Body,
    /// How many items are in it.
    pub(crate) items: u32,
    /// Who sends it: one destination of one `init`.
    pub(crate) exporter: u64,
    /// Counts up from 1 for each exporter; with the exporter's id it names this frame for good.
    pub(crate) sequence: u64,
    /// Set by an exporter once the peer may have a part of it; all clones share it.
    is_sent: Arc<AtomicBool>,
}

impl Frame {
    pub(crate) fn new(body: Body, items: u32, exporter: u64, sequence: u64) -> Self {
        Self { body, items, exporter, sequence, is_sent: Arc::default() }
    }

    /// To be called by an exporter before the first byte leaves.
    pub(crate) fn mark_sent(&self) {
        self.is_sent.store(true, Ordering::Release);
    }

    /// Nothing of it can have reached the peer.
    pub(crate) fn mark_unsent(&self) {
        self.is_sent.store(false, Ordering::Release);
    }

    /// The peer may have it.
    pub(crate) fn is_sent(&self) -> bool {
        self.is_sent.load(Ordering::Acquire)
    }
}

/// The frame's name, the same in whatever place speaks of it.
impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {} of exporter {:016x}", self.sequence, self.exporter)
    }
}

/// The items of a frame as its exporter takes them.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// What goes over a wire.
    Bytes(Bytes),
    /// Columns of Cap'n Proto, which not every receiver reads.
    Columns(Bytes),
    /// An exporter of the SDK's encodes by itself.
    Sdk(SdkBatch),
}

impl Body {
    /// Bytes of memory; of a batch of the SDK's, about.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) | Self::Columns(bytes) => bytes.len(),
            Self::Sdk(batch) => batch.size(),
        }
    }

    /// What goes over a wire; nothing of a batch of the SDK's, which no wire of ours is given.
    pub(crate) fn wire(&self) -> Bytes {
        match self {
            Self::Bytes(bytes) | Self::Columns(bytes) => bytes.clone(),
            Self::Sdk(_) => Bytes::new(),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<SdkBatch> for Body {
    fn from(batch: SdkBatch) -> Self {
        Self::Sdk(batch)
    }
}

/// What became of one attempt to send a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The peer has it, but refused `rejected` of the items; `message` is what it said about it.
    Delivered { rejected: u64, message: Option<String> },
    /// Not now; the same frame may be sent again, not before `after` if the peer said so.
    /// `sent` tells whether the peer may have it all the same.
    Retry { error: String, after: Option<Duration>, sent: bool },
    /// The peer will never take this frame.
    Refused { error: String },
    /// Handed over and not to be sent again, with nothing known of where it is.
    Unconfirmed { error: String },
    /// The frame is larger than any request may be.
    TooLarge { error: String },
}
