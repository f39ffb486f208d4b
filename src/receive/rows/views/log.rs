//! Log records.

use super::value::{lend, lend_attributes};
use super::{Table, trace};
use crate::encode::view::{Any, Attributes, LogView};
use crate::receive::rows::value::Value;
use crate::schema::logs_capnp::log_record;

/// A log record in its row.
pub(in crate::receive::rows) struct LogRow<'a> {
    pub(in crate::receive::rows) table: Table<'a>,
    pub(in crate::receive::rows) row: log_record::Reader<'a>,
    /// The name of its scope.
    pub(in crate::receive::rows) scope: &'a str,
}

impl Attributes for LogRow<'_> {
    fn attributes(&self, each: impl FnMut(&str, Any<'_>)) {
        lend_attributes(self.table, self.row, 1, |row| row.get_attributes(), each);
    }

    fn dropped_attributes(&self) -> u32 {
        self.row.get_dropped_attributes_count()
    }
}

impl LogView for LogRow<'_> {
    fn time(&self) -> u64 {
        self.row.get_time_unix_nano()
    }

    fn observed(&self) -> u64 {
        self.row.get_observed_time_unix_nano()
    }

    fn severity(&self) -> u8 {
        u8::try_from(self.row.get_severity_number()).unwrap_or(0)
    }

    fn severity_number(&self) -> i32 {
        self.row.get_severity_number()
    }

    fn severity_text(&self) -> &str {
        self.table.text(self.row.get_severity_text())
    }

    fn body(&self, take: impl FnOnce(Any<'_>)) {
        if !self.row.has_body() {
            return;
        }
        let body = self.row.get_body().map_err(|error| Box::new(error.into())).and_then(Value::of);
        if let Some(value) = self.table.read(body) {
            lend(self.table, value, take);
        }
    }

    fn trace(&self) -> u128 {
        trace(self.row.get_trace_id_high(), self.row.get_trace_id_low())
    }

    fn span(&self) -> u64 {
        self.row.get_span_id()
    }

    fn trace_flags(&self) -> u8 {
        self.row.get_flags() as u8
    }

    fn flags(&self) -> u32 {
        self.row.get_flags()
    }

    fn scope(&self) -> &str {
        self.scope
    }

    fn event_name(&self) -> &str {
        self.table.text(self.row.get_event_name())
    }
}
