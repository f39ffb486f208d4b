//! Values, attributes, scopes and resources of the SDK.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::logs::AnyValue;
use opentelemetry::{Array, InstrumentationScope, Key, KeyValue, Value};

use crate::encode::view::{Any, Entries, Items, Pairs, Resource, Scope, whole_number};

/// A resource, its keys in order: the SDK keeps them in none.
pub(crate) fn resource(from: &opentelemetry_sdk::Resource) -> Resource<'_> {
    let pairs = from.iter().map(|(key, value)| (key.as_str(), any(value)));
    let mut attributes: Pairs<'_> = pairs.collect();
    attributes.sort_by_key(|(key, _)| *key);
    let schema_url = from.schema_url().unwrap_or_default();
    Resource { attributes, schema_url, ..Resource::default() }
}

/// A resource of ours as the SDK's.
pub(crate) fn resource_of(attributes: &[(String, String)]) -> opentelemetry_sdk::Resource {
    let pairs = attributes.iter().map(|(key, value)| match whole_number(key, value) {
        Some(number) => KeyValue::new(key.clone(), number),
        None => KeyValue::new(key.clone(), value.clone()),
    });
    opentelemetry_sdk::Resource::builder_empty().with_attributes(pairs).build()
}

pub(crate) fn scope(from: &InstrumentationScope) -> Scope<'_> {
    Scope {
        name: from.name(),
        version: from.version().unwrap_or_default(),
        schema_url: from.schema_url().unwrap_or_default(),
        attributes: pairs(from.attributes()),
        dropped_attributes: 0,
    }
}

pub(super) fn pairs<'a>(from: impl Iterator<Item = &'a KeyValue>) -> Pairs<'a> {
    from.map(|pair| (pair.key.as_str(), any(&pair.value))).collect()
}

pub(super) fn any(value: &Value) -> Any<'_> {
    match value {
        Value::Bool(value) => Any::Bool(*value),
        Value::I64(value) => Any::I64(*value),
        Value::F64(value) => Any::F64(*value),
        Value::String(value) => Any::Str(value.as_str()),
        Value::Array(values) => Any::Array(values),
        // The enum is open, though these are all the kinds there are.
        _ => Any::Empty,
    }
}

impl Items for Array {
    fn items(&self, each: &mut dyn FnMut(Any<'_>)) {
        match self {
            Self::Bool(values) => values.iter().for_each(|value| each(Any::Bool(*value))),
            Self::I64(values) => values.iter().for_each(|value| each(Any::I64(*value))),
            Self::F64(values) => values.iter().for_each(|value| each(Any::F64(*value))),
            Self::String(values) => values.iter().for_each(|value| each(Any::Str(value.as_str()))),
            _ => {}
        }
    }
}

/// A value of a log record: its body, or one of its attributes.
pub(super) fn any_of_log(value: &AnyValue) -> Any<'_> {
    match value {
        AnyValue::Boolean(value) => Any::Bool(*value),
        AnyValue::Int(value) => Any::I64(*value),
        AnyValue::Double(value) => Any::F64(*value),
        AnyValue::String(value) => Any::Str(value.as_str()),
        AnyValue::Bytes(value) => Any::Bytes(value),
        AnyValue::ListAny(values) => Any::Array(&**values),
        AnyValue::Map(entries) => Any::Map(&**entries),
        // The enum is open, though these are all the kinds there are.
        _ => Any::Empty,
    }
}

impl Items for Vec<AnyValue> {
    fn items(&self, each: &mut dyn FnMut(Any<'_>)) {
        self.iter().for_each(|value| each(any_of_log(value)));
    }
}

impl Entries for std::collections::HashMap<Key, AnyValue> {
    fn entries(&self, each: &mut dyn FnMut(&str, Any<'_>)) {
        let mut sorted: Vec<_> = self.iter().collect();
        sorted.sort_by_key(|(key, _)| *key);
        sorted.into_iter().for_each(|(key, value)| each(key.as_str(), any_of_log(value)));
    }
}

/// 0 before 1970.
pub(super) fn unix_nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
