//! Resources and scopes.

use capnp::primitive_list;

use super::Table;
use super::value::Gathered;
use crate::encode::view::{EntityRef, Resource, Scope};
use crate::schema::common_capnp::scope;
use crate::schema::resource_capnp::{entity_ref, resource};

/// Lends the resource.
pub(in crate::receive::rows) fn with_resource<'a>(
    table: Table<'a>,
    from: resource::Reader<'a>,
    schema_url: u32,
    take: impl FnOnce(&Resource<'_>),
) {
    let mut gathered = Gathered::default();
    gathered.add(table, from.get_attributes());
    let entities = table.list(from.get_entity_refs());
    take(&Resource {
        attributes: gathered.lender().pairs(table, from.get_attributes()),
        dropped_attributes: from.get_dropped_attributes_count(),
        entity_refs: entities.map(|entity| entity_ref(table, entity)).collect(),
        schema_url: table.text(schema_url),
    });
}

fn entity_ref<'a>(table: Table<'a>, from: entity_ref::Reader<'a>) -> EntityRef<'a> {
    let texts = |list: capnp::Result<primitive_list::Reader<'a, u32>>| {
        let list = table.read(list);
        list.iter().flat_map(|list| list.iter()).map(|index| table.text(index)).collect()
    };
    EntityRef {
        schema_url: table.text(from.get_schema_url()),
        kind: table.text(from.get_type()),
        id_keys: texts(from.get_id_keys()),
        description_keys: texts(from.get_description_keys()),
    }
}

/// Lends the scope.
pub(in crate::receive::rows) fn with_scope<'a, T>(
    table: Table<'a>,
    from: scope::Reader<'a>,
    schema_url: u32,
    take: impl FnOnce(&Scope<'_>) -> T,
) -> T {
    let mut gathered = Gathered::default();
    gathered.add(table, from.get_attributes());
    take(&Scope {
        name: table.text(from.get_name()),
        version: table.text(from.get_version()),
        schema_url: table.text(schema_url),
        attributes: gathered.lender().pairs(table, from.get_attributes()),
        dropped_attributes: from.get_dropped_attributes_count(),
    })
}
