//! A request of many resources, written as it comes.

use bytes::{Bytes, BytesMut};

use super::envelope::{ITEMS, RESOURCE_GROUPS, SCHEMA_URL, SCOPE_GROUPS, resource, scope};
use super::logs::write_log;
use super::metrics::write_metric;
use super::proto::{Place, Writer};
use super::trace::write_span;
use crate::encode::view::{BatchSink, LogView, MetricView, Resource, Scope, SpanView};

/// A length of 16 KiB to 2 MiB, as most groups' is; another moves the group when it ends.
const LENGTH: usize = 3;

/// An `Export*ServiceRequest`: the items of one signal, grouped as their source groups them.
#[derive(Debug)]
pub(crate) struct Request {
    out: Writer,
    resource: Open,
    scope: Open,
}

/// A group that is being written.
#[derive(Debug, Default)]
struct Open {
    place: Option<Place>,
    /// Comes behind the group's content.
    schema_url: String,
}

impl Request {
    /// Room for `bytes` is made beforehand.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let out = Writer::new(BytesMut::with_capacity(bytes));
        Self { out, resource: Open::default(), scope: Open::default() }
    }

    /// The whole request.
    pub(crate) fn finish(mut self) -> Bytes {
        self.scope.end(&mut self.out);
        self.resource.end(&mut self.out);
        self.out.take().freeze()
    }
}

impl BatchSink for Request {
    fn begin_resource(&mut self, from: &Resource<'_>) {
        self.scope.end(&mut self.out);
        self.resource.end(&mut self.out);
        self.resource.begin(&mut self.out, RESOURCE_GROUPS, from.schema_url);
        self.out.raw(&resource(from));
    }

    fn begin_scope(&mut self, from: &Scope<'_>) {
        self.scope.end(&mut self.out);
        self.scope.begin(&mut self.out, SCOPE_GROUPS, from.schema_url);
        self.out.raw(&scope(from));
    }

    fn span(&mut self, span: &impl SpanView) {
        self.out.message(ITEMS, 2, |out| write_span(out, span));
    }

    fn log(&mut self, log: &impl LogView) {
        self.out.message(ITEMS, 2, |out| write_log(out, log));
    }

    fn metric(&mut self, metric: &MetricView<'_>) {
        self.out.message(ITEMS, 2, |out| write_metric(out, metric));
    }
}

impl Open {
    fn begin(&mut self, out: &mut Writer, field: u64, schema_url: &str) {
        self.place = Some(out.begin(field, LENGTH));
        self.schema_url.push_str(schema_url);
    }

    fn end(&mut self, out: &mut Writer) {
        if let Some(place) = self.place.take() {
            out.string(SCHEMA_URL, &self.schema_url);
            out.end(place);
        }
        self.schema_url.clear();
    }
}
