//! The encoders: how a batch comes by its spans.

use bytes::Bytes;

use super::super::around::Around;
use super::super::scopes::Scopes;
use super::batch::Batch;
use crate::encode::view::SpanView;
#[cfg(test)]
use crate::encode::view::{Resource, Scope};

/// Writes spans one after the other and hands them out as whole messages.
#[derive(Debug)]
pub(crate) struct ColumnsEncoder {
    batch: Batch,
    scopes: Scopes,
}

impl ColumnsEncoder {
    /// The scope is the one of spans without a scope's name.
    pub(crate) fn new(
        resource: &[(String, String)],
        scope_name: &str,
        scope_version: &str,
    ) -> Self {
        Self {
            batch: Batch::new(Around::of(&resource.into())),
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

/// Writes what comes from elsewhere as it comes, none of it merged or left out.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct ColumnsStream {
    batch: Batch,
    scope: Option<u32>,
}

#[cfg(test)]
impl ColumnsStream {
    pub(crate) fn new() -> Self {
        Self { batch: Batch::new(Around::new()), scope: None }
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
        let scope =
            *self.scope.get_or_insert_with(|| self.batch.around.add_scope(&Scope::default()));
        self.batch.span(scope, span);
    }

    /// The whole message; the encoder is ready for the next batch.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.scope = None;
        self.batch.finish()
    }
}
