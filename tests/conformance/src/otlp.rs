//! OTLP/JSON as the Collector writes it.

use serde_json::{Map, Value, json};

pub(crate) type Fields = Map<String, Value>;

/// Attributes under their keys; a key that comes twice keeps both values, so that it equals nothing.
pub(crate) fn keyed(pairs: impl Iterator<Item = (Value, Value)>) -> Value {
    let mut fields = Fields::new();
    for (key, value) in pairs {
        let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        let value = match fields.remove(&key) {
            Some(first) => json!({ "first": first, "again": value }),
            None => value,
        };
        fields.insert(key, value);
    }
    Value::Object(fields)
}

pub(crate) fn attributes(list: Option<&Value>) -> Value {
    let list = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    keyed(list.iter().map(|item| {
        let fields = rest(item, "key");
        let value = fields.get("value").filter(|_| fields.len() == 1).cloned();
        (item["key"].clone(), value.unwrap_or(Value::Object(fields)))
    }))
}

pub(crate) fn distinct(seen: &mut Vec<Value>, fields: Fields) {
    let fields = Value::Object(fields);
    if !seen.contains(&fields) {
        seen.push(fields);
    }
}

pub(crate) fn rest(of: &Value, without: &str) -> Fields {
    let mut fields = of.as_object().cloned().unwrap_or_default();
    fields.remove(without);
    fields
}

pub(crate) fn each<'a>(of: &'a [Value], field: &'static str) -> impl Iterator<Item = &'a Value> {
    of.iter().flat_map(move |value| items(value, field))
}

pub(crate) fn items<'a>(of: &'a Value, field: &str) -> std::slice::Iter<'a, Value> {
    of[field].as_array().map_or(&[][..], Vec::as_slice).iter()
}

pub(crate) fn text<'a>(of: &'a Value, field: &str) -> &'a str {
    of[field].as_str().unwrap_or("")
}

/// What the field holds as a 64-bit integer, a string in OTLP/JSON.
pub(crate) fn integer(of: &Value) -> Option<u64> {
    of.as_str()?.parse().ok()
}

/// What is no time becomes one outside of every run.
pub(crate) fn time(of: &Value, field: &str) -> u64 {
    integer(&of[field]).unwrap_or(0)
}
