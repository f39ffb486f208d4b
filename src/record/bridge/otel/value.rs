//! The API's values as ours.

use std::fmt::Write as _;

use opentelemetry::logs::AnyValue;
use opentelemetry::{Array, Value as ApiValue};

use crate::telemetry::Value;

/// Lends an attribute's value; an array is gathered first.
pub(super) fn with_value<R>(value: &ApiValue, run: impl FnOnce(Value<'_>) -> R) -> R {
    match value {
        ApiValue::Bool(value) => run(Value::Bool(*value)),
        ApiValue::I64(value) => run(Value::I64(*value)),
        ApiValue::F64(value) => run(Value::F64(*value)),
        ApiValue::String(value) => run(Value::Str(value.as_str())),
        ApiValue::Array(items) => {
            let items: Vec<Value<'_>> = match items {
                Array::Bool(items) => items.iter().map(|item| Value::Bool(*item)).collect(),
                Array::I64(items) => items.iter().map(|item| Value::I64(*item)).collect(),
                Array::F64(items) => items.iter().map(|item| Value::F64(*item)).collect(),
                Array::String(items) => {
                    items.iter().map(|item| Value::Str(item.as_str())).collect()
                }
                other => return run(Value::Str(&other.to_string())),
            };
            run(Value::Array(&items))
        }
        other => run(Value::Str(&other.as_str())),
    }
}

/// Lends a log record's value. What our records have no form for, maps and lists within lists,
/// becomes JSON text.
pub(super) fn with_any<R>(value: &AnyValue, run: impl FnOnce(Value<'_>) -> R) -> R {
    if let Some(value) = plain(value) {
        return run(value);
    }
    if let AnyValue::ListAny(items) = value {
        if let Some(items) = items.iter().map(plain).collect::<Option<Vec<_>>>() {
            return run(Value::Array(&items));
        }
    }
    let mut json = String::new();
    write_json(&mut json, value);
    run(Value::Str(&json))
}

fn plain(value: &AnyValue) -> Option<Value<'_>> {
    Some(match value {
        AnyValue::Int(value) => Value::I64(*value),
        AnyValue::Double(value) => Value::F64(*value),
        AnyValue::String(value) => Value::Str(value.as_str()),
        AnyValue::Boolean(value) => Value::Bool(*value),
        AnyValue::Bytes(value) => Value::Bytes(value),
        _ => return None,
    })
}

fn write_json(json: &mut String, value: &AnyValue) {
    // Writing to a `String` cannot fail.
    let _ = match value {
        AnyValue::Int(value) => write!(json, "{value}"),
        AnyValue::Double(value) if value.is_finite() => write!(json, "{value}"),
        AnyValue::Double(value) => write!(json, "\"{value}\""),
        AnyValue::Boolean(value) => write!(json, "{value}"),
        AnyValue::String(value) => return write_text(json, value.as_str()),
        AnyValue::Bytes(bytes) => write!(json, "{bytes:?}"),
        AnyValue::ListAny(items) => {
            for (index, item) in items.iter().enumerate() {
                json.push(if index == 0 { '[' } else { ',' });
                write_json(json, item);
            }
            json.push_str(if items.is_empty() { "[]" } else { "]" });
            return;
        }
        AnyValue::Map(entries) => {
            // In the order of the keys: a map has none of its own.
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|&(key, _)| key);
            json.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                json.push_str(if index == 0 { "" } else { "," });
                write_text(json, key.as_str());
                json.push(':');
                write_json(json, item);
            }
            json.push('}');
            return;
        }
        other => return write_text(json, &format!("{other:?}")),
    };
}

fn write_text(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            character if character.is_control() => {
                let _ = write!(json, "\\u{:04x}", u32::from(character));
            }
            character => json.push(character),
        }
    }
    json.push('"');
}
