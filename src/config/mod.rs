//! From words to a plan: arguments over variables over defaults, decided once.

pub(crate) mod plan;
