//! What a connection may cost.

use std::sync::Arc;
use std::time::Duration;

/// Segments of one frame from a peer that has not said who it is.
pub(super) const SEGMENTS: usize = 8;

/// Frames up to this size are paid from a fixed allowance of their connection, not from the budget: what
/// frees the budget (`Finish`, `Return`) is read even while all of it is out.
pub(super) const SMALL_FRAME: usize = 4 * 1024;

/// What a peer that has not said who it is may cost beside its frames: there may be thousands of them.
pub(super) const STRANGER: Stranger =
    Stranger { queue_bytes: 16 * 1024, queue_messages: 16, questions: 16 };

/// See [`STRANGER`].
pub(super) struct Stranger {
    pub(super) queue_bytes: usize,
    pub(super) queue_messages: usize,
    pub(super) questions: usize,
}

/// The limits of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Bytes of one frame, until `Handle::raise` allows more.
    pub(crate) frame: usize,
    /// From the first byte of a frame to the end of its segment table.
    pub(crate) header: Duration,
    /// For the rest of a frame, and on top of it the time that its bytes take at `rate`.
    pub(crate) body: Duration,
    /// Bytes a second that a peer must at least send while a frame is under way.
    pub(crate) rate: usize,
    /// Bytes that small frames may hold together.
    pub(crate) allowance: usize,
    /// Questions of the peer that may be open at one time.
    pub(crate) questions: usize,
    /// Nothing is read while more than this waits to be sent.
    pub(crate) queue_bytes: usize,
    pub(crate) queue_messages: usize,
    /// How long more than that may wait.
    pub(crate) stall: Duration,
    /// How long a write may take without any progress; a close waits no longer for all of the rest.
    pub(crate) write: Duration,
    /// What is needed to read stays where nothing is under way: quicker, and nothing for thousands of connections.
    pub(crate) keeps_ready: bool,
}

impl From<&Limits> for Arc<Limits> {
    fn from(limits: &Limits) -> Self {
        Self::new(limits.clone())
    }
}

impl Limits {
    /// Of a peer that calls: the answers it gets are small, and what it sends is bounded by its window, so
    /// that its queue only must not be the tighter bound.
    pub(crate) fn client() -> Self {
        Self {
            frame: 256 * 1024,
            allowance: 256 * 1024,
            queue_bytes: 128 * 1024 * 1024,
            keeps_ready: true,
            ..Self::server()
        }
    }

    /// Of a peer that is called: what it gets is large only after a login.
    pub(crate) fn server() -> Self {
        Self {
            frame: 64 * 1024,
            header: Duration::from_secs(5),
            body: Duration::from_secs(10),
            rate: 16 * 1024,
            allowance: 16 * 1024,
            questions: 256,
            queue_bytes: 256 * 1024,
            queue_messages: 256,
            stall: Duration::from_secs(10),
            write: Duration::from_secs(10),
            keeps_ready: false,
        }
    }

    /// How long so many bytes of a frame may take.
    pub(super) fn body_of(&self, bytes: usize) -> Duration {
        self.body + Duration::from_millis((bytes as u64) * 1000 / (self.rate.max(1) as u64))
    }
}
