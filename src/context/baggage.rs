//! W3C Baggage: the host's own key-value pairs, sent along with each call.
//!
//! Properties (what follows a `;`) are accepted and dropped: nothing in the façade could read or
//! set them, and the recommendation lets a receiver remove what it likes.

use super::OWS;

/// The recommendation's minimum, taken as the maximum; so is the next.
const MAX_MEMBERS: usize = 64;
/// Of the header, commas included.
const MAX_LENGTH: usize = 8192;

/// Reads header lines. Invalid members are skipped; of a key that stands twice the last value
/// counts; what lies beyond a limit is dropped.
#[derive(Default)]
pub(super) struct Lines {
    entries: Vec<(String, String)>,
    /// As received or as it will be written, whichever is longer, with a comma after each member.
    length: usize,
}

impl Lines {
    pub(super) fn add(&mut self, line: &str) {
        for member in line.split(',') {
            self.length += member.len() + 1;
            if self.length > MAX_LENGTH + 1 {
                return;
            }
            let Some((key, value)) = parse(member) else {
                continue;
            };
            self.length += written_length(key, &value).saturating_sub(member.len());
            if self.length <= MAX_LENGTH + 1 {
                set(&mut self.entries, key, value);
            }
        }
    }

    /// Decoded, in order, with unique keys.
    pub(super) fn finish(self) -> Vec<(String, String)> {
        self.entries
    }
}

/// One header's value, within both limits if the entries came from here.
pub(super) fn write(entries: &[(String, String)]) -> String {
    let mut header = String::new();
    for (key, value) in entries {
        if !header.is_empty() {
            header.push(',');
        }
        header.push_str(key);
        header.push('=');
        encode(value, &mut header);
    }
    header
}

/// Whether the key is valid and the limits leave room for the entry.
pub(super) fn admits(entries: &[(String, String)], key: &str, value: &str) -> bool {
    let others = || entries.iter().filter(|(other, _)| other != key);
    let length: usize = others().map(|(key, value)| written_length(key, value) + 1).sum();
    is_key(key)
        && others().count() < MAX_MEMBERS
        && length + written_length(key, value) <= MAX_LENGTH
}

/// Replaces the value under a key, or appends the entry if there is room.
pub(super) fn set(entries: &mut Vec<(String, String)>, key: &str, value: String) {
    if let Some((_, old)) = entries.iter_mut().find(|(other, _)| other == key) {
        *old = value;
    } else if entries.len() < MAX_MEMBERS {
        entries.push((key.to_owned(), value));
    }
}

fn parse(member: &str) -> Option<(&str, String)> {
    let (entry, _properties) = member.split_once(';').unwrap_or((member, ""));
    let (key, value) = entry.split_once('=')?;
    let (key, value) = (key.trim_matches(OWS), value.trim_matches(OWS));
    (is_key(key) && value.bytes().all(is_octet)).then(|| (key, decode(value)))
}

/// HTTP's `token`; case counts.
fn is_key(key: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !key.is_empty() && key.bytes().all(token)
}

/// `baggage-octet`: no controls, white space, quote, comma, semicolon or backslash.
const fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

/// What a value may contain as it is: the percent sign starts an escape.
const fn is_literal(byte: u8) -> bool {
    is_octet(byte) && byte != b'%'
}

fn written_length(key: &str, value: &str) -> usize {
    let value: usize = value.bytes().map(|byte| if is_literal(byte) { 1 } else { 3 }).sum();
    key.len() + 1 + value
}

