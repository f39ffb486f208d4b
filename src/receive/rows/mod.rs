//! Batches as they come over the wire: taken out of the call, checked whole, then read as the views.
//!
//! A [`Payload`] is bytes that a peer chose. Nothing of it is used before [`Payload::read`] has walked
//! through all of it once, within bounds: what is left then are values that every sink can take.

mod check;
mod checked;
mod columns;
mod frame;
mod payload;
mod refusal;
mod segment;
mod strings;
#[cfg(test)]
pub(crate) mod tests;
mod unpack;
mod value;
mod views;
mod words;

pub(crate) use checked::Rows;
pub(crate) use columns::Content;
#[allow(unused_imports, reason = "of builds with zstd")]
pub(crate) use frame::inflate;
pub(crate) use payload::{Limits, Payload};
pub(crate) use refusal::Refusal;
pub(crate) use views::Columns;
