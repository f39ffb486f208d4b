//! From text to nodes that know their lines. References to variables are resolved on the way: only in values, and
//! never into more than a text.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::substitution::substitute;

/// Aliases can make much of little.
const MOST_NODES: usize = 100_000;
/// No configuration is nested deeper.
const MOST_DEPTH: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// From 1.
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    /// As the core schema of YAML resolves it.
    Boolean(bool),
    /// In decimal digits.
    Integer(String),
    Float(String),
    Text(String),
    List(Vec<Node>),
    /// In order; no key occurs twice.
    Map(Vec<Entry>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) node: Node,
}

/// The one document of a text, and the variables that it refers to. `Err` says where the text is no YAML.
pub(super) fn parse(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(Node, Vec<String>), String> {
    let mut builder = Builder::new(environment);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            format!("line {}: not YAML: {}", error.marker().line(), error.info())
        })?;
        let line = span.start.line();
        builder.take(event, line).map_err(|why| format!("line {line}: {why}"))?;
    }
    let root = builder.root.unwrap_or(Node { line: 1, value: Value::Null });
    Ok((root, builder.referred))
}

struct Builder<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    /// What is open, the innermost last.
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    referred: Vec<String>,
    count: usize,
}

struct Open {
    line: usize,
    anchor: usize,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    /// The key that waits for its value.
    Map(Vec<Entry>, Option<(String, usize)>),
}

