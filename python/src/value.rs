//! Python's values as attribute values: nothing that a value does reaches the host, and all of it is bounded.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString,
    PyTuple,
};
use trackside::telemetry::Value;

use crate::counts;

/// A list in a list stays one; what is deeper becomes text.
const DEPTH: usize = 2;
/// Values of one list, those of the lists in it included; the rest is cut off and counted.
const ITEMS: usize = 4096;
/// Attributes that are lent at once where a list is among them.
const AT_ONCE: usize = 128;

/// One value, converted.
pub(crate) enum Item<'py> {
    Bool(bool),
    I64(i64),
    F64(f64),
    /// Known to be UTF-8.
    Str(Bound<'py, PyString>),
    Text(String),
    Bytes(Bound<'py, PyBytes>),
    Buffer(Vec<u8>),
    List(Vec<Self>),
}

/// Attributes by their keys.
#[derive(Default)]
pub(crate) struct Attributes<'py>(Vec<(Item<'py>, Item<'py>)>);

impl<'py> Attributes<'py> {
    /// Those of a dictionary; a value `None` is left out, as OpenTelemetry has it.
    ///
    /// `Err` is what is no `Exception`, such as `KeyboardInterrupt`: it is not ours to keep.
    pub(crate) fn of(dict: &Bound<'py, PyDict>) -> PyResult<Self> {
        // Taken out first: an object's own `__str__` may change the dictionary.
        Self::from_pairs(&dict.iter().collect::<Vec<_>>())
    }

    /// As of a dictionary.
    pub(crate) fn from_pairs(pairs: &[(Bound<'py, PyAny>, Bound<'py, PyAny>)]) -> PyResult<Self> {
        let mut attributes = Self(Vec::with_capacity(pairs.len()));
        for (key, value) in pairs {
            attributes.add(key, value)?;
        }
        Ok(attributes)
    }

    pub(crate) fn add(
        &mut self,
        key: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        if !value.is_none() {
            let key = match key.cast::<PyString>() {
                Ok(key) => text(key),
                Err(_) => Item::Text(printed(key)?),
            };
            let mut budget = ITEMS;
            self.0.push((key, item(value, 0, &mut budget)?));
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Lends all of them at once.
    pub(crate) fn lend(&self, take: Take<'_>) {
        self.lend_behind(Vec::with_capacity(self.len()), take);
    }

    /// Lends all of them at once, behind others.
    pub(crate) fn lend_behind<'a>(&'a self, mut own: Vec<(&'a str, Value<'a>)>, take: Take<'_>) {
        if self.0.iter().any(|(_, item)| matches!(item, Item::List(_))) {
            if self.0.len() > AT_ONCE {
                counts::CUT_VALUES.add(1);
            }
            return gather(&self.0[..self.0.len().min(AT_ONCE)], &own, take);
        }
        own.extend(self.0.iter().map(|(key, item)| (key.as_text(), borrowed(item))));
        take(&own);
    }

    /// Lends each attribute in order.
    pub(crate) fn each(&self, mut each: impl FnMut(&str, Value<'_>)) {
        for (key, value) in &self.0 {
            let key = key.as_text();
            value.lend(&mut |value| each(key, value));
        }
    }
}

/// Takes attributes that are lent to it.
pub(crate) type Take<'a> = &'a mut dyn FnMut(&[(&str, Value<'_>)]);

/// A list's values live only while they are lent, so one attribute is lent inside the other.
fn gather(items: &[(Item<'_>, Item<'_>)], so_far: &[(&str, Value<'_>)], take: Take<'_>) {
    let Some(((key, item), rest)) = items.split_first() else {
        return take(so_far);
    };
    let key = key.as_text();
    item.lend(&mut |value| {
        let mut all = so_far.to_vec();
        all.push((key, value));
        gather(rest, &all, take);
    });
}

impl Item<'_> {
    pub(crate) fn as_text(&self) -> &str {
        match self {
            Self::Str(text) => text.to_str().unwrap_or_default(),
            Self::Text(text) => text,
            _ => "",
        }
    }

    pub(crate) fn lend(&self, take: &mut dyn FnMut(Value<'_>)) {
        match self {
            Self::Bool(v) => take(Value::Bool(*v)),
            Self::I64(v) => take(Value::I64(*v)),
            Self::F64(v) => take(Value::F64(*v)),
            Self::Str(_) | Self::Text(_) => take(Value::Str(self.as_text())),
            Self::Bytes(v) => take(Value::Bytes(v.as_bytes())),
            Self::Buffer(v) => take(Value::Bytes(v)),
            Self::List(items) => lend_all(items, take),
        }
    }
}

fn lend_all(items: &[Item<'_>], take: &mut dyn FnMut(Value<'_>)) {
    // Lists in the list need a place of their own.
    let lists: Vec<Vec<Value<'_>>> = items.iter().map(children).collect();
    let pairs = items.iter().zip(&lists);
    let values: Vec<Value<'_>> = pairs
        .map(|(item, list)| match item {
            Item::List(_) => Value::Array(list),
            flat => borrowed(flat),
        })
        .collect();
    take(Value::Array(&values));
}

fn children<'a>(item: &'a Item<'_>) -> Vec<Value<'a>> {
    match item {
        Item::List(items) => items.iter().map(borrowed).collect(),
        _ => Vec::new(),
    }
}

fn borrowed<'a>(item: &'a Item<'_>) -> Value<'a> {
    match item {
        Item::Bool(v) => Value::Bool(*v),
        Item::I64(v) => Value::I64(*v),
        Item::F64(v) => Value::F64(*v),
        Item::Str(v) => Value::Str(v.to_str().unwrap_or_default()),
        Item::Text(v) => Value::Str(v),
        Item::Bytes(v) => Value::Bytes(v.as_bytes()),
        Item::Buffer(v) => Value::Bytes(v),
        // Not so deep: `item` has made text of it.
        Item::List(_) => Value::Array(&[]),
    }
}

/// A text, whatever is in it: what UTF-8 has no bytes for is replaced.
pub(crate) fn text<'py>(text: &Bound<'py, PyString>) -> Item<'py> {
    match text.to_str() {
        Ok(_) => Item::Str(text.clone()),
        Err(_) => Item::Text(text.to_string_lossy().into_owned()),
    }
}

/// What the host gave as a text, or what `str` makes of it.
pub(crate) fn any_text<'py>(value: &Bound<'py, PyAny>) -> PyResult<Item<'py>> {
    match value.cast::<PyString>() {
        Ok(value) => Ok(text(value)),
        Err(_) => printed(value).map(Item::Text),
    }
}

pub(crate) fn item<'py>(
    value: &Bound<'py, PyAny>,
    depth: usize,
    budget: &mut usize,
) -> PyResult<Item<'py>> {
    if let Ok(value) = value.cast::<PyString>() {
        return Ok(text(value));
    }
    if let Ok(value) = value.cast::<PyBool>() {
        return Ok(Item::Bool(value.is_true()));
    }
    if value.is_instance_of::<PyInt>() {
        return match value.extract::<i64>() {
            Ok(value) => Ok(Item::I64(value)),
            Err(_) => huge(value).map(Item::Text),
        };
    }
    if let Ok(value) = value.cast::<PyFloat>() {
        return Ok(Item::F64(value.value()));
    }
    if let Ok(value) = value.cast::<PyBytes>() {
        return Ok(Item::Bytes(value.clone()));
    }
    if let Ok(value) = value.cast::<PyByteArray>() {
        return Ok(Item::Buffer(value.to_vec()));
    }
    let is_list = value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyTuple>()
        || value.is_instance_of::<PySet>()
        || value.is_instance_of::<PyFrozenSet>();
    if is_list && depth < DEPTH {
        return list(value, depth, budget);
    }
    printed(value).map(Item::Text)
}

fn list<'py>(values: &Bound<'py, PyAny>, depth: usize, budget: &mut usize) -> PyResult<Item<'py>> {
    let (py, mut items) = (values.py(), Vec::new());
    // A subclass's iterator is the host's code.
    let Ok(values) = values.try_iter() else {
        return printed(values).map(Item::Text);
    };
    for value in values {
        let value = match value {
            Ok(value) => value,
            Err(error) => {
                ours_to_keep(py, error)?;
                break;
            }
        };
        if *budget == 0 {
            counts::CUT_VALUES.add(1);
            break;
        }
        *budget -= 1;
        if value.is_none() {
            items.push(Item::Text("None".to_owned()));
        } else {
            items.push(item(&value, depth + 1, budget)?);
        }
    }
    Ok(Item::List(items))
}

