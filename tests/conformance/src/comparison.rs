//! Two documents, value by value.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// How many values were compared, and where they differ.
#[derive(Default)]
pub(crate) struct Comparison {
    pub(crate) compared: usize,
    pub(crate) differences: Vec<String>,
}

impl Comparison {
    /// The documents of `expectation` and `document`: resources and scopes, the tree of each request, metrics, logs.
    pub(crate) fn documents(&mut self, expected: &Value, found: &Value) {
        self.value("resources", &expected["resources"], &found["resources"]);
        self.value("scopes", &expected["scopes"], &found["scopes"]);
        self.spans("request", &expected["requests"], &found["requests"]);
        self.value("metric", &expected["metrics"], &found["metrics"]);
        self.value("log", &expected["logs"], &found["logs"]);
    }

    /// Siblings, in the order in which they began.
    fn spans(&mut self, place: &str, expected: &Value, found: &Value) {
        let none = Vec::new();
        let expected = expected.as_array().unwrap_or(&none);
        let found = found.as_array().unwrap_or(&none);
        for index in 0..expected.len().max(found.len()) {
            let name =
                |span: &Value| span["name"].as_str().unwrap_or("a span without a name").to_owned();
            let place = |span| match place {
                "request" => format!("request {} > {}", index + 1, name(span)),
                _ => format!("{place} > {}", name(span)),
            };
            match (expected.get(index), found.get(index)) {
                (Some(expected), Some(found)) => self.span(&place(expected), expected, found),
                (Some(span), None) => self.differ(&place(span), "this span is missing"),
                (None, Some(span)) => self.differ(&place(span), "this span is not expected"),
                (None, None) => {}
            }
        }
    }

    fn span(&mut self, place: &str, expected: &Value, found: &Value) {
        let own = |span: &Value| {
            let mut fields = span.as_object().cloned().unwrap_or_default();
            fields.remove("children");
            fields
        };
        self.object(place, &own(expected), &own(found));
        self.spans(place, &expected["children"], &found["children"]);
    }

    fn value(&mut self, place: &str, expected: &Value, found: &Value) {
        match (expected, found) {
            (Value::Object(expected), Value::Object(found)) => self.object(place, expected, found),
            (Value::Array(expected), Value::Array(found)) => {
                self.that(place, expected.len() == found.len(), || {
                    format!("{} items expected, {} found", expected.len(), found.len())
                });
                for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                    self.value(&format!("{place}[{index}]"), expected, found);
                }
            }
            _ => self
                .that(place, expected == found, || format!("{expected} expected, {found} found")),
        }
    }

    fn object(&mut self, place: &str, expected: &Map<String, Value>, found: &Map<String, Value>) {
        let keys: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
        for key in keys {
            let place = format!("{place}: {key}");
            match (expected.get(key), found.get(key)) {
                (Some(expected), Some(found)) => self.value(&place, expected, found),
                (Some(expected), None) => {
                    self.differ(&place, &format!("missing, {expected} expected"))
                }
                (None, found) => self.differ(&place, &format!("not expected: {}", json!(found))),
            }
        }
    }

    /// Two texts.
    pub(crate) fn text(&mut self, place: &str, expected: &str, found: &str) {
        self.that(place, expected == found, || format!("{expected:?} expected, {found:?} found"));
    }

    /// One value that obeys a rule, or does not.
    pub(crate) fn that(&mut self, place: &str, holds: bool, otherwise: impl FnOnce() -> String) {
        self.compared += 1;
        if !holds {
            self.differences.push(format!("{place}: {}", otherwise()));
        }
    }

    fn differ(&mut self, place: &str, how: &str) {
        self.that(place, false, || how.to_owned());
    }
}
