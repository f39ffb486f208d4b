//! What measurements call. Only `scripts/instructions` and `scripts/bench` set `--cfg measuring`; no other build
//! has this.
#![allow(missing_docs, clippy::missing_panics_doc, clippy::new_without_default)]

#[cfg(feature = "receive")]
mod frames;
mod records;
#[cfg(feature = "receive")]
mod sdk_spans;

#[cfg(feature = "receive")]
pub use frames::{Decode, Encode, EncodeSdk, SPANS};
pub(crate) use records::keep;
pub use records::{Columns, Otlp, Records};
