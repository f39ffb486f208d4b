//! Whole batches, of many resources.

use super::{LogView, MetricView, Resource, Scope, SpanView};

/// Takes a batch in order: a resource, in it its scopes, in each scope its items.
///
/// Groups without items are kept.
pub(crate) trait BatchSink {
    fn begin_resource(&mut self, resource: &Resource<'_>);
    fn begin_scope(&mut self, scope: &Scope<'_>);
    fn span(&mut self, span: &impl SpanView);
    fn log(&mut self, log: &impl LogView);
    fn metric(&mut self, metric: &MetricView<'_>);
}
