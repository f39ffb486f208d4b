//! From bytes to somewhere; no records here.

mod console;
mod frame;

pub(crate) use console::{ConsoleExporter, wants_color};
pub(crate) use frame::{Frame, Outcome};
