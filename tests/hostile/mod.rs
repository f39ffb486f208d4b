//! What the attack tests share: hand-made frames, and the receiver as a process.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod batches;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod receiver;
pub(crate) mod session;
pub(crate) mod wire;

use std::time::Duration;

/// Longer than anything here takes, short enough to notice a hang.
pub(crate) const SOON: Duration = Duration::from_secs(25);
