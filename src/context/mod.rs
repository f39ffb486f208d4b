//! What crosses a boundary: ids, flags, `tracestate` and baggage, and the headers that carry them.

mod b3;
mod baggage;
mod hex;
mod jaeger;
mod parent;
mod propagate;
#[cfg(test)]
mod properties;
mod traceparent;
mod tracestate;

pub use parent::Parent;
pub(crate) use parent::{Extra, Place, RANDOM, SAMPLED};
pub(crate) use propagate::{Getter, choose, chosen, extract, fields, inject};

/// Whether a header says where a span hangs.
pub(crate) fn is_traceparent(value: &str) -> bool {
    traceparent::parse(value).is_some()
}

/// Whether there is something to pass on in a header's value.
pub(crate) fn is_tracestate(value: &str) -> bool {
    let mut lines = tracestate::Lines::default();
    lines.add(value);
    !lines.finish().is_empty()
}

/// Whether a header's value has an entry.
pub(crate) fn is_baggage(value: &str) -> bool {
    let mut lines = baggage::Lines::default();
    lines.add(value);
    !lines.finish().is_empty()
}

/// HTTP's optional white space, which may stand around a header's value and its members.
const OWS: [char; 2] = [' ', '\t'];
