//! Columns of spans that come with whole scopes.

use bytes::Bytes;

use super::super::around::Around;
use super::super::encoders::ScopedSpans;
use super::batch::Batch;
use crate::encode::view::{Resource, Scope, SpanView};

/// Writes spans, grouped by scope, and hands them out as whole messages.
#[derive(Debug)]
pub(crate) struct ScopedColumns {
    batch: Batch,
}

impl ScopedColumns {
    pub(crate) fn new(resource: &Resource<'_>) -> Self {
        Self { batch: Batch::new(Around::of(resource)) }
    }
}

impl ScopedSpans for ScopedColumns {
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