/// An integer beyond 64 bits: its digits, where Python writes them.
fn huge(value: &Bound<'_, PyAny>) -> PyResult<String> {
    match value.str() {
        Ok(digits) => Ok(digits.to_string_lossy().into_owned()),
        // Beyond `sys.get_int_max_str_digits`.
        Err(error) => {
            ours_to_keep(value.py(), error)?;
            let bits = value.call_method0("bit_length").and_then(|bits| bits.extract::<u64>());
            Ok(format!("<int of {} bits>", bits.unwrap_or(0)))
        }
    }
}

/// What `str` says; where it raises, what kind of object that was.
pub(crate) fn printed(value: &Bound<'_, PyAny>) -> PyResult<String> {
    match value.str() {
        Ok(text) => Ok(text.to_string_lossy().into_owned()),
        Err(error) => {
            ours_to_keep(value.py(), error)?;
            counts::UNPRINTABLE.add(1);
            let name = value.get_type().qualname().map(|name| name.to_string_lossy().into_owned());
            Ok(format!("<unprintable {}>", name.unwrap_or_else(|_| "object".to_owned())))
        }
    }
}

/// `Err` again where it is no `Exception`: an interrupt is the host's.
pub(crate) fn ours_to_keep(py: Python<'_>, error: PyErr) -> PyResult<()> {
    if error.is_instance_of::<PyException>(py) { Ok(()) } else { Err(error) }
}
