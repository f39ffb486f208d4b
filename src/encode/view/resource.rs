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
        let pair = |(key, value): &'a (String, String)| (key.as_str(), Any::Str(value));
        Self { attributes: pairs.iter().map(pair).collect(), ..Self::default() }
    }
}
