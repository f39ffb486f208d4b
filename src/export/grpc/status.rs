//! The status that ends each call: its code, its words, and how long to wait.

use std::time::Duration;

use http::HeaderMap;

use super::super::protobuf::{Fields, Value};

/// What a code means for a frame, as the OTLP specification has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Done,
    /// Send it again; `sent` tells whether the peer may have it all the same.
    Retry {
        sent: bool,
    },
    /// Send it again only where the peer says when.
    RetryIfTold,
    Refused,
}

/// By number.
const CODES: [(&str, Meaning); 17] = [
    ("OK", Meaning::Done),
    ("CANCELLED", Meaning::Retry { sent: true }),
    ("UNKNOWN", Meaning::Refused),
    ("INVALID_ARGUMENT", Meaning::Refused),
    ("DEADLINE_EXCEEDED", Meaning::Retry { sent: true }),
    ("NOT_FOUND", Meaning::Refused),
    ("ALREADY_EXISTS", Meaning::Refused),
    ("PERMISSION_DENIED", Meaning::Refused),
    ("RESOURCE_EXHAUSTED", Meaning::RetryIfTold),
    ("FAILED_PRECONDITION", Meaning::Refused),
    ("ABORTED", Meaning::Retry { sent: true }),
    ("OUT_OF_RANGE", Meaning::Retry { sent: true }),
    ("UNIMPLEMENTED", Meaning::Refused),
    ("INTERNAL", Meaning::Refused),
    ("UNAVAILABLE", Meaning::Retry { sent: false }),
    ("DATA_LOSS", Meaning::Retry { sent: true }),
    ("UNAUTHENTICATED", Meaning::Refused),
];

/// What a peer said at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    code: u32,
    /// Not yet fit to be shown.
    pub(super) words: Vec<u8>,
    /// What it asked for, not yet capped; it may be nothing.
    pub(super) pause: Option<Duration>,
}

impl Status {
    /// `None` where the headers have none.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let code = headers.get("grpc-status")?.to_str().ok()?.parse().ok()?;
        let words = headers.get("grpc-message");
        let words = words.map(|words| percent_decode(words.as_bytes())).unwrap_or_default();
        let details = headers.get("grpc-status-details-bin");
        let details = details.and_then(|details| base64(details.as_bytes()));
        Some(Self { code, words, pause: details.as_deref().and_then(pause) })
    }

    pub(super) fn meaning(&self) -> Meaning {
        self.known().map_or(Meaning::Refused, |(_, meaning)| *meaning)
    }

    /// Its name, or its number.
    pub(super) fn name(&self) -> String {
        self.known().map_or_else(|| format!("status {}", self.code), |(name, _)| (*name).to_owned())
    }

    /// It may be that the message was too large: what gRPC's own libraries say for that is all there is.
    pub(super) fn is_too_large(&self) -> bool {
        let words = String::from_utf8_lossy(&self.words);
        self.meaning() == Meaning::RetryIfTold
            && self.pause.is_none()
            && ["larger than max", "exceeds maximum size", "too large"]
                .iter()
                .any(|known| words.contains(known))
    }

    fn known(&self) -> Option<&'static (&'static str, Meaning)> {
        CODES.get(usize::try_from(self.code).ok()?)
    }
}

/// What is no escape stays as it is.
fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let escaped = after.split_at_checked(2).filter(|_| *byte == b'%');
        let escaped = escaped.and_then(|(digits, after)| {
            digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
            let digits = std::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let (next, after) = escaped.unwrap_or((*byte, after));
        decoded.push(next);
        rest = after;
    }
    decoded
}

/// With or without padding, as gRPC's binary headers come.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.strip_suffix(b"=").unwrap_or(text);
    let text = text.strip_suffix(b"=").unwrap_or(text);
    let mut decoded = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            decoded.push((held >> bits) as u8);
        }
    }
    Some(decoded)
}

/// `RetryInfo` among the details of a `google.rpc.Status`.
fn pause(status: &[u8]) -> Option<Duration> {
    Fields::of(status).find_map(|field| match field? {
        (3, Value::Bytes(detail)) => retry_info(detail),
        _ => None,
    })
}

