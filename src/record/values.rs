//! Values of attributes and bodies of logs as bytes: a tag, and little-endian numbers or text.
//!
//! An array is items of `[tag: u8 | length: u32]` and their bytes.

use std::fmt::{self, Write as _};

use crate::encode::view::{Any, Copied, Items};
use crate::telemetry::Value;

const ITEM_HEAD: usize = 5;
/// Deeper arrays are cut, so that no reader can be made to recurse without end.
const MAX_DEPTH: usize = 32;

pub(super) const BOOL: u8 = 1;
pub(super) const I64: u8 = 2;
pub(super) const F64: u8 = 3;
pub(super) const STR: u8 = 4;
pub(super) const BYTES: u8 = 5;
const ARRAY: u8 = 6;

pub(super) fn write_value(bytes: &mut Vec<u8>, value: Value<'_>, length: u32, depth: usize) -> u8 {
    match value {
        Value::Bool(v) => {
            bytes.push(v.into());
            BOOL
        }
        Value::I64(v) => {
            bytes.extend_from_slice(&v.to_le_bytes());
            I64
        }
        Value::F64(v) => {
            bytes.extend_from_slice(&v.to_le_bytes());
            F64
        }
        Value::Str(v) => {
            bytes.extend_from_slice(truncated(v, length).as_bytes());
            STR
        }
        Value::Bytes(v) => {
            bytes.extend_from_slice(&v[..v.len().min(length as usize)]);
            BYTES
        }
        Value::Format(v) => {
            let at = bytes.len();
            // A `Display` that fails leaves what it has written.
            let _ = Text(bytes).write_fmt(v);
            let kept = truncated(text(&bytes[at..]), length).len();
            bytes.truncate(at + kept);
            STR
        }
        Value::Array(items) => {
            for item in items.iter().filter(|_| depth < MAX_DEPTH) {
                let at = bytes.len();
                bytes.extend_from_slice(&[0; ITEM_HEAD]);
                let tag = write_value(bytes, *item, length, depth + 1);
                let size = u32::try_from(bytes.len() - at - ITEM_HEAD).unwrap_or(u32::MAX);
                bytes[at] = tag;
                bytes[at + 1..at + ITEM_HEAD].copy_from_slice(&size.to_le_bytes());
            }
            ARRAY
        }
    }
}

/// Takes formatted text as bytes.
struct Text<'a>(&'a mut Vec<u8>);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// A value that stands alone, and its tag; text is lent as it is, anything else is written to `into`.
pub(crate) fn alone<'a>(value: Value<'a>, into: &'a mut Vec<u8>) -> (u8, &'a [u8]) {
    match value {
        Value::Str(text) => (STR, text.as_bytes()),
        value => {
            let tag = write_value(into, value, u32::MAX, 0);
            (tag, into)
        }
    }
}

/// Lends the value of `alone`.
#[inline]
pub(crate) fn value(tag: u8, bytes: &[u8], take: impl FnOnce(Any<'_>)) {
    copied(tag, bytes, |value| {
        take(match value {
            Copied::Text(bytes) => Any::Str(text(bytes)),
            Copied::Any(value) => value,
        });
    });
}

/// The same for who only copies text.
#[inline]
pub(super) fn copied(tag: u8, bytes: &[u8], take: impl FnOnce(Copied<'_>)) {
    let array = ArrayBytes(bytes);
    take(match tag {
        STR => Copied::Text(bytes),
        I64 => Copied::Any(Any::I64(i64::from_le_bytes(word(bytes)))),
        BOOL => Copied::Any(Any::Bool(bytes.first() == Some(&1))),
        F64 => Copied::Any(Any::F64(f64::from_le_bytes(word(bytes)))),
        BYTES => Copied::Any(Any::Bytes(bytes)),
        _ => Copied::Any(Any::Array(&array)),
    });
}

struct ArrayBytes<'a>(&'a [u8]);

impl Items for ArrayBytes<'_> {
    fn items(&self, each: &mut dyn FnMut(Any<'_>)) {
        let mut bytes = self.0;
        while let Some((&[tag, a, b, c, d], rest)) = bytes.split_first_chunk::<ITEM_HEAD>() {
            let size = (u32::from_le_bytes([a, b, c, d]) as usize).min(rest.len());
            value(tag, &rest[..size], &mut *each);
            bytes = &rest[size..];
        }
    }
}

fn word(bytes: &[u8]) -> [u8; 8] {
    bytes.first_chunk().copied().unwrap_or_default()
}

/// The bytes came from a `&str`; a record is never trusted beyond that.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> &str {
    if bytes.is_empty() {
        return "";
    }
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// At most `length` characters.
#[inline]
pub(super) fn truncated(text: &str, length: u32) -> &str {
    if text.len() <= length as usize { text } else { cut(text, length as usize) }
}

#[cold]
fn cut(text: &str, length: usize) -> &str {
    text.char_indices().nth(length).map_or(text, |(at, _)| &text[..at])
}
