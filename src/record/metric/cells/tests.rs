//! What the cells promise together.
