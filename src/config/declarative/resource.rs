//! Who is speaking.

use super::reader::{Kind, Reader, child};
use super::yaml::{Node, Value};
use crate::config::parse;

impl Reader {
    /// `attributes` over `attributes_list`, both as the one variable.
    pub(super) fn resource(&mut self, root: &Node) {
        let Some(node) = child(root, "resource") else { return };
        let others = ["attributes", "attributes_list", "schema_url"];
        self.leaves(node, "resource", &[], &others, &[]);
        if let Some(url) = child(node, "schema_url") {
            self.note(url.line, "resource.schema_url", "not supported by this version; ignored");
        }
        let mut pairs = Vec::new();
        if let Some(list) = child(node, "attributes_list") {
            let path = "resource.attributes_list";
            let mut complaints = Vec::new();
            let text = self.value(list, path, Kind::Text);
            let found = text.and_then(|text| parse::attributes(&text, &mut complaints));
            complaints.iter().for_each(|complaint| self.note(list.line, path, complaint));
            pairs.extend(found.unwrap_or_default());
        }
        let items = self.list(node, "resource", "attributes");
        for (index, item) in items.into_iter().enumerate() {
            let path = format!("resource.attributes[{index}]");
            if let Some((key, value)) = self.attribute(item, &path) {
                parse::put(&mut pairs, key, value);
            }
        }
        if !pairs.is_empty() {
            let text: Vec<_> =
                pairs.iter().map(|(k, v)| format!("{}={}", encoded(k), encoded(v))).collect();
            self.give("OTEL_RESOURCE_ATTRIBUTES", text.join(","), node.line, "resource");
        }
    }

    /// Resources of ours hold texts.
    fn attribute(&mut self, item: &Node, path: &str) -> Option<(String, String)> {
        self.leaves(item, path, &[], &["name", "value", "type"], &[]);
        let Some(key) = child(item, "name") else {
            self.note(item.line, path, "its name is missing; ignored");
            return None;
        };
        let key = self.value(key, path, Kind::Text).filter(|key| !key.is_empty())?;
        let value = child(item, "value")?;
        match &value.value {
            Value::Text(text) | Value::Integer(text) | Value::Float(text) => {
                Some((key, text.clone()))
            }
            Value::Boolean(value) => Some((key, value.to_string())),
            _ => {
                self.note(value.line, path, "only single values are supported; ignored");
                None
            }
        }
    }
}

/// As a list of `key=value` needs it.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}
