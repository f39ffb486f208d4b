//! What every part of a file is read with: keys that are known, values of a type, and a note for all else.

use super::yaml::{Entry, Node, Value};
use crate::config::given::{Given, Place};
use crate::config::parse::quote;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
}

/// A key, its type, and the variable that says the same.
pub(super) type Leaf = (&'static str, Kind, &'static str);

/// Collects what a file says.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) given: Vec<Given>,
    pub(super) notes: Vec<String>,
}

impl Reader {
    /// The whole file; `Err` is why nothing of it can be used.
    pub(super) fn root(&mut self, root: &Node) -> Result<(), String> {
        let Value::Map(entries) = &root.value else {
            return Err("not a mapping; it begins with file_format: \"1.0\"".to_owned());
        };
        format(entries)?;
        let leaves = [("disabled", Kind::Boolean, "OTEL_SDK_DISABLED")];
        let others = [
            "file_format",
            "stability",
            "log_level",
            "resource",
            "attribute_limits",
            "propagator",
            "tracer_provider",
            "meter_provider",
            "logger_provider",
            "instrumentation",
        ];
        let unsupported = ["instrumentation/development", "distribution"];
        self.leaves(root, "", &leaves, &others, &unsupported);
        self.log_level(root);
        self.resource(root);
        self.propagator(root);
        if let Some(limits) = child(root, "attribute_limits") {
            let leaves = [
                (
                    "attribute_value_length_limit",
                    Kind::Integer,
                    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                ),
                ("attribute_count_limit", Kind::Integer, "OTEL_ATTRIBUTE_COUNT_LIMIT"),
            ];
            self.leaves(limits, "attribute_limits", &leaves, &[], &[]);
        }
        if let Some(instrumentation) = child(root, "instrumentation") {
            self.leaves(instrumentation, "instrumentation", &[], &["general"], &[]);
            if let Some(general) = child(instrumentation, "general") {
                let leaf = [("stability_opt_in_list", Kind::Text, "OTEL_SEMCONV_STABILITY_OPT_IN")];
                self.leaves(general, "instrumentation.general", &leaf, &[], &[]);
            }
        }
        self.providers(root);
        Ok(())
    }

    fn log_level(&mut self, root: &Node) {
        let Some(node) = child(root, "log_level") else { return };
        let Some(level) = self.value(node, "log_level", Kind::Text) else { return };
        // The four steps of each severity are one level.
        let level = match level.trim_end_matches(|last: char| last.is_ascii_digit()) {
            "trace" => "debug".to_owned(),
            "fatal" => "error".to_owned(),
            other => other.to_owned(),
        };
        self.give("OTEL_LOG_LEVEL", level, node.line, "log_level");
    }

    fn propagator(&mut self, root: &Node) {
        let Some(node) = child(root, "propagator") else { return };
        self.leaves(node, "propagator", &[], &["composite", "composite_list"], &[]);
        let mut names = Vec::new();
        for (index, item) in self.list(node, "propagator", "composite").into_iter().enumerate() {
            let path = format!("propagator.composite[{index}]");
            names.extend(self.only(item, &path).map(|entry| entry.key.clone()));
        }
        if let Some(list) = child(node, "composite_list") {
            names.extend(self.value(list, "propagator.composite_list", Kind::Text));
        }
        if !names.is_empty() {
            self.give("OTEL_PROPAGATORS", names.join(","), node.line, "propagator");
        }
    }

    /// Takes the keys of a mapping that stand for variables; a key of `others` is read elsewhere, one of
    /// `unsupported` by nobody here.
    pub(super) fn leaves(
        &mut self,
        node: &Node,
        path: &str,
        leaves: &[Leaf],
        others: &[&str],
        unsupported: &[&str],
    ) {
        for entry in self.entries(node, path) {
            let below = below(path, &entry.key);
            let key = entry.key.as_str();
            if let Some((_, kind, variable)) = leaves.iter().find(|(known, ..)| *known == key) {
                if let Some(text) = self.value(&entry.node, &below, *kind) {
                    self.give(variable, text, entry.line, &below);
                }
            } else if unsupported.contains(&key) || key.ends_with("/development") {
                self.note(entry.line, &below, "not supported by this version; ignored");
            } else if !others.contains(&key) {
                let known = leaves.iter().map(|(known, ..)| *known).chain(others.iter().copied());
                let known = known.collect::<Vec<_>>().join(", ");
                self.note(entry.line, &below, &format!("not known; ignored; known are {known}"));
            }
        }
    }

