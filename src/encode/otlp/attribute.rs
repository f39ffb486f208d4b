//! Attributes as `KeyValue`, with every kind of `AnyValue`.

use super::copy::copy;
use super::proto::{FIXED64, LENGTH, VARINT, Writer, digits, short_tag, varint_len, varint64_len};
use crate::encode::view::{Any, Attributes, Copied, Entries, Items};

/// Messages of arrays and maps within each other; what is deeper becomes an empty value. Decoders stop
/// at 100 nested messages, and six stand above these.
pub(crate) const MAX_DEPTH: usize = 64;

/// The messages that one array and one map take.
pub(crate) const ARRAY_DEPTH: usize = 2;
pub(crate) const MAP_DEPTH: usize = 3;

/// The fields of `KeyValue`.
const KEY: u64 = 1;
const VALUE: u64 = 2;

/// The members of `AnyValue`'s oneof.
const STRING: u64 = 1;
const BOOL: u64 = 2;
const INT: u64 = 3;
const DOUBLE: u64 = 4;
const ARRAY: u64 = 5;
const MAP: u64 = 6;
const BYTES: u64 = 7;

const KEY_TAG: u8 = short_tag(KEY, LENGTH);
const VALUE_TAG: u8 = short_tag(VALUE, LENGTH);
const STRING_TAG: u8 = short_tag(STRING, LENGTH);
const BOOL_TAG: u8 = short_tag(BOOL, VARINT);
const DOUBLE_TAG: u8 = short_tag(DOUBLE, FIXED64);
const INT_TAG: u8 = short_tag(INT, VARINT);

/// The one field of `ArrayValue`, and of `KeyValueList`.
const VALUES: u64 = 1;

/// A key and a text that together are no longer make messages whose lengths take a byte each.
const SHORT: usize = 0x7f - 6;
/// What such a `KeyValue` takes at most: eight bytes stand around the two.
const ROOM: usize = SHORT + 8;
/// A number takes no more, but for its tag.
const NUMBER: usize = 8;

/// Each attribute of `item` as `field`, then how many were dropped as `dropped_field`.
#[inline]
pub(super) fn attributes(out: &mut Writer, field: u64, dropped_field: u64, item: &impl Attributes) {
    item.copied_attributes(|key, value| key_value(out, field, key, value));
    out.uint(dropped_field, item.dropped_attributes());
}

/// The same of attributes that are built already.
pub(super) fn pairs(
    out: &mut Writer,
    field: u64,
    dropped_field: u64,
    pairs: &[(&str, Any<'_>)],
    dropped: u32,
) {
    pairs.iter().for_each(|(key, value)| key_value(out, field, key.as_bytes(), (*value).into()));
    out.uint(dropped_field, dropped);
}

/// A value without a key, as the body of a log record is.
pub(super) fn body(out: &mut Writer, field: u64, value: Copied<'_>) {
    match scalar_len(value) {
        Some(length) => {
            out.message_head(field, length);
            any_value(out, value, 0);
        }
        None => out.message(field, 1, |out| any_value(out, value, 0)),
    }
}

#[inline(always)]
pub(super) fn key_value(out: &mut Writer, field: u64, key: &[u8], value: Copied<'_>) {
    let written = match value {
        Copied::Text(text) => short_text(out, field, key, text),
        Copied::Any(value) => short_number(out, field, key, value),
    };
    if written.is_none() {
        long_key_value(out, field, key, value);
    }
}

/// Nothing is written where that is not short.
#[inline(always)]
fn short_text(out: &mut Writer, field: u64, key: &[u8], text: &[u8]) -> Option<()> {
    if key.is_empty() || key.len() + text.len() > SHORT {
        return None;
    }
    let length = text.len();
    let whole = key.len() + length + 6;
    let room = short_key(out, field, key, whole)?;
    room[..4].copy_from_slice(&[VALUE_TAG, length as u8 + 2, STRING_TAG, length as u8]);
    copy(&mut room[4..4 + length], text);
    out.advance(whole + 2);
    Some(())
}

/// Nothing is written where that is no number, or not short.
#[inline(always)]
fn short_number(out: &mut Writer, field: u64, key: &[u8], value: Any<'_>) -> Option<()> {
    if key.is_empty() || key.len() > SHORT - NUMBER {
        return None;
    }
    let (tag, length, bytes) = match value {
        Any::I64(value) => {
            let length = varint64_len(value as u64);
            (INT_TAG, length, digits(value as u64, length)?)
        }
        Any::F64(value) => (DOUBLE_TAG, NUMBER, value.to_le_bytes()),
        Any::Bool(value) => (BOOL_TAG, 1, u64::from(value).to_le_bytes()),
        _ => return None,
    };
    let whole = key.len() + length + 5;
    let room = short_key(out, field, key, whole)?;
    room[..3].copy_from_slice(&[VALUE_TAG, length as u8 + 1, tag]);
    room[3..3 + NUMBER].copy_from_slice(&bytes);
    out.advance(whole + 2);
    Some(())
}

/// What stands before the value; gives back the room behind it.
#[inline(always)]
fn short_key<'a>(
    out: &'a mut Writer,
    field: u64,
    key: &[u8],
    whole: usize,
) -> Option<&'a mut [u8]> {
    let room = out.room::<ROOM>()?;
    room[..4].copy_from_slice(&[short_tag(field, LENGTH), whole as u8, KEY_TAG, key.len() as u8]);
    copy(&mut room[4..4 + key.len()], key);
    Some(&mut room[4 + key.len()..])
}

