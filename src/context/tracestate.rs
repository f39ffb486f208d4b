//! `tracestate`: other vendors' places in the trace, checked and passed on as they are.

use super::OWS;

const MAX_MEMBERS: usize = 32;
/// For one key, and for one value.
const MAX_CHARACTERS: usize = 256;
/// W3C asks for 512 at least; what is longer than this is discarded whole, never truncated.
const MAX_LENGTH: usize = 8192;

/// Combines header lines, in order, into one value without empty members and white space around
/// members. One invalid member, or a key that stands twice, discards all of it.
#[derive(Default)]
pub(super) struct Lines {
    combined: String,
    members: usize,
    /// As received, with a comma after each line.
    length: usize,
    discarded: bool,
}

impl Lines {
    pub(super) fn add(&mut self, line: &str) {
        self.length += line.len() + 1;
        self.discarded = self.discarded
            || self.length > MAX_LENGTH + 1
            || !line.split(',').all(|member| self.accept(member.trim_matches(OWS)));
    }

    /// Empty where there is nothing to pass on.
    pub(super) fn finish(self) -> String {
        if self.discarded { String::new() } else { self.combined }
    }

    fn accept(&mut self, member: &str) -> bool {
        if member.is_empty() {
            return true;
        }
        let Some((key, value)) = member.split_once('=') else {
            return false;
        };
        if self.members == MAX_MEMBERS || !is_key(key) || !is_value(value) || self.has(key) {
            return false;
        }
        if self.members > 0 {
            self.combined.push(',');
        }
        self.combined.push_str(member);
        self.members += 1;
        true
    }

    fn has(&self, key: &str) -> bool {
        self.combined
            .split(',')
            .any(|member| member.split_once('=').is_some_and(|(other, _)| other == key))
    }
}

/// Level 2's grammar, which takes all that level 1's simple and multi-tenant keys are.
fn is_key(key: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    key.len() <= MAX_CHARACTERS
        && key.as_bytes().first().is_some_and(plain)
        && key.as_bytes().iter().all(|byte| plain(byte) || b"_-*/@".contains(byte))
}

/// Printable ASCII without `,` and `=`. Leading spaces belong to the value; trailing ones do not,
/// and went with the white space around the member.
fn is_value(value: &str) -> bool {
    (1..=MAX_CHARACTERS).contains(&value.len())
        && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn combine<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
        let mut combined = Lines::default();
        lines.into_iter().for_each(|line| combined.add(line));
        combined.finish()
    }

    #[test]
    fn valid_lists_are_combined() {
        for (lines, combined) in [
            (&["foo=1"][..], "foo=1"),
            (&["foo=1,bar=2"], "foo=1,bar=2"),
            (&["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], "foo=1,bar=2,rojo=1,congo=2,baz=3"),
            (&[""], ""),
            (&[" \t"], ""),
            (&["foo=1", ""], "foo=1"),
            (&["", "foo=1"], "foo=1"),
            (&["foo=1,,bar=2,"], "foo=1,bar=2"),
            (&["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
            (&["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], "foo=1,bar=2,baz=3"),
            (&["\t foo=1 \t"], "foo=1"),
            (&["foo= 1"], "foo= 1"),
            (&["fw529a3039@dt=FfAAAA"], "fw529a3039@dt=FfAAAA"),
            // Level 2 knows no parts of a key.
            (&["foo@=1,0foo=2"], "foo@=1,0foo=2"),
            (&["foo@@bar=1"], "foo@@bar=1"),
            (&["foo@bar@baz=1"], "foo@bar@baz=1"),
        ] {
            assert_eq!(combine(lines.iter().copied()), combined, "{lines:?}");
        }
    }

    #[test]
    fn an_invalid_member_discards_all() {
        for lines in [
            &["foo=1,foo=1"][..],
            &["foo=1,foo=2"],
            &["foo=1", "foo=1"],
            &["foo=1", "bar=2", "foo=2"],
            &["foo =1"],
            &["foo\t=1"],
            &["FOO=1"],
            &["foo.bar=1"],
            &["fóo=1"],
            &["@foo=1,bar=2"],
            &["_foo=1,bar=2"],
            &["=1,bar=2"],
            &["foo,bar=2"],
            &["foo=,bar=3"],
            &["foo= ,bar=3"],
            &["foo=bar=baz"],
            &["foo=b\tr,bar=3"],
            &["foo=b\u{7f}r"],
            &["foo=bär"],
            &["bar=3", "foo;1", "baz=4"],
        ] {
            assert_eq!(combine(lines.iter().copied()), "", "{lines:?}");
        }
    }

    #[test]
    fn all_allowed_characters_pass() {
        let value: String = (' '..='~').filter(|c| !",=".contains(*c)).collect();
        for key in ["abcdefghijklmnopqrstuvwxyz0123456789_-*/", "0@a-z0-9_-*/"] {
            let member = format!("{key}={value}");
            assert_eq!(combine([&*member]), member);
        }
    }

    #[test]
    fn limits_are_exact() {
        let numbered = |count: usize| {
            (1..=count).map(|n| format!("bar{n:02}={n:02}")).collect::<Vec<_>>().join(",")
        };
        assert_eq!(combine([&*numbered(32)]), numbered(32));
        assert_eq!(combine([&*numbered(33)]), "");
        assert_eq!(combine([&*numbered(32), "", " , "]), numbered(32));

        for (key, value, valid) in
            [(256, 1, true), (257, 1, false), (1, 256, true), (1, 257, false)]
        {
            let member = format!("{}={}", "z".repeat(key), "v".repeat(value));
            assert_eq!(combine(["foo=1", &*member]).len() > 5, valid, "{key} {value}");
            assert_eq!(combine(["foo=1", &*member]).is_empty(), !valid, "{key} {value}");
        }

        let padded = |length: usize| format!("foo=1{}", " ".repeat(length - 5));
        assert_eq!(combine([&*padded(8192)]), "foo=1");
        assert_eq!(combine([&*padded(8193)]), "");
        assert_eq!(combine([&*padded(4000), &*" ".repeat(4191)]), "foo=1");
        assert_eq!(combine([&*padded(4000), &*" ".repeat(4192)]), "");
    }

    #[test]
    fn what_w3c_asks_to_propagate_is_not_truncated() {
        let long: Vec<_> = (0..16).map(|n| format!("key{n:02}={}", "v".repeat(250))).collect();
        let long = long.join(",");
        assert!(long.len() > 512);
        assert_eq!(combine([&*long]), long);
    }
}
