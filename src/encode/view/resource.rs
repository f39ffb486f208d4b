//! Who speaks.

use super::{Any, Pairs};

/// Attributes in order, and the schema that they follow, or empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resource<'a> {
    pub(crate) attributes: Pairs<'a>,
    pub(crate) dropped_attributes: u32,
    pub(crate) entity_refs: Vec<EntityRef<'a>>,
    pub(crate) schema_url: &'a str,
}

/// Which of a resource's attributes identify and describe one entity.
#[derive(Clone, Debug, Default)]
pub(crate) struct EntityRef<'a> {
    pub(crate) schema_url: &'a str,
    /// OTLP's `type`.
    pub(crate) kind: &'a str,
    pub(crate) id_keys: Vec<&'a str>,
    pub(crate) description_keys: Vec<&'a str>,
}

impl<'a> From<&'a [(String, String)]> for Resource<'a> {
    fn from(pairs: &'a [(String, String)]) -> Self {
        let pair = |(key, value): &'a (String, String)| (key.as_str(), typed(key, value));
        Self { attributes: pairs.iter().map(pair).collect(), ..Self::default() }
    }
}

/// A resource of ours is text; what the conventions want as a whole number is made one.
fn typed<'a>(key: &str, value: &'a str) -> Any<'a> {
    match whole_number(key, value) {
        Some(number) => Any::I64(number),
        None => Any::Str(value),
    }
}

/// The number that an attribute of a resource is by the conventions.
pub(crate) fn whole_number(key: &str, value: &str) -> Option<i64> {
    (key == "process.pid").then(|| value.parse().ok())?
}
