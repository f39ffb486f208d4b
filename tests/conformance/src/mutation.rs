//! The checker's own check: a value that can be changed without a difference was never looked at.

use serde_json::Value;

pub(crate) struct Changes {
    pub(crate) tried: usize,
    /// The places whose change nobody noticed.
    pub(crate) unnoticed: Vec<String>,
}

/// Changes each value of the documents in turn and asks whether that is noticed.
pub(crate) fn unnoticed(documents: &[Value], noticed: impl Fn(&[Value]) -> bool) -> Changes {
    let mut changes = Changes { tried: 0, unnoticed: Vec::new() };
    for (line, document) in documents.iter().enumerate() {
        let mut places = Vec::new();
        leaves(document, String::new(), &mut places);
        for place in places {
            let mut changed = documents.to_vec();
            if let Some(value) = changed[line].pointer_mut(&place) {
                change(value);
            }
            changes.tried += 1;
            if !noticed(&changed) {
                changes
                    .unnoticed
                    .push(format!("line {line}: {place}: a change here is not noticed"));
            }
        }
    }
    changes
}

/// JSON pointers to every value that is not an object or a list.
fn leaves(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                leaves(value, format!("{place}/{key}"), places);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                leaves(value, format!("{place}/{index}"), places);
            }
        }
        _ => places.push(place),
    }
}

fn change(value: &mut Value) {
    *value = match &*value {
        Value::String(text) => Value::from(format!("{text}x")),
        Value::Number(number) => Value::from(number.as_f64().unwrap_or(0.0) + 1.0),
        Value::Bool(truth) => Value::from(!truth),
        _ => Value::from("x"),
    };
}
