//! Log records.

use super::{Any, Attributes, Copied};

/// A log record. Times are nanoseconds since the Unix epoch.
pub(crate) trait LogView: Attributes {
    /// When it happened; 0 if that is not known.
    fn time(&self) -> u64;
    /// When it came to us.
    fn observed(&self) -> u64;
    /// OTLP's 1 to 24; 0 if that is not known.
    fn severity(&self) -> u8;
    /// The level as its source calls it, or empty.
    fn severity_text(&self) -> &str;
    /// The severity as OTLP carries it: a number that it does not know yet survives.
    fn severity_number(&self) -> i32 {
        self.severity().into()
    }
    /// Lends the body, if there is one.
    fn body(&self, take: impl FnOnce(Any<'_>));
    /// The same for who only copies it.
    fn copied_body(&self, take: impl FnOnce(Copied<'_>)) {
        self.body(|value| take(value.into()));
    }
    /// 0 outside a trace.
    fn trace(&self) -> u128;
    /// 0 outside a span.
    fn span(&self) -> u64;
    /// The flags byte of `traceparent`.
    fn trace_flags(&self) -> u8;
    /// OTLP's `LogRecordFlags`.
    fn flags(&self) -> u32 {
        self.trace_flags().into()
    }
    /// The logger's name, which is the scope's, and its version; empty for the crate's own scope.
    /// See `scope_parts`.
    fn scope(&self) -> &str;
    /// The same for who only compares it.
    fn copied_scope(&self) -> &[u8] {
        self.scope().as_bytes()
    }
    /// What makes the record an event of that name, or empty.
    fn event_name(&self) -> &str;
}
