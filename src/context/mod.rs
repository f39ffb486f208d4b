//! What crosses a boundary: ids, flags, `tracestate` and baggage, and the headers that carry them.

mod parent;

pub use parent::Parent;
