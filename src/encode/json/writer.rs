//! JSON, written front to back.

use std::io::Write as _;

const HEX: &[u8; 16] = b"0123456789abcdef";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A text under way. Commas are its business, the nesting is the caller's.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
    /// Something stands before, on this level.
    needs_comma: bool,
}

impl Writer {
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.needs_comma = false;
        std::mem::take(&mut self.out)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// `{` or `[`.
    pub(crate) fn open(&mut self, bracket: u8) {
        self.separate();
        self.out.push(bracket);
        self.needs_comma = false;
    }

    /// `}` or `]`.
    pub(crate) fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.needs_comma = true;
    }

    pub(crate) fn object(&mut self, write: impl FnOnce(&mut Self)) {
        self.open(b'{');
        write(self);
        self.close(b'}');
    }

    /// The name of what follows, one of ours.
    pub(crate) fn key(&mut self, name: &'static str) {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.needs_comma = false;
    }

    /// A list of so many; none is left out.
    pub(crate) fn list<T>(
        &mut self,
        name: &'static str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_some() {
            self.key(name);
            self.open(b'[');
            items.for_each(|item| write(self, item));
            self.close(b']');
        }
    }

    /// A text, unless it is empty.
    pub(crate) fn text(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            self.key(name);
            self.string(text);
        }
    }

    /// A number of 32 bits or less, unless it is 0.
    pub(crate) fn small(&mut self, name: &'static str, number: impl Into<i64>) {
        let number = number.into();
        if number != 0 {
            self.key(name);
            self.number(number);
        }
    }

    /// A number of 64 bits, unless it is 0.
    pub(crate) fn large(&mut self, name: &'static str, number: u64) {
        if number != 0 {
            self.key(name);
            self.quoted(number);
        }
    }

    pub(crate) fn trace_id(&mut self, name: &'static str, id: u128) {
        if id != 0 {
            self.key(name);
            self.hex(&id.to_be_bytes());
        }
    }

    pub(crate) fn span_id(&mut self, name: &'static str, id: u64) {
        if id != 0 {
            self.key(name);
            self.hex(&id.to_be_bytes());
        }
    }

    pub(crate) fn number(&mut self, number: i64) {
        self.separate();
        // A vector takes all that is written.
        let _ = write!(self.out, "{number}");
        self.needs_comma = true;
    }

    pub(crate) fn quoted(&mut self, number: impl std::fmt::Display) {
        self.separate();
        let _ = write!(self.out, "\"{number}\"");
        self.needs_comma = true;
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.separate();
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        self.needs_comma = true;
    }

    pub(crate) fn double(&mut self, value: f64) {
        self.separate();
        // Rust writes a finite number as JSON does, and what is none as the mapping asks for, but for
        // the infinities.
        let _ = match value {
            f64::INFINITY => write!(self.out, "\"Infinity\""),
            f64::NEG_INFINITY => write!(self.out, "\"-Infinity\""),
            value if value.is_nan() => write!(self.out, "\"NaN\""),
            value => write!(self.out, "{value:?}"),
        };
        self.needs_comma = true;
    }

    pub(crate) fn string(&mut self, text: &str) {
        self.separate();
        self.out.push(b'"');
        let mut plain = 0;
        let bytes = text.as_bytes();
        for (index, byte) in bytes.iter().enumerate() {
            let escaped: &[u8] = match byte {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                b'\t' => b"\\t",
                0..0x20 => b"\\u00",
                _ => continue,
            };
            self.out.extend_from_slice(&bytes[plain..index]);
            self.out.extend_from_slice(escaped);
            if escaped.len() > 2 {
                self.hex_digits(&[*byte]);
            }
            plain = index + 1;
        }
        self.out.extend_from_slice(&bytes[plain..]);
        self.out.push(b'"');
        self.needs_comma = true;
    }

    pub(crate) fn base64(&mut self, bytes: &[u8]) {
        self.separate();
        self.out.push(b'"');
        for chunk in bytes.chunks(3) {
            let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte))
                << (8 * (3 - chunk.len()));
            for place in 0..4 {
                let index = (group >> (18 - 6 * place)) & 63;
                let is_there = place <= chunk.len();
                self.out.push(if is_there { BASE64[index as usize] } else { b'=' });
            }
        }
        self.out.push(b'"');
        self.needs_comma = true;
    }

    fn hex(&mut self, bytes: &[u8]) {
        self.separate();
        self.out.push(b'"');
        self.hex_digits(bytes);
        self.out.push(b'"');
        self.needs_comma = true;
    }

    fn hex_digits(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.out.push(HEX[usize::from(byte >> 4)]);
            self.out.push(HEX[usize::from(byte & 15)]);
        }
    }

    /// What another one has written; it may end with an open bracket.
    pub(crate) fn fragment(&mut self, written: &[u8]) {
        self.separate();
        self.out.extend_from_slice(written);
        self.needs_comma = !matches!(written.last(), Some(b'[' | b'{'));
    }

    fn separate(&mut self) {
        if self.needs_comma {
            self.out.push(b',');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer)) -> String {
        let mut writer = Writer::default();
        write(&mut writer);
        String::from_utf8(writer.take()).unwrap()
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(
            written(|out| out.string("a\"\\\n\u{1}\u{1f}é\u{2028}")),
            "\"a\\\"\\\\\\n\\u0001\\u001fé\u{2028}\""
        );
    }

    #[test]
    fn doubles_are_numbers_or_names() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e300, "1e300"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (f64::NAN, "\"NaN\""),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ] {
            assert_eq!(written(|out| out.double(value)), text);
        }
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        for (text, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(written(|out| out.base64(text.as_bytes())), format!("\"{encoded}\""));
        }
        assert_eq!(written(|out| out.base64(&[0xfb, 0xff])), "\"+/8=\"");
    }
}
