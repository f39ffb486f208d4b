//! Log records.

use super::{Check, FIXED, INT, LONG_HEAD, SPAN, TRACE};
use crate::receive::rows::Refusal;
use crate::receive::rows::value::Value;
use crate::schema::logs_capnp::{log_record, logs_data};

/// The most that the fields of fixed width take.
const LOG_FIELDS: u64 = LONG_HEAD + TRACE + SPAN + 2 * FIXED + INT + 5 + 6 + LONG_HEAD;

impl<'a> Check<'a> {
    pub(super) fn logs(&mut self, data: logs_data::Reader<'a>) -> Result<(), Refusal> {
        for group in data.get_resource_logs()? {
            self.resource(group.get_resource()?, group.get_schema_url())?;
            for group in group.get_scope_logs()? {
                self.scope(group.get_scope()?, group.get_schema_url())?;
                let records = group.get_log_records()?;
                self.items += u64::from(records.len());
                for record in records {
                    self.log(record)?;
                }
            }
        }
        Ok(())
    }

    fn log(&mut self, log: log_record::Reader<'a>) -> Result<(), Refusal> {
        let severity = self.text(log.get_severity_text(), "logRecord.severityText")?;
        let event = self.text(log.get_event_name(), "logRecord.eventName")?;
        self.grow(LOG_FIELDS + severity + event)?;
        if log.has_body() {
            self.body(Value::of(log.get_body()?)?, "logRecord.body")?;
        }
        self.attributes(log, 1, |log| log.get_attributes(), "logRecord.attributes")
    }
}