impl<'a> Builder<'a> {
    fn new(environment: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            environment,
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            referred: Vec::new(),
            count: 0,
        }
    }

    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), String> {
        match event {
            Event::SequenceStart(anchor, _) => self.begin(line, anchor, Inside::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                self.begin(line, anchor, Inside::Map(Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { line, anchor, inside }) = self.open.pop() else { return Ok(()) };
                let value = match inside {
                    Inside::List(nodes) => Value::List(nodes),
                    Inside::Map(entries, _) => Value::Map(entries),
                };
                self.put(Node { line, value }, anchor)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain
                    && !tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                if self.is_key() {
                    return self.key(text.into_owned(), line);
                }
                let text = self.resolved(&text)?;
                let value = if is_plain { plain(text) } else { Value::Text(text) };
                self.put(Node { line, value }, anchor)
            }
            Event::Alias(anchor) => {
                let Some(mut node) = self.anchors.get(&anchor).cloned() else {
                    return Err("an alias of something that is not yet complete".to_owned());
                };
                self.count += weight(&node);
                node.line = line;
                self.put(node, 0)
            }
            Event::DocumentStart(_) if self.root.is_some() => {
                Err("a second document; leave one".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn resolved(&mut self, text: &str) -> Result<String, String> {
        let Self { environment, referred, .. } = self;
        substitute(text, &mut |name| {
            if !referred.iter().any(|known| known == name) {
                referred.push(name.to_owned());
            }
            environment(name)
        })
    }

    fn begin(&mut self, line: usize, anchor: usize, inside: Inside) -> Result<(), String> {
        if self.is_key() {
            return Err("a key that is no text".to_owned());
        }
        if self.open.len() >= MOST_DEPTH {
            return Err("nested too deep".to_owned());
        }
        self.open.push(Open { line, anchor, inside });
        Ok(())
    }

    /// Whether what comes next is the key of a mapping.
    fn is_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { inside: Inside::Map(_, None), .. }))
    }

    fn key(&mut self, key: String, line: usize) -> Result<(), String> {
        if let Some(Open { inside: Inside::Map(entries, waiting), .. }) = self.open.last_mut() {
            if entries.iter().any(|entry| entry.key == key) {
                return Err(format!("the key {key:?} a second time"));
            }
            *waiting = Some((key, line));
        }
        Ok(())
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        self.count += 1;
        if self.count > MOST_NODES {
            return Err("more than any configuration has".to_owned());
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.inside) {
            None => self.root = Some(node),
            Some(Inside::List(nodes)) => nodes.push(node),
            Some(Inside::Map(entries, waiting)) => match waiting.take() {
                Some((key, line)) => entries.push(Entry { key, line, node }),
                None => return Err("a key that is no text".to_owned()),
            },
        }
        Ok(())
    }
}

fn weight(node: &Node) -> usize {
    match &node.value {
        Value::List(nodes) => nodes.iter().map(weight).sum::<usize>() + 1,
        Value::Map(entries) => entries.iter().map(|entry| weight(&entry.node)).sum::<usize>() + 1,
        _ => 1,
    }
}

/// A text without quotes, by the core schema of YAML 1.2.
fn plain(text: String) -> Value {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Boolean(true),
        "false" | "False" | "FALSE" => return Value::Boolean(false),
        _ => {}
    }
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).ok();
    let prefixed = match text.get(..2) {
        Some("0x") => radix(&text[2..], 16),
        Some("0o") => radix(&text[2..], 8),
        _ => None,
    };
    if let Some(number) = prefixed {
        return Value::Integer(number.to_string());
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Value::Integer(text.strip_prefix('+').unwrap_or(&text).to_owned());
    }
    let is_number = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && text.parse::<f64>().is_ok();
    if is_number || [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(&digits) {
        return Value::Float(text);
    }
    Value::Text(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(text: &str) -> Value {
        let environment = |name: &str| match name {
            "INT" => Some("1".to_owned()),
            "BOOL" => Some("true".to_owned()),
            "HEX" => Some("0xdeadbeef".to_owned()),
            "MAP" => Some("value\nkey: value".to_owned()),
            _ => None,
        };
        let (root, _) = parse(&format!("key: {text}"), &environment).unwrap();
        let Value::Map(entries) = root.value else { panic!("{text}") };
        assert_eq!((entries.len(), entries[0].key.as_str()), (1, "key"));
        entries[0].node.value.clone()
    }

    #[test]
    fn a_type_is_decided_when_the_text_is_complete() {
        let text = |text: &str| Value::Text(text.to_owned());
        let integer = |digits: &str| Value::Integer(digits.to_owned());
        let table = [
            ("${INT}", integer("1")),
            ("\"${INT}\"", text("1")),
            ("'${INT}'", text("1")),
            ("!!str ${INT}", text("1")),
            ("${BOOL}", Value::Boolean(true)),
            ("${HEX}", integer("3735928559")),
            ("0o17", integer("15")),
            ("-7", integer("-7")),
            ("1.5e3", Value::Float("1.5e3".to_owned())),
            (".5", Value::Float(".5".to_owned())),
            ("1.2.3", text("1.2.3")),
            ("e", text("e")),
            ("${NONE}", Value::Null),
            ("\"${NONE}\"", text("")),
            ("~", Value::Null),
            ("${MAP}", text("value\nkey: value")),
            ("yes", text("yes")),
        ];
        for (given, expected) in table {
            assert_eq!(value(given), expected, "{given}");
        }
    }

    #[test]
    fn lines_and_references_are_known() {
        let text = "a:\n  - ${X:-1}\n  - b: {c: \"${Y}\", d: \"${X}\"}\n";
        let (root, referred) = parse(text, &|_| None).unwrap();
        assert_eq!(referred, ["X", "Y"]);
        let Value::Map(entries) = root.value else { panic!() };
        let Value::List(nodes) = &entries[0].node.value else { panic!() };
        assert_eq!((nodes[0].line, nodes[1].line), (2, 3));
    }

    #[test]
    fn what_is_no_configuration_says_where() {
        for (text, expected) in [
            ("a: [1", "line 2: not YAML"),
            ("a: 1\na: 2", "line 2: the key \"a\" a second time"),
            ("a: 1\n---\nb: 2", "line 2: a second document"),
            ("? [1]\n: 2", "line 1: a key that is no text"),
            ("a: 1\nb: ${1}", "line 2: `${1}` is no reference"),
            ("a: &x [*x]", "line 1: an alias"),
        ] {
            let error = parse(text, &|_| None).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        let deep = parse(&"[".repeat(100), &|_| None).unwrap_err();
        assert!(deep.contains("nested too deep"), "{deep}");
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            laughs.push_str(&format!("a{level}: &a{level} [{before}]\n"));
        }
        let error = parse(&laughs, &|_| None).unwrap_err();
        assert!(error.contains("more than any configuration has"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-c:\\[\\]{}&*!|>\"'#\n -]{0,80}") {
            let _ = parse(&text, &|_| None);
        }
    }
}
