//! The encoders: how a batch comes by its items.

use bytes::Bytes;

use super::batch::Batch;
use super::scopes::Scopes;
use crate::encode::view::{LogView, MetricView, Resource, Scope, SpanView};
use crate::schema::ingest_capnp::batch::Signal;

/// Writes spans one after the other and hands them out as whole messages.
#[derive(Debug)]
pub(crate) struct TraceEncoder {
    batch: Batch,
    scopes: Scopes,
}

impl TraceEncoder {
    /// The scope is the one of spans without a scope's name.
    pub(crate) fn new(
        resource: &[(String, String)],
        scope_name: &str,
        scope_version: &str,
    ) -> Self {
        Self {
            batch: Batch::of(Signal::Traces, &resource.into()),
            scopes: Scopes::new(scope_name, scope_version),
        }
    }

    /// Adds a span to the batch.
    #[inline]
    pub(crate) fn span(&mut self, span: &impl SpanView) {
        let Self { batch, scopes } = self;
        let scope = scopes.number(span.scope(), |scope| batch.around.add_scope(scope));
        batch.span(scope, span);
    }

    /// The whole message; the encoder is ready for the next batch.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.scopes.clear();
        self.batch.finish()
    }
}

/// Writes log records one after the other and hands them out as whole messages.
#[derive(Debug)]
pub(crate) struct LogsEncoder {
    batch: Batch,
    scopes: Scopes,
}

impl LogsEncoder {
    /// The scope is the one of records without a logger's name.
    pub(crate) fn new(
        resource: &[(String, String)],
        scope_name: &str,
        scope_version: &str,
    ) -> Self {
        Self {
            batch: Batch::of(Signal::Logs, &resource.into()),
            scopes: Scopes::new(scope_name, scope_version),
        }
    }

    /// Adds a record to the batch.
    #[inline]
    pub(crate) fn log(&mut self, log: &impl LogView) {
        let Self { batch, scopes } = self;
        let scope = scopes.number(log.scope(), |scope| batch.around.add_scope(scope));
        batch.log(scope, log);
    }

    /// The whole message; the encoder is ready for the next batch.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.scopes.clear();
        self.batch.finish()
    }
}

/// Writes metrics one after the other and hands them out as whole messages.
#[derive(Debug)]
pub(crate) struct MetricsEncoder {
    batch: Batch,
}

impl MetricsEncoder {
    pub(crate) fn new(resource: &[(String, String)]) -> Self {
        Self::of(&resource.into())
    }

    /// The same with a resource whose values are of any kind.
    pub(crate) fn of(resource: &Resource<'_>) -> Self {
        Self { batch: Batch::of(Signal::Metrics, resource) }
    }

    /// Adds a metric to the batch, unless it has no points.
    pub(crate) fn metric(&mut self, metric: &MetricView<'_>) {
        if metric.points() != 0 {
            let scope = self.batch.around.scope(&metric.scope);
            self.batch.metric(scope, metric);
        }
    }

    /// The whole message; the encoder is ready for the next batch.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.batch.finish()
    }
}

/// Takes spans with their whole scopes, and hands them out as whole messages.
pub(crate) trait ScopedSpans {
    /// The number of a scope in this batch, which is added if it is new.
    fn scope(&mut self, scope: &Scope<'_>) -> u32;

    /// Adds a span of the scope that has this number.
    fn span(&mut self, scope: u32, span: &impl SpanView);

    /// The whole message; the encoder is ready for the next batch.
    fn finish(&mut self) -> Bytes;
}

/// Writes what comes with whole scopes, grouped by them, and hands it out as whole messages. Which signal,
/// the first item says; without any there is none in the message.
#[derive(Debug)]
pub(crate) struct ScopedEncoder {
    batch: Batch,
}

impl ScopedEncoder {
    pub(crate) fn new(resource: &Resource<'_>) -> Self {
        Self { batch: Batch::of(Signal::Unset, resource) }
    }

    pub(crate) fn log(&mut self, scope: &Scope<'_>, log: &impl LogView) {
        let scope = self.batch.around.scope(scope);
        self.batch.log(scope, log);
    }

    /// The whole message; the encoder is ready for the next batch.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.batch.finish()
    }
}

impl ScopedSpans for ScopedEncoder {
    fn scope(&mut self, scope: &Scope<'_>) -> u32 {
        self.batch.around.scope(scope)
    }

    #[inline]
    fn span(&mut self, scope: u32, span: &impl SpanView) {
        self.batch.span(scope, span);
    }

    fn finish(&mut self) -> Bytes {
        self.batch.finish()
    }
}

/// Writes what comes from elsewhere as it comes: many resources, scopes in each of them, none of them
/// merged, none left out for being empty.
#[derive(Debug)]
pub(crate) struct StreamEncoder {
    batch: Batch,
    scope: Option<u32>,
}

impl StreamEncoder {
    pub(crate) fn traces() -> Self {
        Self { batch: Batch::new(Signal::Traces), scope: None }
    }

    pub(crate) fn logs() -> Self {
        Self { batch: Batch::new(Signal::Logs), scope: None }
    }

    pub(crate) fn metrics() -> Self {
        Self { batch: Batch::new(Signal::Metrics), scope: None }
    }

    pub(crate) fn begin_resource(&mut self, resource: &Resource<'_>) {
        self.batch.around.add_resource(resource);
        self.scope = None;
    }

    /// A scope of the last resource.
    pub(crate) fn begin_scope(&mut self, scope: &Scope<'_>) {
        self.scope = Some(self.batch.around.add_scope(scope));
    }

    /// A span of the last scope.
    pub(crate) fn span(&mut self, span: &impl SpanView) {
        let scope = self.scope();
        self.batch.span(scope, span);
    }

    /// A record of the last scope.
    pub(crate) fn log(&mut self, log: &impl LogView) {
        let scope = self.scope();
        self.batch.log(scope, log);
    }

    /// A metric of the last scope; the scope that it names is not looked at.
    pub(crate) fn metric(&mut self, metric: &MetricView<'_>) {
        let scope = self.scope();
        self.batch.metric(scope, metric);
    }

    /// How many spans, records or points are in the batch.
    pub(crate) fn items(&self) -> usize {
        self.batch.items()
    }

    /// The whole message; the encoder is ready for the next batch.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.scope = None;
        self.batch.finish()
    }

    /// The last scope; an empty one if none was begun.
    fn scope(&mut self) -> u32 {
        *self.scope.get_or_insert_with(|| self.batch.around.add_scope(&Scope::default()))
    }
}
