//! `traceparent`: W3C Trace Context, levels 1 and 2.

use super::OWS;
use super::parent::{Parent, RANDOM, SAMPLED};

/// `00-<32 digits>-<16 digits>-<2 digits>`.
pub(super) const LENGTH: usize = 55;

/// The two lower-case digits of each byte.
const HEX: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    table
};

/// The remote parent that a header names; `None` means that the trace starts anew.
pub(super) fn parse(value: &str) -> Option<Parent> {
    let (head, rest) = value.trim_matches(OWS).as_bytes().split_first_chunk::<LENGTH>()?;
    let version = number(&head[..2])?;
    // A later version may append fields; it may not change these.
    let complete = match version {
        0x00 => rest.is_empty(),
        0xff => false,
        _ => matches!(rest, [] | [b'-', ..]),
    };
    if !complete || [head[2], head[35], head[52]] != [b'-'; 3] {
        return None;
    }
    let trace = u128::from(number(&head[3..19])?) << 64 | u128::from(number(&head[19..35])?);
    let span = number(&head[36..52])?;
    let flags = u8::try_from(number(&head[53..])?).ok()?;
    let parent = Parent { trace, span, flags, remote: true, extra: None };
    parent.has_span().then_some(parent)
}

/// Writes version 00, whatever was received, and of the flags only those that it knows.
pub(super) fn write<'a>(parent: &Parent, text: &'a mut [u8; LENGTH]) -> &'a str {
    *text = [b'-'; LENGTH];
    digits(&mut text[..2], &[0]);
    digits(&mut text[3..35], &parent.trace.to_be_bytes());
    digits(&mut text[36..52], &parent.span.to_be_bytes());
    digits(&mut text[53..], &[parent.flags & (SAMPLED | RANDOM)]);
    std::str::from_utf8(text).expect("hex digits and dashes are ASCII")
}

fn digits(text: &mut [u8], bytes: &[u8]) {
    for (pair, &byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&HEX[usize::from(byte)]);
    }
}

