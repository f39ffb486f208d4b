//! What stands around the items, for every signal the same: resources, and scopes in them.

use super::message::{Message, Place};
use super::value::Values;
use super::words::Run;
use crate::encode::view::{EntityRef, Resource as ResourceView, Scope as ScopeView};
use crate::schema::resource_capnp::entity_ref;

/// The resources of a batch, each with its scopes, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Groups {
    resources: Vec<Resource>,
    scopes: Vec<Scope>,
    entities: Vec<Entity>,
    keys: Vec<u32>,
}

#[derive(Debug)]
pub(super) struct Resource {
    pub(super) schema_url: u32,
    dropped: u32,
    attributes: Run,
    entities: Run,
    /// Where its scopes begin; the next resource's begin where they end.
    first_scope: usize,
}

#[derive(Debug)]
pub(super) struct Scope {
    pub(super) schema_url: u32,
    name: u32,
    version: u32,
    dropped: u32,
    attributes: Run,
    items: usize,
}

#[derive(Debug)]
struct Entity {
    schema_url: u32,
    kind: u32,
    id_keys: Run,
    description_keys: Run,
}

impl Groups {
    pub(super) fn add_resource(&mut self, values: &mut Values, from: &ResourceView<'_>) {
        let start = self.entities.len();
        for entity in &from.entity_refs {
            let entity = self.entity(values, entity);
            self.entities.push(entity);
        }
        let entities = Run::since(start, self.entities.len());
        self.resources.push(Resource {
            schema_url: values.strings.index(from.schema_url),
            dropped: from.dropped_attributes,
            attributes: values.pairs(&from.attributes),
            entities,
            first_scope: self.scopes.len(),
        });
    }

    fn entity(&mut self, values: &mut Values, from: &EntityRef<'_>) -> Entity {
        let mut keys = |from: &[&str]| {
            let start = self.keys.len();
            self.keys.extend(from.iter().map(|key| values.strings.index(key)));
            Run::since(start, self.keys.len())
        };
        let (id_keys, description_keys) = (keys(&from.id_keys), keys(&from.description_keys));
        Entity {
            schema_url: values.strings.index(from.schema_url),
            kind: values.strings.index(from.kind),
            id_keys,
            description_keys,
        }
    }

    /// A new scope of the last resource; what it gives is the scope's number.
    pub(super) fn add_scope(&mut self, values: &mut Values, from: &ScopeView<'_>) -> u32 {
        self.scopes.push(Scope {
            schema_url: values.strings.index(from.schema_url),
            name: values.strings.index(from.name),
            version: values.strings.index(from.version),
            dropped: from.dropped_attributes,
            attributes: values.pairs(&from.attributes),
            items: 0,
        });
        (self.scopes.len() - 1) as u32
    }

    /// The number of the scope that is `from`, if there is one; from the back, since whoever walks
    /// through scopes asks for the last one again.
    pub(super) fn find_scope(&self, values: &Values, from: &ScopeView<'_>) -> Option<u32> {
        let same = |scope: &Scope| {
            values.strings.is(scope.name, from.name)
                && values.strings.is(scope.version, from.version)
                && values.strings.is(scope.schema_url, from.schema_url)
                && scope.dropped == from.dropped_attributes
                && values.are(scope.attributes, &from.attributes)
        };
        self.scopes.iter().rposition(same).map(|index| index as u32)
    }

    /// The scope has one more item.
    #[inline]
    pub(super) fn count(&mut self, scope: u32) {
        self.scopes[scope as usize].items += 1;
    }

    /// Forgets the scopes; the resources too, unless they are those of every batch.
    pub(super) fn reset(&mut self, resources_stay: bool) {
        self.scopes.clear();
        if !resources_stay {
            self.resources.clear();
            self.entities.clear();
            self.keys.clear();
        }
    }

    pub(super) fn is_without_scopes(&self) -> bool {
        self.scopes.is_empty()
    }

    pub(super) fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The scopes of the resource at `index`, and the items of each.
    pub(super) fn scopes_of(&self, index: usize) -> impl ExactSizeIterator<Item = (&Scope, Run)> {
        let first = self.resources[index].first_scope;
        let end = self.resources.get(index + 1).map_or(self.scopes.len(), |next| next.first_scope);
        let mut behind: usize = self.scopes[..first].iter().map(|scope| scope.items).sum();
        self.scopes[first..end].iter().map(move |scope| {
            let start = behind;
            behind += scope.items;
            (scope, Run::since(start, behind))
        })
    }

    pub(super) fn write_resource(
        &self,
        values: &Values,
        from: &Resource,
        to: &mut Message,
        at: Place,
    ) {
        to.u32(at, 0, from.dropped);
        values.write(from.attributes, to, at.pointer(0));
        if from.entities.len() == 0 {
            return;
        }
        let list = to.list::<entity_ref::Builder<'_>>(at.pointer(1), from.entities.len());
        for (at, entity) in list.zip(from.entities.of(&self.entities)) {
            to.u32(at, 0, entity.schema_url);
            to.u32(at, 1, entity.kind);
            for (number, keys) in [entity.id_keys, entity.description_keys].into_iter().enumerate()
            {
                if keys.len() != 0 {
                    to.u32s(at.pointer(number), keys.of(&self.keys).iter().copied());
                }
            }
        }
    }
}

impl Scope {
    pub(super) fn write(&self, values: &Values, to: &mut Message, at: Place) {
        to.u32(at, 0, self.name);
        to.u32(at, 1, self.version);
        to.u32(at, 2, self.dropped);
        values.write(self.attributes, to, at.pointer(0));
    }
}