fn encode(value: &str, header: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if is_literal(byte) {
            header.push(char::from(byte));
        } else {
            header.push('%');
            header.push(char::from(DIGITS[usize::from(byte >> 4)]));
            header.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

/// A percent sign without two digits stands for itself; what is not UTF-8 becomes U+FFFD, as the
/// recommendation demands.
fn decode(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, tail) = escape(rest).unwrap_or((*first, tail));
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The byte that an escape stands for, and what follows it.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, tail @ ..] = text else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
    Some((byte, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<(String, String)> {
        let mut entries = Lines::default();
        lines.into_iter().for_each(|line| entries.add(line));
        entries.finish()
    }

    fn owned(entries: &[(&str, &str)]) -> Vec<(String, String)> {
        entries.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    #[test]
    fn valid_members_are_read() {
        for (lines, entries) in [
            (&["SomeKey=SomeValue"][..], &[("SomeKey", "SomeValue")][..]),
            (&["k=v,k2=v2"], &[("k", "v"), ("k2", "v2")]),
            (&["k \t = \t v \t , \t k2 \t = \t v2 \t "], &[("k", "v"), ("k2", "v2")]),
            (
                &["userId=alice", "serverNode=DF%2028"],
                &[("userId", "alice"), ("serverNode", "DF 28")],
            ),
            (&["k=v;p,k2=v2;p2=x;p3"], &[("k", "v"), ("k2", "v2")]),
            (&["k \t = \t v \t ; \t p \t = \t x \t , k2=v2 ; p2"], &[("k", "v"), ("k2", "v2")]),
            (&["k=v;\"odd\" property"], &[("k", "v")]),
            (&["k=v=w="], &[("k", "v=w=")]),
            (&["k="], &[("k", "")]),
            (&["%6b=v"], &[("%6b", "v")]),
            (
                &["k=%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E%26%2A%28%29"],
                &[("k", "\t \"';=asdf!@#$%^&*()")],
            ),
            (&["k=Am%C3%A9lie,k2=%c3%a9"], &[("k", "Amélie"), ("k2", "é")]),
            (&["k=50%,k2=%zz%4,k3=%%41"], &[("k", "50%"), ("k2", "%zz%4"), ("k3", "%A")]),
            (&["k=a%FFb"], &[("k", "a\u{fffd}b")]),
            (&["k=a+b"], &[("k", "a+b")]),
            (&["k=1,K=2"], &[("k", "1"), ("K", "2")]),
            (&["k=1,other=2", "k=3"], &[("k", "3"), ("other", "2")]),
        ] {
            assert_eq!(read(lines.iter().copied()), owned(entries), "{lines:?}");
        }
    }

    #[test]
    fn invalid_members_are_skipped_alone() {
        for member in [
            "", " ", "v", "=v", " =v", "ke y=v", "k(=v", "ké=v", "k;p=v", "k=a b", "k=a\tb",
            "k=\"v\"", "k=a\\b", "k=é", "k=\u{7f}", "k=\0",
        ] {
            let line = format!("first=1,{member},last=2");
            assert_eq!(read([&*line]), owned(&[("first", "1"), ("last", "2")]), "{member:?}");
        }
    }

    #[test]
    fn written_with_the_fewest_escapes() {
        let literal: String = ('!'..='~').filter(|c| !"\",;\\%".contains(*c)).collect();
        assert_eq!(write(&owned(&[("k", &literal)])), format!("k={literal}"));
        assert_eq!(
            write(&owned(&[("a", " \t\",;\\%"), ("b", "é\0"), ("c", "")])),
            "a=%20%09%22%2C%3B%5C%25,b=%C3%A9%00,c="
        );
    }

    #[test]
    fn limits_of_reading_are_exact() {
        let numbered: Vec<_> = (0..70).map(|n| format!("k{n}={n}")).collect();
        let entries = read([&*numbered.join(","), "k0=again"]);
        assert_eq!(entries.len(), 64);
        assert_eq!(entries.first(), Some(&("k0".into(), "again".into())));
        assert_eq!(entries.last(), Some(&("k63".into(), "63".into())));

        let long = |length: usize| format!("k={}", "v".repeat(length - 2));
        assert_eq!(read([&*long(8192)]).len(), 1);
        assert_eq!(read([&*long(8193)]).len(), 0);
        assert_eq!(read([&*long(8188), "a=1"]).len(), 2);
        assert_eq!(read([&*long(8189), "a=1"]).len(), 1);
    }

    #[test]
    fn what_grows_in_writing_still_fits() {
        let entries = read([&*format!("k={},a=1", "%FF".repeat(2000))]);
        assert!(write(&entries).len() <= 8192, "{}", entries.len());
        assert_eq!(read([&*format!("k={},a=1", "%FF".repeat(900))]).len(), 2);
    }

    #[test]
    fn admission_counts_the_header_as_written() {
        let full = owned(&[("k", &"v".repeat(8190 - 4))]);
        assert!(admits(&full, "a", "1"));
        assert!(!admits(&full, "a", "12"));
        assert!(!admits(&full, "a", " "));
        assert!(admits(&full, "k", &"v".repeat(8190)));
        assert!(!admits(&full, "k", &"v".repeat(8191)));

        let many: Vec<_> = (0..64).map(|n| (format!("k{n}"), String::new())).collect();
        assert!(!admits(&many, "k64", ""));
        assert!(admits(&many, "k63", "new"));
        for key in ["", " ", "a b", "a=b", "a,b", "é", "a\n"] {
            assert!(!admits(&[], key, "v"), "{key:?}");
        }
    }
}
