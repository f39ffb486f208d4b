//! What crosses a boundary: ids, flags, `tracestate` and baggage, and the headers that carry them.

mod baggage;
mod parent;
mod propagate;
#[cfg(test)]
mod properties;
mod traceparent;
mod tracestate;

pub use parent::Parent;
pub(crate) use parent::{Extra, Place, RANDOM, SAMPLED};
pub(crate) use propagate::{Getter, choose, chosen, extract, inject};

/// HTTP's optional white space, which may stand around a header's value and its members.
const OWS: [char; 2] = [' ', '\t'];
