//! Batches as they should be and as they should not.

mod columns;
mod evolution;
mod evolution_columns;
mod frames;
mod hand_made;
mod identity;
mod json;
pub(crate) mod prost_samples;
pub(crate) mod prost_source;
mod robustness;
mod rules;
mod segment;
