//! What spans, metrics and log records have in common: values, attributes, who speaks.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyMapping, PySequence, PyString};

use super::message::Message;
use crate::value::{any_text, printed};

/// Values within values; what is deeper becomes text. Decoders stop at a hundred.
const DEPTH: usize = 32;

/// `AnyValue`.
pub(super) fn value(to: &mut Message, given: &Bound<'_, PyAny>, depth: usize) -> PyResult<()> {
    if given.is_none() {
        return Ok(());
    }
    if let Ok(given) = given.cast::<PyString>() {
        to.set_bytes(1, given.to_string_lossy().as_bytes());
    } else if let Ok(given) = given.cast::<PyBool>() {
        to.set_varint(2, given.is_true().into());
    } else if given.is_instance_of::<PyInt>() {
        match given.extract::<i64>() {
            Ok(number) => to.set_varint(3, number as u64),
            Err(_) => to.set_bytes(1, printed(given)?.as_bytes()),
        }
    } else if let Ok(given) = given.cast::<PyFloat>() {
        to.set_double(4, given.value());
    } else if let Ok(given) = given.cast::<PyBytes>() {
        to.set_bytes(7, given.as_bytes());
    } else if depth == 0 {
        to.set_bytes(1, printed(given)?.as_bytes());
    } else if given.cast::<PyMapping>().is_ok() {
        to.message(6, |to| attributes(to, 1, given, depth - 1))?;
    } else if given.cast::<PySequence>().is_ok() {
        to.message(5, |to| {
            for item in given.try_iter()? {
                let item = item?;
                to.message(1, |to| value(to, &item, depth - 1))?;
            }
            Ok(())
        })?;
    } else {
        to.set_bytes(1, printed(given)?.as_bytes());
    }
    Ok(())
}

/// The body of a log record, or a value by itself.
pub(super) fn whole(to: &mut Message, field: u32, given: &Bound<'_, PyAny>) -> PyResult<()> {
    if given.is_none() {
        return Ok(());
    }
    to.message(field, |to| value(to, given, DEPTH))
}

/// A `KeyValue` for each entry of a mapping; None has no entries.
pub(super) fn all(to: &mut Message, field: u32, given: &Bound<'_, PyAny>) -> PyResult<()> {
    attributes(to, field, given, DEPTH)
}

fn attributes(
    to: &mut Message,
    field: u32,
    given: &Bound<'_, PyAny>,
    depth: usize,
) -> PyResult<()> {
    if given.is_none() {
        return Ok(());
    }
    for pair in given.call_method0("items")?.try_iter()? {
        let (key, given): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
        let key = any_text(&key)?;
        to.message(field, |to| {
            to.bytes(1, key.as_text().as_bytes());
            to.message(2, |to| value(to, &given, depth))
        })?;
    }
    Ok(())
}

/// A text; None is empty.
pub(super) fn text(to: &mut Message, field: u32, given: &Bound<'_, PyAny>) -> PyResult<()> {
    if !given.is_none() {
        to.bytes(field, any_text(given)?.as_text().as_bytes());
    }
    Ok(())
}

/// A number that cannot be negative; None and what does not fit is 0.
pub(super) fn number(given: &Bound<'_, PyAny>) -> u64 {
    given.extract::<u64>().unwrap_or(0)
}

/// An attribute of an object, which older versions may lack.
pub(super) fn field<'py>(of: &Bound<'py, PyAny>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    Ok(of.getattr_opt(name)?.unwrap_or_else(|| of.py().None().into_bound(of.py())))
}

/// An enumeration's number.
pub(super) fn of_enum(given: &Bound<'_, PyAny>) -> PyResult<u64> {
    Ok(number(&field(given, "value")?))
}

pub(super) fn trace_id(given: &Bound<'_, PyAny>) -> Option<[u8; 16]> {
    let id = given.extract::<u128>().unwrap_or(0);
    (id != 0).then(|| id.to_be_bytes())
}

pub(super) fn span_id(given: &Bound<'_, PyAny>) -> Option<[u8; 8]> {
    let id = given.extract::<u64>().unwrap_or(0);
    (id != 0).then(|| id.to_be_bytes())
}

/// Items of one resource, by their scopes.
type OfResource<'py> = (Bound<'py, PyAny>, Vec<(Bound<'py, PyAny>, Vec<Bound<'py, PyAny>>)>);

/// Groups items by who speaks, in the order in which each came first.
pub(super) fn grouped<'py>(items: &Bound<'py, PyAny>) -> PyResult<(usize, Vec<OfResource<'py>>)> {
    let mut resources: Vec<OfResource<'py>> = Vec::new();
    let mut count = 0;
    for item in items.try_iter()? {
        let item = item?;
        let (resource, scope) = (field(&item, "resource")?, field(&item, "instrumentation_scope")?);
        let at = position(resources.iter().map(|(of, _)| of), &resource)?;
        let at = at.unwrap_or_else(|| {
            resources.push((resource, Vec::new()));
            resources.len() - 1
        });
        let scopes = &mut resources[at].1;
        let at = position(scopes.iter().map(|(of, _)| of), &scope)?;
        let at = at.unwrap_or_else(|| {
            scopes.push((scope, Vec::new()));
            scopes.len() - 1
        });
        scopes[at].1.push(item);
        count += 1;
    }
    Ok((count, resources))
}

fn position<'a, 'py: 'a>(
    known: impl Iterator<Item = &'a Bound<'py, PyAny>>,
    wanted: &Bound<'py, PyAny>,
) -> PyResult<Option<usize>> {
    for (at, one) in known.enumerate() {
        if one.is(wanted) || one.eq(wanted)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// A request of spans or of log records.
pub(super) fn request(
    resources: &[OfResource<'_>],
    write: fn(&mut Message, &Bound<'_, PyAny>) -> PyResult<()>,
) -> PyResult<Vec<u8>> {
    let mut to = Message::default();
    for (of, scopes) in resources {
        to.message(1, |to| {
            resource(to, of)?;
            for (of, items) in scopes {
                to.message(2, |to| {
                    scope(to, of)?;
                    for item in items {
                        to.message(2, |to| write(to, item))?;
                    }
                    text(to, 3, &field(of, "schema_url")?)
                })?;
            }
            text(to, 3, &field(of, "schema_url")?)
        })?;
    }
    Ok(to.into_bytes())
}

pub(super) fn resource(to: &mut Message, of: &Bound<'_, PyAny>) -> PyResult<()> {
    to.message(1, |to| all(to, 1, &field(of, "attributes")?))
}

pub(super) fn scope(to: &mut Message, of: &Bound<'_, PyAny>) -> PyResult<()> {
    to.message(1, |to| {
        text(to, 1, &field(of, "name")?)?;
        text(to, 2, &field(of, "version")?)?;
        all(to, 3, &field(of, "attributes")?)
    })
}
