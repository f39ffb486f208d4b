//! What stands around the items, in the same fields for every signal: one resource, then scopes.

use bytes::Bytes;

use super::attribute::pairs;
use super::proto::{Writer, varint_len};
use crate::encode::last::{Last, MOST};
use crate::encode::view::{EntityRef, Resource, Scope};

/// `Export*ServiceRequest.resource_*`.
pub(super) const RESOURCE_GROUPS: u64 = 1;
/// `Resource*.resource` and `.scope_*`.
const RESOURCE: u64 = 1;
pub(super) const SCOPE_GROUPS: u64 = 2;
/// `Scope*.scope`, the items and `.schema_url`.
const SCOPE: u64 = 1;
pub(super) const ITEMS: u64 = 2;
pub(super) const SCHEMA_URL: u64 = 3;

/// A `Resource`, with its tag.
pub(super) fn resource(from: &Resource<'_>) -> Vec<u8> {
    let mut encoded = Writer::default();
    encoded.message(RESOURCE, 2, |out| {
        pairs(out, 1, 2, &from.attributes, from.dropped_attributes);
        for entity in &from.entity_refs {
            out.message(3, 1, |out| entity_ref(out, entity));
        }
    });
    encoded.take().into()
}

fn entity_ref(out: &mut Writer, from: &EntityRef<'_>) {
    out.string(1, from.schema_url);
    out.string(2, from.kind);
    // An empty key is an element too.
    from.id_keys.iter().for_each(|key| out.bytes_field(3, key.as_bytes()));
    from.description_keys.iter().for_each(|key| out.bytes_field(4, key.as_bytes()));
}

/// An `InstrumentationScope`, with its tag.
pub(super) fn scope(from: &Scope<'_>) -> Vec<u8> {
    let mut encoded = Writer::default();
    encoded.message(SCOPE, 1, |out| {
        out.string(1, from.name);
        out.string(2, from.version);
        pairs(out, 3, 4, &from.attributes, from.dropped_attributes);
    });
    encoded.take().into()
}

/// A request of several scopes, in the order of their first items.
#[derive(Debug)]
pub(super) struct Envelope {
    /// `Resource*.resource`, encoded.
    resource: Vec<u8>,
    /// `Resource*.schema_url`.
    schema_url: String,
    groups: Vec<Group>,
    /// The memory of groups of the request before.
    spare: Vec<Writer>,
    last: Last,
}

/// The items of one scope.
#[derive(Debug)]
struct Group {
    /// `Scope*.scope`, encoded.
    scope: Vec<u8>,
    schema_url: String,
    items: Writer,
}

impl Envelope {
    pub(super) fn new(from: &Resource<'_>) -> Self {
        let schema_url = from.schema_url.to_owned();
        Self {
            resource: resource(from),
            schema_url,
            groups: Vec::new(),
            spare: Vec::new(),
            last: Last::default(),
        }
    }

    /// The group of a scope that is not encoded yet.
    pub(super) fn group_of(&mut self, from: &Scope<'_>) -> &mut Writer {
        self.group(scope(from), from.schema_url)
    }

    /// The group of `scope`, added if there is none yet.
    pub(super) fn group(&mut self, scope: Vec<u8>, schema_url: &str) -> &mut Writer {
        let same = |group: &Group| group.scope == scope && group.schema_url == schema_url;
        // From the back: whoever walks through scopes asks for the last one again.
        match self.groups.iter().rposition(same) {
            Some(index) => self.at(index),
            None => self.add(scope, schema_url),
        }
    }

    /// A new group.
    pub(super) fn add(&mut self, scope: Vec<u8>, schema_url: &str) -> &mut Writer {
        let index = self.groups.len();
        let schema_url = schema_url.to_owned();
        let items = self.spare.pop().unwrap_or_default();
        self.groups.push(Group { scope, schema_url, items });
        self.at(index)
    }

    /// Where the next new group will be.
    pub(super) fn next_index(&self) -> usize {
        self.groups.len()
    }

    /// The items of the group at `index`, which `next_index` gave before the group was added.
    pub(super) fn at(&mut self, index: usize) -> &mut Writer {
        &mut self.groups[index].items
    }

    /// The whole request; the envelope is empty again.
    pub(super) fn finish(&mut self) -> Bytes {
        let groups = self.groups.iter().map(|group| field_len(group.len()));
        let length = self.resource.len() + groups.sum::<usize>() + text_len(&self.schema_url);
        let mut out = Writer::new(self.last.buffer(field_len(length)));
        out.message_head(RESOURCE_GROUPS, length);
        out.raw(&self.resource);
        self.spare.clear();
        let mut kept = 0;
        for mut group in self.groups.drain(..) {
            out.message_head(SCOPE_GROUPS, group.len());
            out.raw(&group.scope);
            out.raw(group.items.as_slice());
            out.string(SCHEMA_URL, &group.schema_url);
            kept += group.items.memory();
            if kept <= MOST {
                group.items.clear();
                self.spare.push(group.items);
            }
        }
        // The next request's scopes are likely the same, and the last one of `spare` is taken first.
        self.spare.reverse();
        out.string(SCHEMA_URL, &self.schema_url);
        let request = 0..out.len();
        self.last.keep(out.take_all(), request)
    }
}

impl Group {
    fn len(&self) -> usize {
        self.scope.len() + self.items.len() + text_len(&self.schema_url)
    }
}

/// What a text takes as a field; an empty one is left out.
fn text_len(text: &str) -> usize {
    if text.is_empty() { 0 } else { field_len(text.len()) }
}

/// What a field of `length` bytes takes, its tag being below 16.
fn field_len(length: usize) -> usize {
    1 + varint_len(length) + length
}