/// A `google.protobuf.Any` that is one.
fn retry_info(detail: &[u8]) -> Option<Duration> {
    let (mut kind, mut inside) = (&[][..], None);
    for field in Fields::of(detail) {
        match field? {
            (1, Value::Bytes(url)) => kind = url,
            (2, Value::Bytes(value)) => inside = Some(value),
            _ => {}
        }
    }
    kind.ends_with(b"/google.rpc.RetryInfo").then_some(())?;
    let delay = Fields::of(inside.unwrap_or_default()).find_map(|field| match field? {
        (1, Value::Bytes(delay)) => Some(delay),
        _ => None,
    });
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields::of(delay.unwrap_or_default()) {
        match field? {
            (1, Value::Varint(value)) => seconds = value,
            (2, Value::Varint(value)) => nanos = value,
            _ => {}
        }
    }
    // A time in the past is none.
    let seconds = i64::try_from(seconds).unwrap_or_default();
    let nanos =
        u32::try_from(nanos).ok().filter(|nanos| *nanos < 1_000_000_000).unwrap_or_default();
    Some(Duration::new(u64::try_from(seconds).unwrap_or_default(), nanos))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::encode::json::Writer;

    fn encoded(bytes: &[u8]) -> String {
        let mut writer = Writer::default();
        writer.base64(bytes);
        String::from_utf8(writer.take().to_vec()).unwrap().trim_matches('"').to_owned()
    }

    fn status(code: &str, message: &str, details: &[u8]) -> Option<Status> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from_str(code).unwrap());
        headers.insert("grpc-message", HeaderValue::from_str(message).unwrap());
        headers.insert("grpc-status-details-bin", encoded(details).parse().unwrap());
        Status::of(&headers)
    }

    /// `RetryInfo` with this duration, in an `Any`, in a `Status`.
    fn retry_info(duration: &[u8]) -> Vec<u8> {
        let block = |tag: u8, inside: &[u8]| {
            [&[tag, u8::try_from(inside.len()).unwrap()][..], inside].concat()
        };
        let info = block(0x0a, duration);
        let url = block(0x0a, b"type.googleapis.com/google.rpc.RetryInfo");
        let other = block(0x1a, &block(0x0a, b"type.googleapis.com/google.rpc.ErrorInfo"));
        [&[8, 8][..], &other, &block(0x1a, &[url, block(0x12, &info)].concat())].concat()
    }

    #[test]
    fn a_pause_is_read_from_the_details() {
        let pause = |duration: &[u8]| status("8", "", &retry_info(duration)).unwrap().pause;
        assert_eq!(pause(&[8, 3]), Some(Duration::from_secs(3)));
        assert_eq!(pause(&[8, 3, 16, 0x80, 0x84, 0xaf, 0x5f]), Some(Duration::from_millis(3200)));
        assert_eq!(pause(&[]), Some(Duration::ZERO));
        // Minus one.
        let minus = [8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(pause(&minus), Some(Duration::ZERO));
        assert_eq!(status("8", "", &[8, 8]).unwrap().pause, None);
        assert_eq!(status("8", "", b"\x1a\x7f").unwrap().pause, None, "cut off");
    }

    #[test]
    fn words_and_names() {
        let status = status("16", "no%20such%20token%21 100%", &[]).unwrap();
        assert_eq!(status.words, b"no such token! 100%");
        assert_eq!(status.name(), "UNAUTHENTICATED");
        let unknown = super::Status { code: 99, words: Vec::new(), pause: None };
        assert_eq!((unknown.name().as_str(), unknown.meaning()), ("status 99", Meaning::Refused));
        assert_eq!(Status::of(&HeaderMap::new()), None);
    }

    #[test]
    fn too_large_is_known_by_its_words() {
        let said = |code, words| status(code, words, &[]).unwrap().is_too_large();
        assert!(said("8", "grpc: received message larger than max (5000000 vs. 4194304)"));
        assert!(!said("8", "quota exceeded"));
        assert!(!said("3", "larger than max"));
    }

    proptest! {
        #[test]
        fn base64_is_undone(bytes: Vec<u8>) {
            let text = encoded(&bytes);
            prop_assert_eq!(base64(text.as_bytes()), Some(bytes.clone()));
            prop_assert_eq!(base64(text.trim_end_matches('=').as_bytes()), Some(bytes));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = (percent_decode(&bytes), base64(&bytes), pause(&bytes), super::retry_info(&bytes));
        }
    }
}
