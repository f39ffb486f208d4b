//! The other end of the wire: batches of Cap'n Proto taken, checked and handed on.

#[allow(dead_code, reason = "the listener beside it takes it up")]
pub(crate) mod rows;
#[cfg(feature = "zstd")]
#[path = "zstd/on.rs"]
mod zstd;
#[cfg(not(feature = "zstd"))]
#[path = "zstd/off.rs"]
mod zstd;
