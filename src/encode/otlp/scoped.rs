//! Spans and log records of many scopes: what the SDK hands over comes from all of a host's libraries.

use bytes::Bytes;

use super::envelope::{Envelope, ITEMS};
use super::logs::write_log;
use super::trace::write_span;
use crate::encode::view::{LogView, Resource, Scope, SpanView};

/// Writes items of one signal, grouped by scope, and hands them out as whole requests.
#[derive(Debug)]
pub(crate) struct ScopedEncoder {
    envelope: Envelope,
}

impl ScopedEncoder {
    /// The resource is encoded here, once.
    pub(crate) fn new(resource: &Resource<'_>) -> Self {
        Self { envelope: Envelope::new(resource) }
    }

    pub(crate) fn span(&mut self, scope: &Scope<'_>, span: &impl SpanView) {
        self.envelope.group_of(scope).message(ITEMS, 2, |out| write_span(out, span));
    }

    pub(crate) fn log(&mut self, scope: &Scope<'_>, log: &impl LogView) {
        self.envelope.group_of(scope).message(ITEMS, 2, |out| write_log(out, log));
    }

    /// The whole request; the encoder is ready for the next batch.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.envelope.finish()
    }
}