    /// What a mapping holds; nothing where it is null, and a note where it is no mapping.
    pub(super) fn entries<'n>(&mut self, node: &'n Node, path: &str) -> &'n [Entry] {
        match &node.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            other => {
                self.note(node.line, path, &format!("{}, not a mapping; ignored", name(other)));
                &[]
            }
        }
    }

    /// The items of a list below a mapping.
    pub(super) fn list<'n>(&mut self, node: &'n Node, path: &str, key: &str) -> Vec<&'n Node> {
        match child(node, key).map(|child| (child.line, &child.value)) {
            Some((_, Value::List(nodes))) => nodes.iter().collect(),
            None => Vec::new(),
            Some((line, other)) => {
                let path = below(path, key);
                self.note(line, &path, &format!("{}, not a list; ignored", name(other)));
                Vec::new()
            }
        }
    }

    /// The one entry of a mapping that names a kind by its key.
    pub(super) fn only<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n Entry> {
        match self.entries(node, path) {
            [entry] => Some(entry),
            [] => None,
            more => {
                let keys: Vec<_> = more.iter().map(|entry| entry.key.as_str()).collect();
                let keys = keys.join(", ");
                self.note(
                    node.line,
                    path,
                    &format!("one key is meant, and there are {keys}; ignored"),
                );
                None
            }
        }
    }

    /// A value as its variable would hold it; `None` where it is null or of another type.
    pub(super) fn value(&mut self, node: &Node, path: &str, kind: Kind) -> Option<String> {
        let text = match (&node.value, kind) {
            (Value::Null, _) => return None,
            (Value::Text(text), Kind::Text)
            | (Value::Integer(text), Kind::Integer | Kind::Number)
            | (Value::Float(text), Kind::Number) => text.clone(),
            (Value::Boolean(value), Kind::Boolean) => value.to_string(),
            (other, _) => {
                let wanted = match kind {
                    Kind::Text => "a string",
                    Kind::Integer => "an integer",
                    Kind::Number => "a number",
                    Kind::Boolean => "true or false",
                };
                self.note(node.line, path, &format!("{}, not {wanted}; ignored", name(other)));
                return None;
            }
        };
        Some(text)
    }

    pub(super) fn give(
        &mut self,
        variable: &str,
        text: impl Into<String>,
        line: usize,
        path: &str,
    ) {
        let place = Some(Place { line, path: path.to_owned() });
        self.given.push(Given { name: variable.to_owned(), text: text.into(), place });
    }

    pub(super) fn note(&mut self, line: usize, path: &str, why: &str) {
        self.notes.push(format!("line {line}: {path}: {why}"));
    }
}

/// What stands below a key; null is nothing.
pub(super) fn child<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Value::Map(entries) = &node.value else { return None };
    let found = entries.iter().find(|entry| entry.key == key)?;
    (found.node.value != Value::Null).then_some(&found.node)
}

/// Whether the key is there, even with nothing below it.
pub(super) fn has(node: &Node, key: &str) -> bool {
    matches!(&node.value, Value::Map(entries) if entries.iter().any(|entry| entry.key == key))
}

pub(super) fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

const fn name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Boolean(_) => "true or false",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a number",
        Value::Text(_) => "a string",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
    }
}

/// What comes later than 1.0 adds; what came before was something else.
fn format(entries: &[Entry]) -> Result<(), String> {
    let remedy = "it has to be file_format: \"1.0\", or a later 1.x";
    let Some(entry) = entries.iter().find(|entry| entry.key == "file_format") else {
        return Err(format!("file_format is missing; {remedy}"));
    };
    let (Value::Text(text) | Value::Float(text) | Value::Integer(text)) = &entry.node.value else {
        return Err(format!("line {}: file_format: no version; {remedy}", entry.line));
    };
    let version = text.split('-').next().unwrap_or_default();
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    match (major.parse::<u32>(), minor.parse::<u32>()) {
        (Ok(1), Ok(_)) => Ok(()),
        _ => Err(format!(
            "line {}: file_format: {} cannot be read; {remedy}",
            entry.line,
            quote(text)
        )),
    }
}
