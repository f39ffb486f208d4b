//! Reads the little JSON that a collector answers with.

/// Values within each other; what is deeper is taken for no JSON.
const MAX_DEPTH: usize = 32;

/// A value, as far as it is looked at.
#[derive(Debug, PartialEq)]
enum Value {
    /// In the order of the text.
    Object(Vec<(Vec<u8>, Self)>),
    Text(Vec<u8>),
    /// As it is written.
    Number(Vec<u8>),
    /// An array, a boolean, null.
    Other,
}

/// How many of the items a peer refused, and its words; the names are those of each signal's answer.
pub(super) fn partial_success(body: &[u8]) -> Option<(i64, Vec<u8>)> {
    let partial = read(body)?.take(b"partialSuccess")?;
    let Value::Object(members) = partial else { return None };
    let (mut rejected, mut message) = (0, Vec::new());
    for (name, value) in members {
        match (name.as_slice(), value) {
            (
                b"rejectedSpans" | b"rejectedDataPoints" | b"rejectedLogRecords",
                Value::Text(count) | Value::Number(count),
            ) => rejected = std::str::from_utf8(&count).ok()?.parse().ok()?,
            (b"errorMessage", Value::Text(text)) => message = text,
            _ => {}
        }
    }
    Some((rejected, message))
}

/// `message` of a `google.rpc.Status`; `None` where the body is something else.
pub(super) fn status_message(body: &[u8]) -> Option<Vec<u8>> {
    match read(body)?.take(b"message")? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn read(body: &[u8]) -> Option<Value> {
    let mut reader = Reader { rest: body };
    let value = reader.value(0)?;
    reader.skip_blanks();
    reader.rest.is_empty().then_some(value)
}

impl Value {
    fn take(self, name: &[u8]) -> Option<Self> {
        let Self::Object(members) = self else { return None };
        members.into_iter().rev().find(|(other, _)| other == name).map(|(_, value)| value)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    /// The next byte that is no blank.
    fn next(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.byte()
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.rest.first().copied()
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.text().map(Value::Text),
            b'-' | b'0'..=b'9' => Some(Value::Number(self.number())),
            _ => ["true", "false", "null"].iter().find_map(|word| {
                self.rest = self.rest.strip_prefix(word.as_bytes())?;
                Some(Value::Other)
            }),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        let mut members = Vec::new();
        self.next()?;
        if self.peek()? == b'}' {
            self.next();
            return Some(Value::Object(members));
        }
        loop {
            self.skip_blanks();
            let name = self.text()?;
            (self.next()? == b':').then_some(())?;
            members.push((name, self.value(depth + 1)?));
            match self.next()? {
                b',' => {}
                b'}' => return Some(Value::Object(members)),
                _ => return None,
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.next()?;
        if self.peek()? == b']' {
            self.next();
            return Some(Value::Other);
        }
        loop {
            self.value(depth + 1)?;
            match self.next()? {
                b',' => {}
                b']' => return Some(Value::Other),
                _ => return None,
            }
        }
    }

    fn number(&mut self) -> Vec<u8> {
        let is_of_it = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
        let length = self.rest.iter().take_while(|byte| is_of_it(byte)).count();
        let (number, rest) = self.rest.split_at(length);
        self.rest = rest;
        number.to_vec()
    }

    fn text(&mut self) -> Option<Vec<u8>> {
        (self.byte()? == b'"').then_some(())?;
        let mut text = Vec::new();
        loop {
            match self.byte()? {
                b'"' => return Some(text),
                b'\\' => {
                    let character = match self.byte()? {
                        b'b' => '\u{8}',
                        b'f' => '\u{c}',
                        b'n' => '\n',
                        b'r' => '\r',
                        b't' => '\t',
                        b'u' => self.escaped()?,
                        other @ (b'"' | b'\\' | b'/') => char::from(other),
                        _ => return None,
                    };
                    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                byte => text.push(byte),
            }
        }
    }

    /// What follows `\u`; half a pair becomes the sign for what cannot be read.
    fn escaped(&mut self) -> Option<char> {
        let first = self.unit()?;
        if (0xd800..0xdc00).contains(&first) && self.rest.starts_with(b"\\u") {
            self.rest = &self.rest[2..];
            let pair = [first, self.unit()?];
            return char::decode_utf16(pair).next()?.ok().or(Some(char::REPLACEMENT_CHARACTER));
        }
        Some(char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn unit(&mut self) -> Option<u16> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        let digits = std::str::from_utf8(digits).ok()?;
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
        u16::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn partial(text: &str) -> Option<(i64, String)> {
        let (rejected, message) = partial_success(text.as_bytes())?;
        Some((rejected, String::from_utf8(message).unwrap()))
    }

    #[test]
    fn partial_success_in_each_spelling() {
        let table = [
            (r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}"#, Some((3, "no"))),
            (r#"{"partialSuccess":{"rejectedDataPoints":3}}"#, Some((3, ""))),
            (" {\n\"partialSuccess\" : { \"rejectedLogRecords\":\t7 } } ", Some((7, ""))),
            (r#"{"partialSuccess":{}}"#, Some((0, ""))),
            (
                r#"{"partialSuccess":{"errorMessage":"a\"\u00e9\ud83d\ude00\ud83d"}}"#,
                Some((0, "a\"\u{e9}\u{1f600}\u{fffd}")),
            ),
            (
                r#"{"new":[1,{"x":null},[true,false]],"partialSuccess":{"rejectedSpans":1}}"#,
                Some((1, "")),
            ),
            ("{}", None),
            ("", None),
            (r#"{"partialSuccess":{"rejectedSpans":"3""#, None),
            (r#"{"partialSuccess":null}"#, None),
            (r#"{"partialSuccess":{}} trailing"#, None),
        ];
        for (text, expected) in table {
            let expected = expected.map(|(count, message)| (count, message.to_owned()));
            assert_eq!(partial(text), expected, "{text}");
        }
    }

    #[test]
    fn what_nests_for_ever_is_no_json() {
        assert_eq!(read(&b"[".repeat(1 << 20)), None);
        assert_eq!(read(&b"{\"a\":".repeat(1 << 16)), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_serde_writes_it(message in any::<String>(), code in any::<i32>()) {
            let body = serde_json::json!({ "code": code, "message": message }).to_string();
            prop_assert_eq!(status_message(body.as_bytes()), Some(message.into_bytes()));
        }

        #[test]
        fn no_bytes_panic(bytes in any::<Vec<u8>>()) {
            let _ = (partial_success(&bytes), status_message(&bytes));
        }
    }
}
