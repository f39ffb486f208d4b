//! The items of one resource, a group for each scope: what a process says of itself.

use std::collections::HashMap;

use bytes::Bytes;

use super::writer::Writer;
use super::{LOGS, METRICS, Names, TRACES, logs, metrics, span, value};
use crate::encode::view::{LogView, MetricView, Resource, Scope, SpanView, scope_parts};

/// Takes the items of one signal and hands them out as one line, which is a request's body too.
#[derive(Debug)]
pub(crate) struct JsonBatch {
    names: Names,
    /// The line up to its first scope, written once.
    head: Vec<u8>,
    schema_url: String,
    /// The scope of items that name none.
    own_scope: (String, String),
    groups: Vec<Group>,
    /// Where the scopes are that the views name by one text.
    index_of: HashMap<String, usize>,
}

/// The items of one scope.
#[derive(Debug)]
struct Group {
    /// Up to the first item.
    head: Vec<u8>,
    schema_url: String,
    items: Writer,
}

impl JsonBatch {
    /// For `TracesData`.
    pub(crate) fn traces(resource: &Resource<'_>) -> Self {
        Self::new(TRACES, resource)
    }

    /// For `MetricsData`.
    pub(crate) fn metrics(resource: &Resource<'_>) -> Self {
        Self::new(METRICS, resource)
    }

    /// For `LogsData`.
    pub(crate) fn logs(resource: &Resource<'_>) -> Self {
        Self::new(LOGS, resource)
    }

    fn new(names: Names, resource: &Resource<'_>) -> Self {
        let mut head = Writer::default();
        head.open(b'{');
        head.key(names.resources);
        head.open(b'[');
        head.open(b'{');
        head.key("resource");
        value::resource(&mut head, resource);
        head.key(names.scopes);
        head.open(b'[');
        Self {
            names,
            head: head.take(),
            schema_url: resource.schema_url.to_owned(),
            own_scope: (String::new(), String::new()),
            groups: Vec::new(),
            index_of: HashMap::new(),
        }
    }

    /// What items belong to that name no scope.
    pub(crate) fn with_own_scope(mut self, name: &str, version: &str) -> Self {
        self.own_scope = (name.to_owned(), version.to_owned());
        self
    }

    /// A span whose scope is the one that it names.
    pub(crate) fn span(&mut self, from: &impl SpanView) {
        span::span(self.named(from.scope()), from);
    }

    /// A record whose scope is the one that it names.
    pub(crate) fn log(&mut self, from: &impl LogView) {
        logs::log(self.named(from.scope()), from);
    }

    pub(crate) fn span_of(&mut self, scope: &Scope<'_>, from: &impl SpanView) {
        span::span(self.group(scope), from);
    }

    pub(crate) fn log_of(&mut self, scope: &Scope<'_>, from: &impl LogView) {
        logs::log(self.group(scope), from);
    }

    pub(crate) fn metric(&mut self, from: &MetricView<'_>) {
        metrics::metric(self.group(&from.scope), from);
    }

    /// The line with its end, which JSON takes for a blank; the batch is empty again.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.index_of.clear();
        let mut out = Writer::default();
        out.fragment(&self.head);
        for mut group in self.groups.drain(..) {
            out.fragment(&group.head);
            out.fragment(&group.items.take());
            out.close(b']');
            out.text("schemaUrl", &group.schema_url);
            out.close(b'}');
        }
        out.close(b']');
        out.text("schemaUrl", &self.schema_url);
        for bracket in *b"}]}" {
            out.close(bracket);
        }
        let mut line = out.take();
        line.push(b'\n');
        Bytes::from(line)
    }

    fn named(&mut self, name: &str) -> &mut Writer {
        let index = match self.index_of.get(name) {
            Some(index) => *index,
            None => {
                let own = (self.own_scope.0.clone(), self.own_scope.1.clone());
                let (name_of, version) = match name {
                    "" => (own.0.as_str(), own.1.as_str()),
                    _ => scope_parts(name),
                };
                let index = self.add(&Scope { name: name_of, version, ..Scope::default() });
                self.index_of.insert(name.to_owned(), index);
                index
            }
        };
        &mut self.groups[index].items
    }

    fn group(&mut self, scope: &Scope<'_>) -> &mut Writer {
        let index = self.add(scope);
        &mut self.groups[index].items
    }

    /// Where the group of a scope is; it is added if there is none.
    fn add(&mut self, scope: &Scope<'_>) -> usize {
        let mut head = Writer::default();
        head.open(b'{');
        head.key("scope");
        value::scope(&mut head, scope);
        head.key(self.names.items);
        head.open(b'[');
        let head = head.take();
        let is_it = |group: &Group| group.head == head && group.schema_url == scope.schema_url;
        // From the back: whoever walks through scopes asks for the last one again.
        self.groups.iter().rposition(is_it).unwrap_or_else(|| {
            let schema_url = scope.schema_url.to_owned();
            self.groups.push(Group { head, schema_url, items: Writer::default() });
            self.groups.len() - 1
        })
    }
}
