//! Values and attributes, staged: small, of one size each, their texts in the table already.

use std::mem;

use super::message::{Message, Place, Target};
use super::strings::Strings;
use super::words::Run;
use crate::encode::view::{Any, Attributes, Copied, Entries, Items};
use crate::schema::common_capnp::{key_value, value};

/// Arrays and maps within each other; what is deeper becomes an empty value, as in OTLP. Each takes two
/// levels of a reader's nesting limit, its list and its element; a dozen stand above.
const MAX_DEPTH: usize = 32;

/// The first kind of a value that stands behind a pointer.
const BYTES: u32 = 5;

/// A value; what is long or nested stands in `Values`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Staged {
    Empty,
    Text(u32),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Run),
    Array(Run),
    Map(Run),
}

/// An attribute; as an element of an array it has no key. Its value is in plain words: an enum is put
/// together in memory, and the copy behind that waits for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    key: u32,
    kind: u32,
    bits: u64,
}

impl Staged {
    /// The number that the schema's union has for it, and what it is.
    #[inline]
    fn parts(self) -> (u32, u64) {
        match self {
            Self::Empty => (0, 0),
            Self::Text(text) => (1, text.into()),
            Self::Bool(value) => (2, value.into()),
            Self::Int(value) => (3, value as u64),
            Self::Double(value) => (4, value.to_bits()),
            Self::Bytes(run) => (BYTES, run.bits()),
            Self::Array(run) => (6, run.bits()),
            Self::Map(run) => (7, run.bits()),
        }
    }
}

impl Pair {
    #[inline]
    fn new(key: u32, value: Staged) -> Self {
        let (kind, bits) = value.parts();
        Self { key, kind, bits }
    }

    /// What it is stands behind a pointer.
    #[inline]
    fn is_behind(self) -> bool {
        self.kind >= BYTES
    }

    /// A `KeyValue` whose pointer leads nowhere yet.
    #[inline]
    fn words(self) -> [u64; 3] {
        let bits = if self.is_behind() { 0 } else { self.bits };
        [u64::from(self.kind) << 32 | u64::from(self.key), bits, 0]
    }

    #[inline]
    fn value(self) -> Staged {
        match self.kind {
            0 => Staged::Empty,
            1 => Staged::Text(self.bits as u32),
            2 => Staged::Bool(self.bits != 0),
            3 => Staged::Int(self.bits as i64),
            4 => Staged::Double(f64::from_bits(self.bits)),
            BYTES => Staged::Bytes(Run::of_bits(self.bits)),
            6 => Staged::Array(Run::of_bits(self.bits)),
            _ => Staged::Map(Run::of_bits(self.bits)),
        }
    }
}

/// All values of a batch, and the texts that everything else names too.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) strings: Strings,
    /// Attributes of what stands around the items: those of each in a row.
    pairs: Vec<Pair>,
    /// What is in arrays and maps: each one's in a row.
    nested: Vec<Pair>,
    /// Elements of arrays and maps that are not complete yet.
    open: Vec<Pair>,
    bytes: Vec<u8>,
    /// Values of the list under construction that stand behind it, each with the place of its pointer.
    behind: Vec<(usize, Staged)>,
}

/// How much of `Values` stays from batch to batch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    strings: usize,
    pairs: usize,
    nested: usize,
    bytes: usize,
}

impl Values {
    pub(super) fn mark(&self) -> Mark {
        Mark {
            strings: self.strings.count(),
            pairs: self.pairs.len(),
            nested: self.nested.len(),
            bytes: self.bytes.len(),
        }
    }

    pub(super) fn reset(&mut self, to: Mark) {
        self.strings.truncate(to.strings);
        self.pairs.truncate(to.pairs);
        self.nested.truncate(to.nested);
        self.bytes.truncate(to.bytes);
    }

    /// About what the attributes take that are staged here, in bytes.
    pub(super) fn len(&self) -> usize {
        (self.pairs.len() + self.nested.len()) * 24 + self.bytes.len()
    }

    /// What `item` has, written to `to` as a list.
    #[inline]
    pub(super) fn attributes(&mut self, to: &mut Message, item: &impl Attributes) -> Target {
        let start = to.begin_list();
        item.copied_attributes(|key, value| {
            let pair = self.pair(key, value);
            if pair.is_behind() {
                self.behind.push((to.len() + 16, pair.value()));
            }
            to.words(pair.words());
        });
        let list = to.close_list::<key_value::Builder<'_>>(start);
        if !self.behind.is_empty() {
            self.write_behind(to);
        }
        list
    }

    #[inline(never)]
    fn write_behind(&mut self, to: &mut Message) {
        let mut behind = mem::take(&mut self.behind);
        behind.drain(..).for_each(|(pointer, value)| self.write_long(value, to, pointer));
        self.behind = behind;
    }

