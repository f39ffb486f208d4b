//! Attribute values as they lie in a message, whether with a key or without.

use capnp::{NotInSchema, struct_list};

use super::Refusal;
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
