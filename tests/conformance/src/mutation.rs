//! The checker's own check: a value that can be changed without a difference was never looked at.

use serde_json::Value;

#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) tried: usize,
    /// The places whose change nobody noticed.
    pub(crate) unnoticed: Vec<String>,
}

impl Changes {
    /// Changes each value of the documents in turn, takes it away, and asks whether that is noticed.
    pub(crate) fn of_values(&mut self, documents: &[Value], noticed: impl Fn(&[Value]) -> bool) {
        for (line, document) in documents.iter().enumerate() {
            let mut places = Vec::new();
            leaves(document, String::new(), &mut places);
            for place in places {
                let mut changed = documents.to_vec();
                if let Some(value) = changed[line].pointer_mut(&place) {
                    change(value);
                }
                self.one(noticed(&changed), || format!("line {line}: {place}: changed"));
                changed.clone_from_slice(documents);
                remove(&mut changed[line], &place);
                self.one(noticed(&changed), || format!("line {line}: {place}: taken away"));
            }
        }
    }

    /// Takes away each document, and doubles it, as a lost and a repeated request would.
    pub(crate) fn of_documents(&mut self, documents: &[Value], noticed: impl Fn(&[Value]) -> bool) {
        for (line, document) in documents.iter().enumerate() {
            let mut changed = documents.to_vec();
            changed.push(document.clone());
            self.one(noticed(&changed), || format!("line {line}: doubled"));
            changed.pop();
            changed.remove(line);
            self.one(noticed(&changed), || format!("line {line}: taken away"));
        }
    }

    fn one(&mut self, noticed: bool, what: impl FnOnce() -> String) {
        self.tried += 1;
        if !noticed {
            self.unnoticed.push(format!("{}, and that is not noticed", what()));
        }
    }
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

/// A count becomes the next one, and other text something that it cannot be.
fn change(value: &mut Value) {
    *value = match &*value {
        Value::String(text) => match text.parse::<u32>() {
            Ok(number) if number < u32::MAX => Value::from((number + 1).to_string()),
            _ => Value::from(format!("{text}x")),
        },
        Value::Number(number) => Value::from(number.as_f64().unwrap_or(0.0) + 1.0),
        Value::Bool(truth) => Value::from(!truth),
        _ => Value::from("x"),
    };
}

fn remove(document: &mut Value, place: &str) {
    let Some((parent, key)) = place.rsplit_once('/') else {
        return;
    };
    match document.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.remove(key)),
        Some(Value::Array(items)) => drop(key.parse().map(|index: usize| items.remove(index))),
        _ => {}
    }
}
