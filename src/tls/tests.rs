//! The files that can and cannot be used.
