//! Attributes as `KeyValue`, with every kind of `AnyValue`.

use super::proto::{Writer, varint_len, varint64_len};
use crate::encode::view::{Any, Attributes, Entries, Items};

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

/// The one field of `ArrayValue`, and of `KeyValueList`.
const VALUES: u64 = 1;

/// Each attribute of `item` as `field`, then how many were dropped as `dropped_field`.
pub(super) fn attributes(out: &mut Writer, field: u64, dropped_field: u64, item: &impl Attributes) {
    item.attributes(|key, value| key_value(out, field, key, value));
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
    pairs.iter().for_each(|(key, value)| key_value(out, field, key, *value));
    out.uint(dropped_field, dropped);
}

/// A value without a key, as the body of a log record is.
pub(super) fn body(out: &mut Writer, field: u64, value: Any<'_>) {
    out.message(field, 1, |out| any_value(out, value, 0));
}

#[inline]
pub(super) fn key_value(out: &mut Writer, field: u64, key: &str, value: Any<'_>) {
    let Some(value_length) = scalar_len(value) else {
        out.message(field, 1, |out| {
            out.string(KEY, key);
            out.message(VALUE, 1, |out| any_value(out, value, 0));
        });
        return;
    };
    // The length is known beforehand, so nothing has to be patched.
    let key_length = if key.is_empty() { 0 } else { 1 + varint_len(key.len()) + key.len() };
    out.message_head(field, key_length + 1 + varint_len(value_length) + value_length);
    out.string(KEY, key);
    out.message_head(VALUE, value_length);
    any_value(out, value, 0);
}

/// The length of an `AnyValue`, unless it is an array or a map.
#[inline]
fn scalar_len(value: Any<'_>) -> Option<usize> {
    match value {
        Any::Empty => Some(0),
        Any::Bool(_) => Some(2),
        Any::I64(value) => Some(1 + varint64_len(value as u64)),
        Any::F64(_) => Some(9),
        Any::Str(text) => Some(1 + varint_len(text.len()) + text.len()),
        Any::Bytes(bytes) => Some(1 + varint_len(bytes.len()) + bytes.len()),
        Any::Array(_) | Any::Map(_) => None,
    }
}

/// The inside of an `AnyValue`; a member of a oneof is written whatever its value is.
#[inline]
fn any_value(out: &mut Writer, value: Any<'_>, depth: usize) {
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
            out.message(VALUES, 1, |out| any_value(out, value, depth));
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
                out.message(VALUE, 1, |out| any_value(out, value, depth));
            });
        });
    });
}
