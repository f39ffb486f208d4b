//! OpenMetrics text, as a scrape is answered: the metrics of one collection, family by family.

mod names;
mod text;

pub(crate) use text::Page;
