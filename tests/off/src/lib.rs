//! A small RPC host, written once for both modes: no `cfg`, `trackside::telemetry` only.

pub mod calling;
pub mod counting;
pub mod engine;
pub mod rpc;
pub mod storage;

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// One call on its way to an object.
#[derive(Debug, Default)]
pub struct Request {
    /// Headers of the wire, the trace's among them.
    pub headers: Vec<(String, String)>,
    /// The key that is asked for.
    pub key: u32,
}

/// Why a call was not answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing is stored under this key.
    Missing(u32),
    /// The text is longer than a reply may be.
    TooLong,
}

impl Refusal {
    /// A word of a small set, for metrics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::TooLong => "too_long",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(key) => write!(f, "nothing is stored under {key}"),
            Self::TooLong => f.write_str("the text is too long for a reply"),
        }
    }
}

impl std::error::Error for Refusal {}

/// A runtime for futures that never wait for long.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// Threads of this process, where the system says (Linux).
#[must_use]
pub fn threads() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}
