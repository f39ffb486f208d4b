//! What every stage counts, and what the crate has to say for itself.

pub(crate) mod counters;
pub(crate) mod diagnostics;
pub(crate) mod durations;
pub(crate) mod ledger;
