//! A batch as one line: resources, their scopes, their items.

use bytes::Bytes;

use super::writer::Writer;
use super::{LOGS, METRICS, Names, TRACES, logs, metrics, span, value};
use crate::encode::view::{BatchSink, LogView, MetricView, Resource, Scope, SpanView};

/// Writes the items of a batch in their order and hands out a line.
#[derive(Debug)]
pub(crate) struct JsonEncoder {
    names: Names,
    out: Writer,
    /// The schemas of the groups that are open; they stand at the groups' ends.
    resource: Option<String>,
    scope: Option<String>,
    has_items: bool,
}

impl JsonEncoder {
    /// For `TracesData`.
    pub(crate) fn traces() -> Self {
        Self::new(TRACES)
    }

    /// For `MetricsData`.
    pub(crate) fn metrics() -> Self {
        Self::new(METRICS)
    }

    /// For `LogsData`.
    pub(crate) fn logs() -> Self {
        Self::new(LOGS)
    }

    fn new(names: Names) -> Self {
        Self { names, out: Writer::default(), resource: None, scope: None, has_items: false }
    }

    /// The line with its end; the encoder is ready for the next batch.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.end_resource();
        self.begin();
        self.out.close(b']');
        self.out.close(b'}');
        let mut line = self.out.take();
        line.push(b'\n');
        Bytes::from(line)
    }

    fn begin(&mut self) {
        if self.out.is_empty() {
            self.out.open(b'{');
            self.out.key(self.names.resources);
            self.out.open(b'[');
        }
    }

    fn begin_items(&mut self) {
        if !std::mem::replace(&mut self.has_items, true) {
            self.out.key(self.names.items);
            self.out.open(b'[');
        }
    }

    fn end_scope(&mut self) {
        let Some(schema) = self.scope.take() else {
            return;
        };
        if std::mem::take(&mut self.has_items) {
            self.out.close(b']');
        }
        self.out.text("schemaUrl", &schema);
        self.out.close(b'}');
    }

    fn end_resource(&mut self) {
        self.end_scope();
        if let Some(schema) = self.resource.take() {
            self.out.close(b']');
            self.out.text("schemaUrl", &schema);
            self.out.close(b'}');
        }
    }
}

impl BatchSink for JsonEncoder {
    fn begin_resource(&mut self, resource: &Resource<'_>) {
        self.end_resource();
        self.begin();
        self.out.open(b'{');
        self.out.key("resource");
        value::resource(&mut self.out, resource);
        self.out.key(self.names.scopes);
        self.out.open(b'[');
        self.resource = Some(resource.schema_url.to_owned());
    }

    fn begin_scope(&mut self, scope: &Scope<'_>) {
        self.end_scope();
        self.out.open(b'{');
        self.out.key("scope");
        value::scope(&mut self.out, scope);
        self.scope = Some(scope.schema_url.to_owned());
    }

    fn span(&mut self, from: &impl SpanView) {
        self.begin_items();
        span::span(&mut self.out, from);
    }

    fn log(&mut self, from: &impl LogView) {
        self.begin_items();
        logs::log(&mut self.out, from);
    }

    fn metric(&mut self, from: &MetricView<'_>) {
        self.begin_items();
        metrics::metric(&mut self.out, from);
    }
}
