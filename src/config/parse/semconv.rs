//! Which generation of the semantic conventions is meant.

use super::{members, quote};
use crate::telemetry::MetricNames;

/// Which names calls are measured under. The list is every instrumentation's: only what begins with `rpc` is ours.
pub(in crate::config) fn semconv(text: &str, complaints: &mut Vec<String>) -> Option<MetricNames> {
    let mut found = None;
    for member in members(text) {
        let word = member.to_ascii_lowercase();
        match word.as_str() {
            "rpc/dup" => found = Some(MetricNames::Both),
            "rpc" => found = found.or(Some(MetricNames::Semconv)),
            _ if word.starts_with("rpc") => {
                complaints.push(format!("{} is not one of rpc, rpc/dup; ignored", quote(member)));
            }
            _ => {}
        }
    }
    found
}