#[inline(never)]
fn long_key_value(out: &mut Writer, field: u64, key: &[u8], value: Copied<'_>) {
    let Some(value_length) = scalar_len(value) else {
        out.message(field, 1, |out| {
            out.text(KEY, key);
            out.message(VALUE, 1, |out| any_value(out, value, 0));
        });
        return;
    };
    // The length is known beforehand, so nothing has to be patched.
    let key_length = if key.is_empty() { 0 } else { 1 + varint_len(key.len()) + key.len() };
    out.message_head(field, key_length + 1 + varint_len(value_length) + value_length);
    out.text(KEY, key);
    out.message_head(VALUE, value_length);
    any_value(out, value, 0);
}

/// The length of an `AnyValue`, unless it is an array or a map.
fn scalar_len(value: Copied<'_>) -> Option<usize> {
    let of_bytes = |bytes: &[u8]| Some(1 + varint_len(bytes.len()) + bytes.len());
    match value {
        Copied::Text(text) => of_bytes(text),
        Copied::Any(value) => match value {
            Any::Empty => Some(0),
            Any::Bool(_) => Some(2),
            Any::I64(value) => Some(1 + varint64_len(value as u64)),
            Any::F64(_) => Some(9),
            Any::Str(text) => of_bytes(text.as_bytes()),
            Any::Bytes(bytes) => of_bytes(bytes),
            Any::Array(_) | Any::Map(_) => None,
        },
    }
}

/// The inside of an `AnyValue`; a member of a oneof is written whatever its value is.
#[inline]
fn any_value(out: &mut Writer, value: Copied<'_>, depth: usize) {
    let value = match value {
        Copied::Text(text) => return out.bytes_field(STRING, text),
        Copied::Any(value) => value,
    };
    match value {
        Any::Empty => {}
        Any::Bool(value) => out.varint_field(BOOL, value.into()),
        Any::I64(value) => out.varint_field(INT, value as u64),
        Any::F64(value) => out.fixed64_field(DOUBLE, value.to_bits()),
        Any::Str(text) => out.bytes_field(STRING, text.as_bytes()),
        Any::Bytes(bytes) => out.bytes_field(BYTES, bytes),
        Any::Array(values) => array_value(out, values, depth + ARRAY_DEPTH),
        Any::Map(entries) => map_value(out, entries, depth + MAP_DEPTH),
    }
}

#[inline(never)]
fn array_value(out: &mut Writer, values: &dyn Items, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    out.message(ARRAY, 1, |out| {
        values.items(&mut |value| {
            out.message(VALUES, 1, |out| any_value(out, value.into(), depth));
        });
    });
}

#[inline(never)]
fn map_value(out: &mut Writer, entries: &dyn Entries, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    out.message(MAP, 1, |out| {
        entries.entries(&mut |key, value| {
            out.message(VALUES, 1, |out| {
                out.string(KEY, key);
                out.message(VALUE, 1, |out| any_value(out, value.into(), depth));
            });
        });
    });
}
