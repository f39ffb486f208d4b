//! The other end of the wire: batches of Cap'n Proto taken, checked and handed on.

mod address;
mod attempts;
mod credentials;
mod error;
#[allow(dead_code, reason = "the listener beside it takes it up")]
pub(crate) mod rows;
mod verdict;
mod windows;
#[cfg(feature = "zstd")]
#[path = "zstd/on.rs"]
mod zstd;
#[cfg(not(feature = "zstd"))]
#[path = "zstd/off.rs"]
mod zstd;

pub use address::Address;
pub use error::Error;
