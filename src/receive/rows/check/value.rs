//! Attributes, and values within values.

use std::mem::size_of;

use capnp::traits::IntoInternalStructReader;

use super::{Check, FIXED, INT, LONG_HEAD, delimited};
use crate::encode::otlp::{ARRAY_DEPTH, MAP_DEPTH, MAX_DEPTH};
use crate::encode::view::Any;
use crate::receive::rows::Refusal;
use crate::receive::rows::value::{self, Pairs, Plain, Value};

/// Arrays and maps within each other.
const MAX_NESTING: u32 = 32;

/// How deep a value lies.
#[derive(Clone, Copy, Default)]
pub(super) struct Depth {
    /// In arrays and maps.
    values: u32,
    /// In OTLP's messages.
    messages: usize,
}

/// Pairs of which nothing has to be said but how long they are.
#[derive(Default)]
struct Plains {
    count: u64,
    /// Without heads; of all of them, and of the longest.
    bytes: u64,
    longest: u64,
}

impl Plains {
    #[inline(always)]
    fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
        self.longest = self.longest.max(bytes);
    }

    /// With the heads of the pair, of its key, of its value and of what that holds, which grow with what they head.
    #[inline(always)]
    fn otlp_bytes(&self) -> u64 {
        let head = match self.longest {
            0..0x70 => 2,
            0x70..0x3ff0 => 3,
            _ => LONG_HEAD,
        };
        self.bytes + self.count * 4 * head
    }
}

impl<'a> Check<'a> {
    /// Attributes of what `field` names: pointer `index` of the struct, which the library comes to by `list`.
    #[inline(always)]
    pub(super) fn attributes<T>(
        &mut self,
        of: T,
        index: u32,
        list: impl Fn(T) -> capnp::Result<Pairs<'a>>,
        field: &'static str,
    ) -> Result<(), Refusal>
    where
        T: IntoInternalStructReader<'a> + Copy,
    {
        let Some(lying) = self.segment.list(of, index) else {
            return self.pairs(list(of)?, field);
        };
        let Some(pairs) = value::lying(lying) else { return self.pairs(list(of)?, field) };
        self.walk(lying)?;
        let mut plain = Plains::default();
        for pair in pairs {
            let Some(bytes) = self.plain(pair) else { return self.pairs(list(of)?, field) };
            plain.add(bytes);
        }
        self.grow(plain.otlp_bytes())
    }

    /// Attributes of what `field` names.
    pub(super) fn pairs(&mut self, pairs: Pairs<'_>, field: &'static str) -> Result<(), Refusal> {
        let (mut plain, mut size) = (Plains::default(), 0);
        for pair in value::pairs(pairs) {
            match self.plain(pair) {
                Some(bytes) => plain.add(bytes),
                None => {
                    let (key, value) = self.pair(pair, pairs, field, Depth::default())?;
                    size += delimited(key + delimited(value));
                }
            }
        }
        self.grow(plain.otlp_bytes() + size)
    }

    /// What a pair takes besides heads, if it is nothing special.
    #[inline(always)]
    fn plain(&self, pair: Plain) -> Option<u64> {
        let key = self.strings.length(pair.key)? as u64;
        let value = match pair.kind {
            Plain::TEXT => self.strings.length(pair.bits as u32)? as u64,
            Plain::EMPTY | Plain::BOOL | Plain::INT | Plain::DOUBLE => INT,
            _ => return None,
        };
        Some(key + value)
    }

    /// The same of attributes that are gathered in a list; gives the memory that this list takes.
    pub(super) fn built_pairs(
        &mut self,
        pairs: Pairs<'_>,
        field: &'static str,
    ) -> Result<u64, Refusal> {
        let built = u64::from(pairs.len()) * size_of::<(&str, Any<'_>)>() as u64;
        if built > self.limit {
            return Err(self.too_large());
        }
        self.pairs(pairs, field)?;
        Ok(built)
    }

    /// A value on its own, as a log record's body is.
    pub(super) fn body(&mut self, value: Value<'_>, field: &'static str) -> Result<(), Refusal> {
        let length = self.value(value, field, Depth::default())?;
        self.grow(delimited(length))
    }

    /// What the key of a pair takes, and its value without its tag and its length.
    #[inline(never)]
    fn pair(
        &mut self,
        pair: Plain,
        list: Pairs<'_>,
        field: &'static str,
        depth: Depth,
    ) -> Result<(u64, u64), Refusal> {
        let key = self.text(pair.key, field)?;
        let value = match pair.kind {
            Plain::EMPTY => 0,
            Plain::BOOL => 2,
            Plain::INT => INT,
            Plain::DOUBLE => FIXED,
            Plain::TEXT => self.text(pair.bits as u32, field)?,
            _ => self.value(pair.whole(list)?, field, depth)?,
        };
        Ok((key, value))
    }

    /// What the value takes without its tag and its length.
    #[inline]
    pub(super) fn value(
        &mut self,
        value: Value<'_>,
        field: &'static str,
        depth: Depth,
    ) -> Result<u64, Refusal> {
        Ok(match value {
            Value::Empty => 0,
            Value::Bool(_) => 2,
            Value::Int(_) => INT,
            Value::Double(_) => FIXED,
            Value::Text(index) => self.text(index, field)?,
            Value::Bytes(bytes) => delimited(bytes.len() as u64),
            Value::Array(_) | Value::Map(_) => self.nested(value, field, depth)?,
        })
    }

    #[inline(never)]
    fn nested(
        &mut self,
        value: Value<'_>,
        field: &'static str,
        depth: Depth,
    ) -> Result<u64, Refusal> {
        if depth.values == MAX_NESTING {
            return Err(Refusal::Malformed(format!(
                "{field}: values lie within each other more than {MAX_NESTING} deep"
            )));
        }
        let deeper =
            |messages| Depth { values: depth.values + 1, messages: depth.messages + messages };
        let mut length = 0;
        match value {
            Value::Array(values) => {
                let depth = deeper(ARRAY_DEPTH);
                self.cut += u64::from(depth.messages > MAX_DEPTH);
                for value in values {
                    length += delimited(self.value(Value::of(value)?, field, depth)?);
                }
            }
            Value::Map(entries) => {
                let depth = deeper(MAP_DEPTH);
                self.cut += u64::from(depth.messages > MAX_DEPTH);
                for pair in value::pairs(entries) {
                    let (key, value) = self.pair(pair, entries, field, depth)?;
                    length += delimited(key + delimited(value));
                }
            }
            _ => {}
        }
        // Already over the limit: there is no need to look further.
        if length > self.limit { Err(self.too_large()) } else { Ok(delimited(length)) }
    }
}
