//! Attribute values as they lie in a message, whether with a key or without.

use capnp::{NotInSchema, raw, struct_list};

use super::Refusal;
use super::segment::Structs;
use crate::schema::common_capnp::{key_value, value};

pub(super) type Values<'a> = struct_list::Reader<'a, value::Owned>;
pub(super) type Pairs<'a> = struct_list::Reader<'a, key_value::Owned>;

/// One value. Errors are boxed: each attribute comes through here.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Empty,
    /// Its place in the table.
    Text(u32),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(&'a [u8]),
    Array(Values<'a>),
    Map(Pairs<'a>),
}

/// A pair's key and kind, then its value unless that is behind a pointer: its data as the schema has them.
const PAIR: usize = 16;

/// A pair as plain numbers. A `Value` is put together in memory, byte by byte of an enum, and to take it apart
/// again waits for that: of a batch's time, a third was that.
#[derive(Clone, Copy)]
pub(super) struct Plain {
    /// The place of its text.
    pub(super) key: u32,
    /// The number that the schema's union has for the value; what is none of those below is `whole`'s to tell.
    pub(super) kind: u32,
    /// The value, if it is of one of those.
    pub(super) bits: u64,
    index: u32,
}

impl Plain {
    /// Kinds of values that are no pointers.
    pub(super) const EMPTY: u32 = 0;
    pub(super) const TEXT: u32 = 1;
    pub(super) const BOOL: u32 = 2;
    pub(super) const INT: u32 = 3;
    pub(super) const DOUBLE: u32 = 4;

    /// The value, of whatever kind.
    #[cold]
    pub(super) fn whole<'a>(&self, list: Pairs<'a>) -> Result<Value<'a>, Box<Refusal>> {
        Value::of_pair(list.get(self.index))
    }
}

impl Plain {
    #[inline(always)]
    fn of(pair: &[u8; PAIR], index: u32) -> Self {
        let [a, b, c, d, e, f, _, _, bits @ ..] = pair;
        Self {
            key: u32::from_le_bytes([*a, *b, *c, *d]),
            kind: u16::from_le_bytes([*e, *f]).into(),
            bits: u64::from_le_bytes(*bits),
            index,
        }
    }
}

/// Each attribute of a list that lies as usual, unless it has less than the schema's.
///
/// Most of what a batch is stands here, and the library's own way to an element and its fields is a dozen
/// checks long. They are the same for each element, so they are made once for the list.
#[inline(always)]
pub(super) fn lying<'a>(list: Structs<'a>) -> Option<impl Iterator<Item = Plain> + use<'a>> {
    Some(list.data()?.zip(0..).map(|(pair, index)| Plain::of(pair, index)))
}

/// Each attribute of a list.
#[inline]
pub(super) fn pairs(list: Pairs<'_>) -> impl Iterator<Item = Plain> {
    // An old or a foreign schema may have less in an element; the library knows what that means.
    let is_whole = !list.is_empty() && raw::get_struct_data_section(list.get(0)).len() >= PAIR;
    let (bytes, step) = if is_whole {
        (raw::get_list_bytes(list), raw::get_list_step_size_in_bits(list) as usize / 8)
    } else {
        (&[][..], PAIR)
    };
    let mut elements = bytes.chunks_exact(step.max(PAIR));
    (0..list.len()).map(move |index| match elements.next().and_then(<[u8]>::first_chunk) {
        Some(pair) => Plain::of(pair, index),
        None => Plain { key: list.get(index).get_key(), kind: u32::MAX, bits: 0, index },
    })
}

impl<'a> Value<'a> {
    #[inline(always)]
    pub(super) fn of(from: value::Reader<'a>) -> Result<Self, Box<Refusal>> {
        use value::Which;
        Ok(match from.which().map_err(unknown)? {
            Which::Empty(()) => Self::Empty,
            Which::String(index) => Self::Text(index),
            Which::Bool(value) => Self::Bool(value),
            Which::Int(value) => Self::Int(value),
            Which::Double(value) => Self::Double(value),
            Which::Bytes(value) => Self::Bytes(value.map_err(unreadable)?),
            Which::Array(values) => Self::Array(values.map_err(unreadable)?),
            Which::Kvlist(entries) => Self::Map(entries.map_err(unreadable)?),
        })
    }

    #[inline(always)]
    pub(super) fn of_pair(from: key_value::Reader<'a>) -> Result<Self, Box<Refusal>> {
        use key_value::Which;
        Ok(match from.which().map_err(unknown)? {
            Which::Empty(()) => Self::Empty,
            Which::String(index) => Self::Text(index),
            Which::Bool(value) => Self::Bool(value),
            Which::Int(value) => Self::Int(value),
            Which::Double(value) => Self::Double(value),
            Which::Bytes(value) => Self::Bytes(value.map_err(unreadable)?),
            Which::Array(values) => Self::Array(values.map_err(unreadable)?),
            Which::Kvlist(entries) => Self::Map(entries.map_err(unreadable)?),
        })
    }
}

#[cold]
fn unknown(kind: NotInSchema) -> Box<Refusal> {
    Box::new(super::refusal::unknown("value of an attribute", kind))
}

#[cold]
fn unreadable(error: capnp::Error) -> Box<Refusal> {
    Box::new(error.into())
}
