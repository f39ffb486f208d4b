//! Values and attributes, staged: small, of one size each, their texts in the table already.

use capnp::struct_list;

use super::strings::Strings;
use super::words::{self, Run, list};
use crate::encode::view::{Any, Attributes};
use crate::schema::common_capnp::{key_value, value};

/// Arrays and maps within each other; what is deeper becomes an empty value, as in OTLP. Each takes two
/// levels of a reader's nesting limit, its list and its element; a dozen stand above.
const MAX_DEPTH: usize = 32;

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

impl Pair {
    #[inline]
    fn new(key: u32, value: Staged) -> Self {
        let (kind, bits) = match value {
            Staged::Empty => (0, 0),
            Staged::Text(text) => (1, text.into()),
            Staged::Bool(value) => (2, value.into()),
            Staged::Int(value) => (3, value as u64),
            Staged::Double(value) => (4, value.to_bits()),
            Staged::Bytes(run) => (5, run.bits()),
            Staged::Array(run) => (6, run.bits()),
            Staged::Map(run) => (7, run.bits()),
        };
        Self { key, kind, bits }
    }

    #[inline]
    fn value(self) -> Staged {
        match self.kind {
            0 => Staged::Empty,
            1 => Staged::Text(self.bits as u32),
            2 => Staged::Bool(self.bits != 0),
            3 => Staged::Int(self.bits as i64),
            4 => Staged::Double(f64::from_bits(self.bits)),
            5 => Staged::Bytes(Run::of_bits(self.bits)),
            6 => Staged::Array(Run::of_bits(self.bits)),
            _ => Staged::Map(Run::of_bits(self.bits)),
        }
    }
}

/// All values of a batch, and the texts that everything else names too.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) strings: Strings,
    /// Attributes of records: each record's in a row.
    pairs: Vec<Pair>,
    /// What is in arrays and maps: each one's in a row.
    nested: Vec<Pair>,
    /// Elements of arrays and maps that are not complete yet.
    open: Vec<Pair>,
    bytes: Vec<u8>,
    /// What the lists and bytes take in the message.
    words: usize,
}

/// How much of `Values` stays from batch to batch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    strings: usize,
    pairs: usize,
    nested: usize,
    bytes: usize,
    words: usize,
}

impl Values {
    pub(super) fn mark(&self) -> Mark {
        Mark {
            strings: self.strings.count(),
            pairs: self.pairs.len(),
            nested: self.nested.len(),
            bytes: self.bytes.len(),
            words: self.words,
        }
    }

    pub(super) fn reset(&mut self, to: Mark) {
        self.strings.truncate(to.strings);
        self.pairs.truncate(to.pairs);
        self.nested.truncate(to.nested);
        self.bytes.truncate(to.bytes);
        self.words = to.words;
    }

    /// What the lists and bytes take in the message.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// Stages what `item` has.
    #[inline]
    pub(super) fn attributes(&mut self, item: &impl Attributes) -> Run {
        let start = self.pairs.len();
        item.attributes(|key, value| self.pair(key, value));
        self.close(start)
    }

    /// The same of attributes that are built already.
    pub(super) fn pairs(&mut self, pairs: &[(&str, Any<'_>)]) -> Run {
        let start = self.pairs.len();
        pairs.iter().for_each(|(key, value)| self.pair(key, *value));
        self.close(start)
    }

    /// A value without a key.
    pub(super) fn value(&mut self, from: Any<'_>) -> Staged {
        self.stage(from, 0)
    }

    #[inline]
    fn pair(&mut self, key: &str, value: Any<'_>) {
        let key = self.strings.key(key);
        let value = match value {
            Any::Str(text) => Staged::Text(self.strings.value(key, text)),
            other => self.stage(other, 0),
        };
        self.pairs.push(Pair::new(key, value));
    }

    fn close(&mut self, start: usize) -> Run {
        let run = Run::since(start, self.pairs.len());
        self.words += list::<key_value::Builder<'_>>(run.len());
        run
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
                self.words += words::of_bytes(bytes.len());
                Staged::Bytes(Run::since(start, self.bytes.len()))
            }
            Any::Array(_) | Any::Map(_) => self.stage_nested(from, depth + 1),
        }
    }

    #[inline(never)]
    fn stage_nested(&mut self, from: Any<'_>, depth: usize) -> Staged {
        if depth > MAX_DEPTH {
            return Staged::Empty;
        }
        let start = self.open.len();
        match from {
            Any::Array(items) => {
                items.items(&mut |item| {
                    let value = self.stage(item, depth);
                    self.open.push(Pair::new(0, value));
                });
                let run = self.close_nested(start);
                // An empty list that is there takes its head.
                self.words += 1 + run.len() * words::of::<value::Builder<'_>>();
                Staged::Array(run)
            }
            Any::Map(entries) => {
                entries.entries(&mut |key, item| {
                    let key = self.strings.index(key);
                    let value = self.stage(item, depth);
                    self.open.push(Pair::new(key, value));
                });
                let run = self.close_nested(start);
                self.words += 1 + run.len() * words::of::<key_value::Builder<'_>>();
                Staged::Map(run)
            }
            _ => Staged::Empty,
        }
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

    /// The attributes of a record into their list, which `init` makes; none leave it out.
    #[inline]
    pub(super) fn write<'a>(
        &self,
        run: Run,
        init: impl FnOnce(u32) -> struct_list::Builder<'a, key_value::Owned>,
    ) {
        if run.len() != 0 {
            self.write_pairs(run.of(&self.pairs), init(run.len() as u32));
        }
    }

    fn write_pairs(&self, pairs: &[Pair], mut to: struct_list::Builder<'_, key_value::Owned>) {
        for (index, pair) in (0..).zip(pairs) {
            let mut to = to.reborrow().get(index);
            to.set_key(pair.key);
            match pair.value() {
                // Memory is zero, which is this.
                Staged::Empty => {}
                Staged::Text(text) => to.set_string(text),
                Staged::Bool(value) => to.set_bool(value),
                Staged::Int(value) => to.set_int(value),
                Staged::Double(value) => to.set_double(value),
                Staged::Bytes(run) => to.set_bytes(run.of(&self.bytes)),
                Staged::Array(run) => self.write_values(run, to.init_array(run.len() as u32)),
                Staged::Map(run) => {
                    self.write_pairs(run.of(&self.nested), to.init_kvlist(run.len() as u32));
                }
            }
        }
    }

    fn write_values(&self, run: Run, mut to: struct_list::Builder<'_, value::Owned>) {
        for (index, pair) in (0..).zip(run.of(&self.nested)) {
            self.write_value(pair.value(), to.reborrow().get(index));
        }
    }

    pub(super) fn write_value(&self, value: Staged, mut to: value::Builder<'_>) {
        match value {
            Staged::Empty => {}
            Staged::Text(text) => to.set_string(text),
            Staged::Bool(value) => to.set_bool(value),
            Staged::Int(value) => to.set_int(value),
            Staged::Double(value) => to.set_double(value),
            Staged::Bytes(run) => to.set_bytes(run.of(&self.bytes)),
            Staged::Array(run) => self.write_values(run, to.init_array(run.len() as u32)),
            Staged::Map(run) => {
                self.write_pairs(run.of(&self.nested), to.init_kvlist(run.len() as u32));
            }
        }
    }
}
