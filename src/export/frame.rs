//! What passes between `encode` and `export`: what is sent, retried, spooled and counted.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

/// One encoded batch.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The encoded items; cloning shares it.
    pub(crate) body: Bytes,
    /// How many items are in it.
    pub(crate) items: u32,
    /// Who sends it: one destination of one `init`.
    pub(crate) exporter: u64,
    /// Counts up from 1 for each exporter; with the exporter's id it names this frame for good.
    pub(crate) sequence: u64,
}

/// The frame's name, the same in whatever place speaks of it.
impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {} of exporter {:016x}", self.sequence, self.exporter)
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
    /// The frame is larger than any request may be.
    TooLarge { error: String },
}
