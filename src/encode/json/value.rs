//! Attributes, and every kind of `AnyValue`.

use super::writer::Writer;
use crate::encode::view::{Any, Attributes, EntityRef, Resource, Scope};

/// Values within each other; what is deeper becomes an empty value.
const MAX_DEPTH: usize = 64;

/// Attributes and how many were dropped, as fields of the item.
pub(super) fn attributes(out: &mut Writer, item: &impl Attributes) {
    let mut is_first = true;
    item.attributes(|key, value| {
        if std::mem::take(&mut is_first) {
            out.key("attributes");
            out.open(b'[');
        }
        key_value(out, key, value, 0);
    });
    if !is_first {
        out.close(b']');
    }
    out.small("droppedAttributesCount", item.dropped_attributes());
}

pub(super) fn pairs(out: &mut Writer, name: &'static str, pairs: &[(&str, Any<'_>)]) {
    out.list(name, pairs, |out, (key, value)| key_value(out, key, *value, 0));
}

pub(super) fn resource(out: &mut Writer, from: &Resource<'_>) {
    out.object(|out| {
        pairs(out, "attributes", &from.attributes);
        out.small("droppedAttributesCount", from.dropped_attributes);
        out.list("entityRefs", &from.entity_refs, entity_ref);
    });
}

fn entity_ref(out: &mut Writer, from: &EntityRef<'_>) {
    out.object(|out| {
        // Some readers miss what is left out here, though the mapping allows it.
        for (name, text) in [("schemaUrl", from.schema_url), ("type", from.kind)] {
            out.key(name);
            out.string(text);
        }
        for (name, keys) in [("idKeys", &from.id_keys), ("descriptionKeys", &from.description_keys)]
        {
            out.key(name);
            out.open(b'[');
            keys.iter().for_each(|key| out.string(key));
            out.close(b']');
        }
    });
}

pub(super) fn scope(out: &mut Writer, from: &Scope<'_>) {
    out.object(|out| {
        out.text("name", from.name);
        out.text("version", from.version);
        pairs(out, "attributes", &from.attributes);
        out.small("droppedAttributesCount", from.dropped_attributes);
    });
}

fn key_value(out: &mut Writer, key: &str, value: Any<'_>, depth: usize) {
    out.object(|out| {
        out.key("key");
        out.string(key);
        out.key("value");
        any_value(out, value, depth);
    });
}

/// The member of the oneof is written whatever its value is.
pub(super) fn any_value(out: &mut Writer, value: Any<'_>, depth: usize) {
    out.object(|out| match value {
        Any::Empty => {}
        Any::Bool(value) => {
            out.key("boolValue");
            out.boolean(value);
        }
        Any::I64(value) => {
            out.key("intValue");
            out.quoted(value);
        }
        Any::F64(value) => {
            out.key("doubleValue");
            out.double(value);
        }
        Any::Str(text) => {
            out.key("stringValue");
            out.string(text);
        }
        Any::Bytes(bytes) => {
            out.key("bytesValue");
            out.base64(bytes);
        }
        Any::Array(_) | Any::Map(_) if depth >= MAX_DEPTH => {}
        Any::Array(values) => {
            out.key("arrayValue");
            nested(out, |out| values.items(&mut |value| any_value(out, value, depth + 1)));
        }
        Any::Map(entries) => {
            out.key("kvlistValue");
            nested(out, |out| {
                entries.entries(&mut |key, value| key_value(out, key, value, depth + 1));
            });
        }
    });
}

/// The list of an array's or a map's message.
fn nested(out: &mut Writer, write: impl FnOnce(&mut Writer)) {
    out.object(|out| {
        out.key("values");
        out.open(b'[');
        write(out);
        out.close(b']');
    });
}
