//! Attributes and values.

use capnp::struct_list;
use capnp::traits::IntoInternalStructReader;

use super::Table;
use crate::encode::view::{self, Any, Entries, Items};
use crate::receive::rows::value::{self, Pairs, Plain, Value, Values};
use crate::schema::common_capnp::key_value;

/// An array or a map, which the views lend by reference.
pub(super) enum Nested<'a> {
    Array(Array<'a>),
    Map(Map<'a>),
}

pub(super) struct Array<'a> {
    table: Table<'a>,
    values: Values<'a>,
}

pub(super) struct Map<'a> {
    table: Table<'a>,
    entries: Pairs<'a>,
}

impl Items for Array<'_> {
    fn items(&self, each: &mut dyn FnMut(Any<'_>)) {
        for value in self.values {
            if let Some(value) = self.table.read(Value::of(value)) {
                lend(self.table, value, &mut *each);
            }
        }
    }
}

impl Entries for Map<'_> {
    fn entries(&self, each: &mut dyn FnMut(&str, Any<'_>)) {
        lend_pairs(self.table, self.entries, each);
    }
}

/// Lends each attribute: pointer `index` of the struct, which the library comes to by `list`.
#[inline(always)]
pub(super) fn lend_attributes<'a, T>(
    table: Table<'a>,
    of: T,
    index: u32,
    list: impl Fn(T) -> capnp::Result<Pairs<'a>>,
    mut each: impl FnMut(&str, Any<'_>),
) where
    T: IntoInternalStructReader<'a> + Copy,
{
    match table.segment.list(of, index).and_then(value::lying) {
        Some(pairs) => pairs.for_each(|pair| {
            lend_pair(table, pair, &mut each, || table.read(list(of)));
        }),
        None => {
            if let Some(pairs) = table.read(list(of)) {
                lend_pairs(table, pairs, each);
            }
        }
    }
}

/// Lends an attribute of a list.
#[inline(always)]
fn lend_pair<'a>(
    table: Table<'a>,
    pair: Plain,
    each: &mut impl FnMut(&str, Any<'_>),
    list: impl FnOnce() -> Option<Pairs<'a>>,
) {
    let key = table.text(pair.key);
    match pair.kind {
        Plain::TEXT => each(key, Any::Str(table.text(pair.bits as u32))),
        Plain::INT => each(key, Any::I64(pair.bits as i64)),
        _ => lend_other(table, key, pair, each, list),
    }
}

/// The same of what most are not.
#[inline(never)]
fn lend_other<'a>(
    table: Table<'a>,
    key: &str,
    pair: Plain,
    each: &mut impl FnMut(&str, Any<'_>),
    list: impl FnOnce() -> Option<Pairs<'a>>,
) {
    let value = match pair.kind {
        Plain::EMPTY => Any::Empty,
        Plain::BOOL => Any::Bool(pair.bits & 1 != 0),
        Plain::DOUBLE => Any::F64(f64::from_bits(pair.bits)),
        _ => {
            let value = list().and_then(|list| table.read(pair.whole(list)));
            if let Some(value) = value {
                lend(table, value, |value| each(key, value));
            }
            return;
        }
    };
    each(key, value);
}

/// Lends each attribute.
#[inline]
pub(super) fn lend_pairs<'a>(
    table: Table<'a>,
    pairs: struct_list::Reader<'a, key_value::Owned>,
    mut each: impl FnMut(&str, Any<'_>),
) {
    for pair in value::pairs(pairs) {
        lend_pair(table, pair, &mut each, || Some(pairs));
    }
}

/// Lends one value.
#[inline]
pub(super) fn lend<'a>(table: Table<'a>, value: Value<'a>, take: impl FnOnce(Any<'_>)) {
    match scalar(table, value) {
        Ok(value) => take(value),
        Err(Nested::Array(array)) => take(Any::Array(&array)),
        Err(Nested::Map(map)) => take(Any::Map(&map)),
    }
}

/// The value, or what stands behind it.
#[inline]
fn scalar<'a>(table: Table<'a>, value: Value<'a>) -> Result<Any<'a>, Nested<'a>> {
    Ok(match value {
        Value::Empty => Any::Empty,
        Value::Text(index) => Any::Str(table.text(index)),
        Value::Bool(value) => Any::Bool(value),
        Value::Int(value) => Any::I64(value),
        Value::Double(value) => Any::F64(value),
        Value::Bytes(bytes) => Any::Bytes(bytes),
        Value::Array(values) => return Err(Nested::Array(Array { table, values })),
        Value::Map(entries) => return Err(Nested::Map(Map { table, entries })),
    })
}

/// Attributes that are gathered: first what stands behind their values, so that it can be lent.
#[derive(Default)]
pub(super) struct Gathered<'a> {
    nested: Vec<Nested<'a>>,
}

impl<'a> Gathered<'a> {
    /// To be called with the same lists in the same order as `Lender::pairs`.
    pub(super) fn add(&mut self, table: Table<'a>, pairs: capnp::Result<Pairs<'a>>) {
        // Where it cannot be read, `pairs` says so.
        let Ok(pairs) = pairs else { return };
        for pair in pairs {
            if let Ok(value @ (Value::Array(_) | Value::Map(_))) = Value::of_pair(pair) {
                self.nested.extend(scalar(table, value).err());
            }
        }
    }

    pub(super) fn lender(&self) -> Lender<'_, 'a> {
        Lender { nested: self.nested.iter() }
    }
}

/// Hands out what was gathered, in order.
pub(super) struct Lender<'n, 'a> {
    nested: std::slice::Iter<'n, Nested<'a>>,
}

impl<'n, 'a> Lender<'n, 'a> {
    pub(super) fn pairs(
        &mut self,
        table: Table<'a>,
        pairs: capnp::Result<Pairs<'a>>,
    ) -> view::Pairs<'n> {
        let Some(pairs) = table.read(pairs) else { return Vec::new() };
        let mut built = Vec::with_capacity(pairs.len() as usize);
        for pair in pairs {
            let Some(value) = table.read(Value::of_pair(pair)) else { continue };
            let value = match scalar(table, value) {
                Ok(value) => value,
                Err(_) => match self.nested.next() {
                    Some(Nested::Array(array)) => Any::Array(array),
                    Some(Nested::Map(map)) => Any::Map(map),
                    None => Any::Empty,
                },
            };
            built.push((table.text(pair.get_key()), value));
        }
        built
    }
}
