//! Tables of metrics.
