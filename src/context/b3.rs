//! B3, as Zipkin's libraries send it: in one header, or in several.

use super::OWS;
use super::hex;
use super::parent::{Parent, SAMPLED};
use crate::telemetry::Extract;

const SINGLE: &str = "b3";
const TRACE_ID: &str = "x-b3-traceid";
const SPAN_ID: &str = "x-b3-spanid";
const IS_SAMPLED: &str = "x-b3-sampled";
const FLAGS: &str = "x-b3-flags";

/// The header of one.
pub(super) const OF_ONE: [&str; 1] = [SINGLE];
/// The headers of several. The caller's own parent is no business of ours, and is not sent.
pub(super) const OF_SEVERAL: [&str; 4] = [TRACE_ID, SPAN_ID, IS_SAMPLED, FLAGS];

/// The remote parent, and whether its trace is to be debugged. One header wins over several.
pub(super) fn read(carrier: &(impl Extract + ?Sized)) -> Option<(Parent, bool)> {
    carrier.get(SINGLE).and_then(of_one).or_else(|| of_several(carrier))
}

/// `{trace id}-{span id}[-{state}[-{parent span id}]]`; without ids, as in `0`, it is no parent.
fn of_one(value: &str) -> Option<(Parent, bool)> {
    let mut parts = value.trim_matches(OWS).split('-');
    let (trace, span) = (parts.next()?, parts.next()?);
    let (sampled, debug) = match parts.next() {
        None | Some("0") => (false, false),
        Some("1") => (true, false),
        Some("d") => (true, true),
        Some(_) => return None,
    };
    if let Some(parent) = parts.next() {
        hex::exact(parent, 16)?;
    }
    if parts.next().is_some() {
        return None;
    }
    Some((parent(trace, span, sampled)?, debug))
}

fn of_several(carrier: &(impl Extract + ?Sized)) -> Option<(Parent, bool)> {
    let get = |name| carrier.get(name).map(|value| value.trim_matches(OWS));
    let (trace, span) = (get(TRACE_ID)?, get(SPAN_ID)?);
    let debug = get(FLAGS) == Some("1");
    // Old libraries say it in a word.
    let sampled =
        get(IS_SAMPLED).is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"));
    Some((parent(trace, span, sampled || debug)?, debug))
}

/// A trace id of 64 bits has zeros before it.
fn parent(trace: &str, span: &str, sampled: bool) -> Option<Parent> {
    let trace = hex::exact(trace, 32).or_else(|| hex::exact(trace, 16))?;
    let span = u64::try_from(hex::exact(span, 16)?).ok()?;
    let flags = if sampled { SAMPLED } else { 0 };
    let parent = Parent { trace, span, flags, remote: true, extra: None };
    parent.has_span().then_some(parent)
}

/// Hands over the one header.
pub(super) fn write_one(parent: &Parent, set: &mut dyn FnMut(&str, &str)) {
    let state = match (parent.is_debugged(), parent.place().sampled()) {
        (true, _) => 'd',
        (_, true) => '1',
        _ => '0',
    };
    set(SINGLE, &format!("{:032x}-{:016x}-{state}", parent.trace, parent.span));
}

/// Hands over the several headers. A debugged trace is sampled, which is not said again.
pub(super) fn write_several(parent: &Parent, set: &mut dyn FnMut(&str, &str)) {
    set(TRACE_ID, &format!("{:032x}", parent.trace));
    set(SPAN_ID, &format!("{:016x}", parent.span));
    match parent.is_debugged() {
        true => set(FLAGS, "1"),
        false => set(IS_SAMPLED, if parent.place().sampled() { "1" } else { "0" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: u128 = 0x80f1_98ee_5634_3ba8_64fe_8b2a_57d3_eff7;
    const SPAN: u64 = 0xe457_b5a2_e4d8_6bd1;
    const IDS: &str = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1";

    fn several(headers: &[(&str, &str)]) -> Option<(Parent, bool)> {
        let owned = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        read(&owned.collect::<Vec<_>>())
    }

    #[test]
    fn one_header_is_read() {
        for (value, flags, debug) in [
            (IDS.to_owned(), 0, false),
            (format!("{IDS}-0"), 0, false),
            (format!(" {IDS}-1\t"), SAMPLED, false),
            (format!("{IDS}-d"), SAMPLED, true),
            (format!("{IDS}-1-05e3ac9a4f6e3b90"), SAMPLED, false),
        ] {
            let (parent, is_debugged) = several(&[("B3", &value)]).expect(&value);
            assert_eq!((parent.trace, parent.span, parent.flags), (TRACE, SPAN, flags), "{value}");
            assert_eq!((is_debugged, parent.remote), (debug, true), "{value}");
        }
        let (short, _) = several(&[("b3", "64fe8b2a57d3eff7-e457b5a2e4d86bd1-1")]).expect("short");
        assert_eq!(short.trace, 0x64fe_8b2a_57d3_eff7);
    }

    #[test]
    fn what_is_none_is_no_parent() {
        for value in [
            "",
            "0",
            "1",
            "d",
            "80f198ee56343ba864fe8b2a57d3eff7",
            "80f198ee56343ba864fe8b2a57d3eff7-",
            "80f198ee56343ba864fe8b2a57d3eff-e457b5a2e4d86bd1-1",
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd-1",
            "00000000000000000000000000000000-e457b5a2e4d86bd1-1",
            "80f198ee56343ba864fe8b2a57d3eff7-0000000000000000-1",
            "+0f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1",
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-",
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-2",
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-x",
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90-1",
            "80f198ee56343ba864fe8b2a57d3eff7é-e457b5a2e4d86bd1",
        ] {
            assert!(several(&[("b3", value)]).is_none(), "{value:?}");
        }
    }

    #[test]
    fn several_headers_are_read() {
        let ids =
            [("X-B3-TraceId", "80f198ee56343ba864fe8b2a57d3eff7"), ("X-B3-SpanId", &IDS[33..])];
        for (more, flags, debug) in [
            (&[][..], 0, false),
            (&[("X-B3-Sampled", "1")], SAMPLED, false),
            (&[("X-B3-Sampled", "true")], SAMPLED, false),
            (&[("X-B3-Sampled", "0")], 0, false),
            (&[("X-B3-Sampled", "d")], 0, false),
            (&[("X-B3-Flags", "1")], SAMPLED, true),
            (&[("X-B3-Flags", "0"), ("x-b3-sampled", "1")], SAMPLED, false),
            (&[("X-B3-ParentSpanId", "05e3ac9a4f6e3b90")], 0, false),
        ] {
            let (parent, is_debugged) = several(&[&ids, more].concat()).expect("both ids");
            assert_eq!((parent.trace, parent.span, parent.flags), (TRACE, SPAN, flags), "{more:?}");
            assert_eq!(is_debugged, debug, "{more:?}");
        }
        assert!(several(&ids[..1]).is_none() && several(&ids[1..]).is_none());
    }

    #[test]
    fn one_header_wins_over_several_where_it_is_good() {
        let several_of_it = [("X-B3-TraceId", "0000000000000001"), ("X-B3-SpanId", &IDS[33..])];
        let with = |one| several(&[&several_of_it[..], &[("b3", one)]].concat()).expect("one is");
        assert_eq!(with(IDS).0.trace, TRACE);
        assert_eq!(with("nonsense").0.trace, 1);
    }
}
