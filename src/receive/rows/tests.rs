//! Batches as they should be and as they should not.

mod identity;
mod prost_samples;
mod prost_source;