/// At most 16 digits; W3C forbids the upper case.
fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: u128 = 0x1234_5678_9012_3456_7890_1234_5678_9012;
    const SPAN: u64 = 0x1234_5678_9012_3456;

    #[test]
    fn valid_headers_give_ids_and_flags() {
        for (value, flags) in [
            ("00-12345678901234567890123456789012-1234567890123456-00", 0x00),
            ("00-12345678901234567890123456789012-1234567890123456-01", 0x01),
            ("00-12345678901234567890123456789012-1234567890123456-02", 0x02),
            ("00-12345678901234567890123456789012-1234567890123456-03", 0x03),
            ("00-12345678901234567890123456789012-1234567890123456-ff", 0xff),
            (" 00-12345678901234567890123456789012-1234567890123456-01", 0x01),
            ("\t00-12345678901234567890123456789012-1234567890123456-01", 0x01),
            ("00-12345678901234567890123456789012-1234567890123456-01 ", 0x01),
            ("00-12345678901234567890123456789012-1234567890123456-01\t", 0x01),
            ("\t 00-12345678901234567890123456789012-1234567890123456-01 \t", 0x01),
            ("01-12345678901234567890123456789012-1234567890123456-01", 0x01),
            ("cc-12345678901234567890123456789012-1234567890123456-01", 0x01),
            ("fe-12345678901234567890123456789012-1234567890123456-01", 0x01),
            ("cc-12345678901234567890123456789012-1234567890123456-01-", 0x01),
            ("cc-12345678901234567890123456789012-1234567890123456-01-what-will-be", 0x01),
            ("cc-12345678901234567890123456789012-1234567890123456-01-späť", 0x01),
        ] {
            let parent = parse(value).unwrap_or_else(|| panic!("{value:?} is valid"));
            assert_eq!(
                (parent.trace, parent.span, parent.flags),
                (TRACE, SPAN, flags),
                "{value:?}"
            );
            assert!(parent.remote);
        }
    }

    #[test]
    fn every_digit_counts() {
        let parent = parse("00-0123456789abcdeffedcba9876543210-fedcba9876543210-01").unwrap();
        assert_eq!(parent.trace, 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210);
        assert_eq!(parent.span, 0xfedc_ba98_7654_3210);
        assert!(parse("00-00000000000000000000000000000001-0000000000000001-00").is_some());
        assert!(parse("00-10000000000000000000000000000000-1000000000000000-00").is_some());
    }

    #[test]
    fn malformed_headers_start_a_new_trace() {
        for value in [
            "",
            " ",
            "00",
            "traceparent",
            // Version.
            "ff-12345678901234567890123456789012-1234567890123456-01",
            "ff-12345678901234567890123456789012-1234567890123456-01-more",
            ".0-12345678901234567890123456789012-1234567890123456-01",
            "0.-12345678901234567890123456789012-1234567890123456-01",
            "0-12345678901234567890123456789012-1234567890123456-01",
            "000-12345678901234567890123456789012-1234567890123456-01",
            "0000-12345678901234567890123456789012-1234567890123456-01",
            "CC-12345678901234567890123456789012-1234567890123456-01",
            "+0-12345678901234567890123456789012-1234567890123456-01",
            // What follows the flags.
            "00-12345678901234567890123456789012-1234567890123456-01.",
            "00-12345678901234567890123456789012-1234567890123456-01-",
            "00-12345678901234567890123456789012-1234567890123456-01-what-will-be",
            "cc-12345678901234567890123456789012-1234567890123456-01.what-will-be",
            "cc-12345678901234567890123456789012-1234567890123456-011",
            "cc-12345678901234567890123456789012-1234567890123456-01é",
            "00-12345678901234567890123456789012-1234567890123456-01,\
             00-12345678901234567890123456789012-1234567890123456-01",
            // Trace id.
            "00-00000000000000000000000000000000-1234567890123456-01",
            "00-.2345678901234567890123456789012-1234567890123456-01",
            "00-1234567890123456789012345678901.-1234567890123456-01",
            "00-1234567890123456789012345678901A-1234567890123456-01",
            "00-1234567890123456789012345678901g-1234567890123456-01",
            "00-123456789012345678901234567890123-1234567890123456-01",
            "00-1234567890123456789012345678901-1234567890123456-01",
            // Span id.
            "00-12345678901234567890123456789012-0000000000000000-01",
            "00-12345678901234567890123456789012-.234567890123456-01",
            "00-12345678901234567890123456789012-123456789012345.-01",
            "00-12345678901234567890123456789012-123456789012345F-01",
            "00-12345678901234567890123456789012-12345678901234567-01",
            "00-12345678901234567890123456789012-123456789012345-01",
            // Flags.
            "00-12345678901234567890123456789012-1234567890123456-.0",
            "00-12345678901234567890123456789012-1234567890123456-0.",
            "00-12345678901234567890123456789012-1234567890123456-0A",
            "00-12345678901234567890123456789012-1234567890123456-001",
            "00-12345678901234567890123456789012-1234567890123456-1",
            "00-12345678901234567890123456789012-1234567890123456-",
            "00-12345678901234567890123456789012-1234567890123456",
            // Separators, and white space that is none of HTTP's.
            "00_12345678901234567890123456789012-1234567890123456-01",
            "00-12345678901234567890123456789012_1234567890123456-01",
            "00-12345678901234567890123456789012-1234567890123456_01",
            "00 12345678901234567890123456789012 1234567890123456 01",
            "00-12345678901234567890123456789012-1234567890123456-01\n",
            "\u{a0}00-12345678901234567890123456789012-1234567890123456-01",
        ] {
            assert!(parse(value).is_none(), "{value:?} is malformed");
        }
    }

    #[test]
    fn written_as_version_00_with_known_flags() {
        let parent = Parent { trace: TRACE, span: 0xab, flags: 0xfd, ..Parent::root() };
        let mut text = [0; LENGTH];
        assert_eq!(
            write(&parent, &mut text),
            "00-12345678901234567890123456789012-00000000000000ab-01"
        );
    }
}