    /// Stages attributes that are built already.
    pub(super) fn pairs(&mut self, pairs: &[(&str, Any<'_>)]) -> Run {
        let start = self.pairs.len();
        for (key, value) in pairs {
            let pair = self.pair(key.as_bytes(), (*value).into());
            self.pairs.push(pair);
        }
        Run::since(start, self.pairs.len())
    }

    /// A value without a key.
    pub(super) fn value(&mut self, from: Any<'_>) -> Staged {
        self.stage(from, 0)
    }

    /// The same of what is only copied.
    pub(super) fn copied(&mut self, from: Copied<'_>) -> Staged {
        match from {
            Copied::Text(text) => Staged::Text(self.strings.index(text)),
            Copied::Any(value) => self.value(value),
        }
    }

    #[inline(always)]
    fn pair(&mut self, key: &[u8], value: Copied<'_>) -> Pair {
        let key = self.strings.key(key);
        let value = match value {
            Copied::Text(text) => Staged::Text(self.strings.value(key, text)),
            Copied::Any(other) => self.stage(other, 0),
        };
        Pair::new(key, value)
    }

    #[inline]
    fn stage(&mut self, from: Any<'_>, depth: usize) -> Staged {
        match from {
            Any::Empty => Staged::Empty,
            Any::Bool(value) => Staged::Bool(value),
            Any::I64(value) => Staged::Int(value),
            Any::F64(value) => Staged::Double(value),
            Any::Str(text) => Staged::Text(self.strings.index(text)),
            Any::Bytes(bytes) => {
                let start = self.bytes.len();
                self.bytes.extend_from_slice(bytes);
                Staged::Bytes(Run::since(start, self.bytes.len()))
            }
            Any::Array(items) => self.stage_array(items, depth + 1),
            Any::Map(entries) => self.stage_map(entries, depth + 1),
        }
    }

    #[inline(never)]
    fn stage_array(&mut self, items: &dyn Items, depth: usize) -> Staged {
        if depth > MAX_DEPTH {
            return Staged::Empty;
        }
        let start = self.open.len();
        items.items(&mut |item| {
            let value = self.stage(item, depth);
            self.open.push(Pair::new(0, value));
        });
        Staged::Array(self.close_nested(start))
    }

    #[inline(never)]
    fn stage_map(&mut self, entries: &dyn Entries, depth: usize) -> Staged {
        if depth > MAX_DEPTH {
            return Staged::Empty;
        }
        let start = self.open.len();
        entries.entries(&mut |key, item| {
            let key = self.strings.index(key);
            let value = self.stage(item, depth);
            self.open.push(Pair::new(key, value));
        });
        Staged::Map(self.close_nested(start))
    }

    /// Puts the elements behind those of the arrays and maps that are complete.
    fn close_nested(&mut self, start: usize) -> Run {
        let at = self.nested.len();
        self.nested.extend_from_slice(&self.open[start..]);
        self.open.truncate(start);
        Run::since(at, self.nested.len())
    }

    /// Whether the attributes of `run` are `pairs`.
    pub(super) fn are(&self, run: Run, pairs: &[(&str, Any<'_>)]) -> bool {
        let staged = run.of(&self.pairs);
        staged.len() == pairs.len()
            && staged.iter().zip(pairs).all(|(staged, (key, value))| self.is(*staged, key, *value))
    }

    fn is(&self, staged: Pair, key: &str, value: Any<'_>) -> bool {
        self.strings.is(staged.key, key)
            && match (staged.value(), value) {
                (Staged::Empty, Any::Empty) => true,
                (Staged::Bool(staged), Any::Bool(value)) => staged == value,
                (Staged::Int(staged), Any::I64(value)) => staged == value,
                (Staged::Double(staged), Any::F64(value)) => staged.to_bits() == value.to_bits(),
                (Staged::Text(staged), Any::Str(text)) => self.strings.is(staged, text),
                (Staged::Bytes(staged), Any::Bytes(bytes)) => staged.of(&self.bytes) == bytes,
                (Staged::Array(staged), Any::Array(items)) => {
                    let mut rest = staged.of(&self.nested).iter();
                    let mut same = true;
                    items.items(&mut |item| {
                        same = same && rest.next().is_some_and(|next| self.is(*next, "", item));
                    });
                    same && rest.next().is_none()
                }
                (Staged::Map(staged), Any::Map(entries)) => {
                    let mut rest = staged.of(&self.nested).iter();
                    let mut same = true;
                    entries.entries(&mut |key, item| {
                        same = same && rest.next().is_some_and(|next| self.is(*next, key, item));
                    });
                    same && rest.next().is_none()
                }
                _ => false,
            }
    }

    /// The attributes of `run` as the list that `pointer` leads to; none leave it out.
    pub(super) fn write(&self, run: Run, to: &mut Message, pointer: usize) {
        if run.len() != 0 {
            self.write_pairs(run.of(&self.pairs), to, pointer);
        }
    }

    fn write_pairs(&self, pairs: &[Pair], to: &mut Message, pointer: usize) {
        to.open_list::<key_value::Builder<'_>>(pointer, pairs.len());
        let start = to.len();
        pairs.iter().for_each(|pair| to.words(pair.words()));
        for (index, pair) in pairs.iter().enumerate().filter(|(_, pair)| pair.is_behind()) {
            self.write_long(pair.value(), to, start + 24 * index + 16);
        }
    }

    /// What stands behind a pointer.
    fn write_long(&self, value: Staged, to: &mut Message, pointer: usize) {
        match value {
            Staged::Bytes(run) => to.data(pointer, run.of(&self.bytes)),
            Staged::Array(run) => {
                let values = to.list::<value::Builder<'_>>(pointer, run.len());
                for (place, pair) in values.zip(run.of(&self.nested)) {
                    self.write_value(pair.value(), to, place);
                }
            }
            Staged::Map(run) => self.write_pairs(run.of(&self.nested), to, pointer),
            _ => {}
        }
    }

    /// A value without a key.
    pub(super) fn write_value(&self, value: Staged, to: &mut Message, at: Place) {
        let (kind, bits) = value.parts();
        to.u16(at, 0, kind as u16);
        match value {
            // Memory is zero, which is this.
            Staged::Empty => {}
            Staged::Text(_) | Staged::Bool(_) => to.u32(at, 1, bits as u32),
            Staged::Int(_) | Staged::Double(_) => to.u64(at, 1, bits),
            Staged::Bytes(_) | Staged::Array(_) | Staged::Map(_) => {
                self.write_long(value, to, at.pointer(0));
            }
        }
    }
}
