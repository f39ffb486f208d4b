//! What stands around the items, for every signal the same: resources, and scopes in them.

use super::value::Values;
use super::words::{self, Run, list, numbers};
use crate::encode::view::{EntityRef, Resource as ResourceView, Scope as ScopeView};
use crate::schema::common_capnp::scope;
use crate::schema::resource_capnp::{entity_ref, resource};

/// The resources of a batch, each with its scopes, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Groups {
    resources: Vec<Resource>,
    scopes: Vec<Scope>,
    entities: Vec<Entity>,
    keys: Vec<u32>,
    /// What the lists inside of resources take, but for attributes.
    words: usize,
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
        self.words += list::<entity_ref::Builder<'_>>(entities.len());
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
            self.words += words::of_bytes(4 * from.len());
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
            self.words = 0;
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

    /// What resources, scopes and what is inside of them take, but for attributes and items. The two
    /// sizes are those of the structs that each signal has around a resource and a scope.
    pub(super) fn words(&self, around_resource: usize, around_scope: usize) -> usize {
        let mut words = self.words;
        if !self.resources.is_empty() {
            let each = around_resource + words::of::<resource::Builder<'_>>();
            words += 1 + self.resources.len() * each;
        }
        for index in 0..self.resources.len() {
            let scopes = self.scopes_of(index).len();
            if scopes != 0 {
                let each = around_scope + words::of::<scope::Builder<'_>>();
                words += 1 + scopes * each;
            }
        }
        words
    }

    /// What the lists of items take, whose elements are of `item` words.
    pub(super) fn item_words(&self, item: usize) -> usize {
        let some = self.scopes.iter().filter(|scope| scope.items != 0);
        some.map(|scope| 1 + scope.items * item).sum()
    }

    pub(super) fn write_resource(
        &self,
        values: &Values,
        from: &Resource,
        mut to: resource::Builder<'_>,
    ) {
        to.set_dropped_attributes_count(from.dropped);
        values.write(from.attributes, |length| to.reborrow().init_attributes(length));
        if from.entities.len() == 0 {
            return;
        }
        let mut list = to.init_entity_refs(from.entities.len() as u32);
        for (index, entity) in (0..).zip(from.entities.of(&self.entities)) {
            let mut to = list.reborrow().get(index);
            to.set_schema_url(entity.schema_url);
            to.set_type(entity.kind);
            numbers!(entity.id_keys.of(&self.keys), to.reborrow(), init_id_keys);
            numbers!(entity.description_keys.of(&self.keys), to, init_description_keys);
        }
    }
}

impl Scope {
    pub(super) fn write(&self, values: &Values, mut to: scope::Builder<'_>) {
        to.set_name(self.name);
        to.set_version(self.version);
        to.set_dropped_attributes_count(self.dropped);
        values.write(self.attributes, |length| to.init_attributes(length));
    }
}
