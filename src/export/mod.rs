//! From bytes to somewhere; no records here.

mod frame;

pub(crate) use frame::{Frame, Outcome};
