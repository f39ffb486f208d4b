//! Batches as they should be and as they should not.

mod frames;
mod hand_made;
mod identity;
mod prost_samples;
mod prost_source;
mod rules;
