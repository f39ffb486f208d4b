//! The context that a process is started with.

use super::quote;
use crate::context;

/// A `traceparent` by W3C's rules.
pub(in crate::config) fn traceparent(text: &str, complaints: &mut Vec<String>) -> Option<String> {
    if !context::is_traceparent(text) {
        complaints
            .push(format!("{} is not a traceparent of W3C Trace Context; ignored", quote(text)));
        return None;
    }
    Some(text.to_owned())
}

/// A `tracestate`; one bad member discards all of it.
pub(in crate::config) fn tracestate(text: &str, complaints: &mut Vec<String>) -> Option<String> {
    if !context::is_tracestate(text) {
        complaints
            .push(format!("{} is not a tracestate of W3C Trace Context; ignored", quote(text)));
        return None;
    }
    Some(text.to_owned())
}

/// W3C Baggage. Its members are another's data, so that a complaint shows none.
pub(in crate::config) fn baggage(text: &str, complaints: &mut Vec<String>) -> Option<String> {
    if !context::is_baggage(text) {
        complaints.push("no member is one of W3C Baggage; ignored".to_owned());
        return None;
    }
    Some(text.to_owned())
}
