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

/// Whether two scopes are one, as it is seen at a glance: of those with attributes it is not said.
#[inline]
pub(crate) fn is_same_scope(one: &InstrumentationScope, other: &InstrumentationScope) -> bool {
    is_same(Some(one.name()), Some(other.name()))
        && is_same(one.version(), other.version())
        && is_same(one.schema_url(), other.schema_url())
        && one.attributes().next().is_none()
        && other.attributes().next().is_none()
}

/// Equality of texts that mostly are one in memory too.
#[inline]
fn is_same(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => std::ptr::eq(one, other) || one == other,
        (one, other) => one.is_none() && other.is_none(),
    }
}

pub(super) fn pairs<'a>(from: impl Iterator<Item = &'a KeyValue>) -> Pairs<'a> {
    from.map(|pair| (pair.key.as_str(), any(&pair.value))).collect()
}

#[inline]
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
#[inline]
pub(super) fn unix_nanos(time: SystemTime) -> u64 {
    let Ok(since) = time.duration_since(UNIX_EPOCH) else { return 0 };
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn scopes_are_one_where_it_is_certain() {
        let named = || InstrumentationScope::builder("a");
        let one = named().with_version("1").build();
        assert!(is_same_scope(&one, &named().with_version("1").build()));
        let with = named().with_version("1").with_attributes([KeyValue::new("k", 1)]).build();
        for other in [
            named().build(),
            named().with_version("2").build(),
            named().with_version("1").with_schema_url("s").build(),
            InstrumentationScope::builder("b").with_version("1").build(),
            with.clone(),
        ] {
            assert!(!is_same_scope(&one, &other) && !is_same_scope(&other, &one), "{other:?}");
        }
        assert!(!is_same_scope(&with, &with), "whoever has attributes is compared in full");
    }

    #[test]
    fn times_are_nanoseconds_as_far_as_they_go() {
        let last = Duration::from_nanos(u64::MAX);
        assert_eq!(unix_nanos(UNIX_EPOCH + last), u64::MAX);
        assert_eq!(unix_nanos(UNIX_EPOCH + last - Duration::from_nanos(1)), u64::MAX - 1);
        assert_eq!(unix_nanos(UNIX_EPOCH + last + Duration::from_nanos(1)), u64::MAX);
        assert_eq!(unix_nanos(UNIX_EPOCH + last * 2), u64::MAX);
        assert_eq!(unix_nanos(UNIX_EPOCH - Duration::from_secs(1)), 0);
    }
}
