//! `uber-trace-id`, as Jaeger's old libraries send it.
//!
//! Their baggage is a header for each entry, `uberctx-<key>`; a carrier cannot be asked for names that nobody
//! knows, so that it is not read.

use std::borrow::Cow;

use super::OWS;
use super::hex;
use super::parent::{Parent, SAMPLED};
use crate::telemetry::Extract;

const HEADER: &str = "uber-trace-id";

/// All its headers.
pub(super) const HEADERS: [&str; 1] = [HEADER];

const IS_SAMPLED: u128 = 1;
const IS_DEBUGGED: u128 = 2;

/// The remote parent, and whether its trace is to be debugged.
pub(super) fn read(carrier: &(impl Extract + ?Sized)) -> Option<(Parent, bool)> {
    parse(carrier.get(HEADER)?)
}

/// `{trace id}:{span id}:{parent span id}:{flags}`, leading zeros left out or not; the colons may be percent-encoded.
fn parse(value: &str) -> Option<(Parent, bool)> {
    let value = match value.contains('%') {
        true => Cow::Owned(value.replace("%3A", ":").replace("%3a", ":")),
        false => Cow::Borrowed(value),
    };
    let mut parts = value.trim_matches(OWS).split(':');
    let trace = hex::up_to(parts.next()?, 32)?;
    let span = u64::try_from(hex::up_to(parts.next()?, 16)?).ok()?;
    // Deprecated, and never looked at.
    parts.next()?;
    let flags = hex::up_to(parts.next()?, 2)?;
    if parts.next().is_some() {
        return None;
    }
    let debug = flags & IS_DEBUGGED != 0;
    let sampled = debug || flags & IS_SAMPLED != 0;
    let flags = if sampled { SAMPLED } else { 0 };
    let parent = Parent { trace, span, flags, remote: true, extra: None };
    parent.has_span().then_some((parent, debug))
}

/// Hands over the header.
pub(super) fn write(parent: &Parent, set: &mut dyn FnMut(&str, &str)) {
    let flags = match (parent.is_debugged(), parent.place().sampled()) {
        (true, _) => IS_SAMPLED | IS_DEBUGGED,
        (_, true) => IS_SAMPLED,
        _ => 0,
    };
    set(HEADER, &format!("{:032x}:{:016x}:0:{flags:x}", parent.trace, parent.span));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_jaeger_sends_are_read() {
        for (value, trace, span, flags, debug) in [
            ("1234:56:0:1", 0x1234, 0x56, SAMPLED, false),
            ("1234:56:0:0", 0x1234, 0x56, 0, false),
            ("1234:56:0:3", 0x1234, 0x56, SAMPLED, true),
            ("1234:56:0:2", 0x1234, 0x56, SAMPLED, true),
            ("1234%3A56%3a0%3A1", 0x1234, 0x56, SAMPLED, false),
            (" ABCD:ef:1:01 ", 0xabcd, 0xef, SAMPLED, false),
            (
                "80f198ee56343ba864fe8b2a57d3eff7:e457b5a2e4d86bd1:05e3ac9a4f6e3b90:9",
                0x80f1_98ee_5634_3ba8_64fe_8b2a_57d3_eff7,
                0xe457_b5a2_e4d8_6bd1,
                SAMPLED,
                false,
            ),
        ] {
            let (parent, is_debugged) = parse(value).expect(value);
            assert_eq!((parent.trace, parent.span, parent.flags), (trace, span, flags), "{value}");
            assert_eq!((is_debugged, parent.remote), (debug, true), "{value}");
        }
    }

    #[test]
    fn what_is_none_is_no_parent() {
        for value in [
            "",
            ":::",
            "1234",
            "1234:56",
            "1234:56:0",
            "1234:56:0:",
            "1234:56:0:1:",
            "0:56:0:1",
            "1234:0:0:1",
            "x:56:0:1",
            "+1234:56:0:1",
            "1234:56:0:100",
            "180f198ee56343ba864fe8b2a57d3eff7:1:0:1",
            "1:1e457b5a2e4d86bd1:0:1",
            "1234:56:0:é",
        ] {
            assert!(parse(value).is_none(), "{value:?}");
        }
    }
}
