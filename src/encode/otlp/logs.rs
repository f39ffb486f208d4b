//! Log records as an `ExportLogsServiceRequest` with one `ResourceLogs`, a `ScopeLogs` for each logger.

use std::collections::HashMap;

use bytes::Bytes;

use super::attribute::{attributes, body};
use super::envelope::{Envelope, ITEMS, scope};
use super::proto::Writer;
use crate::encode::view::{LogView, Scope, scope_parts};

/// Writes log records one after the other and hands them out as whole requests.
#[derive(Debug)]
pub(crate) struct LogsEncoder {
    /// The scope of records without a logger's name.
    own_name: String,
    own_version: String,
    envelope: Envelope,
    /// Where in the envelope each logger's records are.
    index_of: HashMap<String, usize>,
    /// The logger of the record before, which is often the next one's too.
    latest: (String, usize),
    logs: u32,
}

impl LogsEncoder {
    /// The resource is encoded here, once; the scope is the one of records without a logger's name.
    pub(crate) fn new(
        resource: &[(String, String)],
        scope_name: &str,
        scope_version: &str,
    ) -> Self {
        Self {
            own_name: scope_name.to_owned(),
            own_version: scope_version.to_owned(),
            envelope: Envelope::new(&resource.into()),
            index_of: HashMap::new(),
            latest: (String::new(), 0),
            logs: 0,
        }
    }

    /// Adds a record to the batch.
    pub(crate) fn log(&mut self, log: &impl LogView) {
        if self.logs == 0 || log.copied_scope() != self.latest.0.as_bytes() {
            self.find(log.scope());
        }
        let items = self.envelope.at(self.latest.1);
        // A record is rarely shorter than 128 bytes or longer than 16 KiB: two bytes of length.
        items.message(ITEMS, 2, |out| write_log(out, log));
        self.logs += 1;
    }

    /// Makes a logger the latest.
    fn find(&mut self, name: &str) {
        let index = match self.index_of.get(name) {
            Some(&index) => index,
            None => {
                let index = self.envelope.next_index();
                self.index_of.insert(name.to_owned(), index);
                let (name, version) = match name {
                    "" => (self.own_name.as_str(), self.own_version.as_str()),
                    _ => scope_parts(name),
                };
                let scope = scope(&Scope { name, version, ..Scope::default() });
                self.envelope.add(scope, "");
                index
            }
        };
        self.latest.0.clear();
        self.latest.0.push_str(name);
        self.latest.1 = index;
    }

    /// How many records are in the batch.
    #[cfg(test)]
    pub(crate) fn logs(&self) -> u32 {
        self.logs
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.logs == 0
    }

    /// The whole request; the encoder is ready for the next batch.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.index_of.clear();
        self.logs = 0;
        self.envelope.finish()
    }
}

pub(super) fn write_log(out: &mut Writer, log: &impl LogView) {
    out.fixed64(1, log.time());
    out.int32(2, log.severity_number());
    out.string(3, log.severity_text());
    log.copied_body(|value| body(out, 5, value));
    attributes(out, 6, 7, log);
    out.fixed32(8, log.flags());
    out.trace_id(9, log.trace());
    out.span_id(10, log.span());
    out.fixed64(11, log.observed());
    out.string(12, log.event_name());
}
