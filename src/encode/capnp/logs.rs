//! Log records.

use capnp::struct_list;

use super::value::{Staged, Values};
use super::words::{self, Run};
use crate::encode::view::LogView;
use crate::schema::common_capnp::value;
use crate::schema::logs_capnp::log_record;

/// The records of a batch; `scope` is whose each of them is.
#[derive(Debug, Default)]
pub(super) struct Logs {
    logs: Vec<Log>,
    words: usize,
}

#[derive(Debug)]
struct Log {
    scope: u32,
    time: u64,
    observed: u64,
    trace: u128,
    span: u64,
    flags: u32,
    severity: i32,
    severity_text: u32,
    event_name: u32,
    dropped: u32,
    body: Option<Staged>,
    attributes: Run,
}

impl Logs {
    pub(super) fn stage(&mut self, values: &mut Values, scope: u32, from: &impl LogView) {
        let attributes = values.attributes(from);
        let mut body = None;
        from.body(|value| body = Some(values.value(value)));
        if body.is_some() {
            self.words += words::of::<value::Builder<'_>>();
        }
        self.logs.push(Log {
            scope,
            time: from.time(),
            observed: from.observed(),
            trace: from.trace(),
            span: from.span(),
            flags: from.flags(),
            severity: from.severity_number(),
            severity_text: values.strings.index(from.severity_text()),
            event_name: values.strings.index(from.event_name()),
            dropped: from.dropped_attributes(),
            body,
            attributes,
        });
    }

    /// What the bodies take, without what is inside of them.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// Puts the records of each scope in a row; they keep their order.
    pub(super) fn sort(&mut self) {
        self.logs.sort_by_key(|log| log.scope);
    }

    pub(super) fn clear(&mut self) {
        self.logs.clear();
        self.words = 0;
    }

    /// The records of `run` into their list.
    pub(super) fn write(
        &self,
        values: &Values,
        run: Run,
        mut to: struct_list::Builder<'_, log_record::Owned>,
    ) {
        for (index, log) in (0..).zip(run.of(&self.logs)) {
            let mut to = to.reborrow().get(index);
            to.set_time_unix_nano(log.time);
            to.set_observed_time_unix_nano(log.observed);
            to.set_trace_id_high((log.trace >> 64) as u64);
            to.set_trace_id_low(log.trace as u64);
            to.set_span_id(log.span);
            to.set_flags(log.flags);
            to.set_severity_number(log.severity);
            to.set_severity_text(log.severity_text);
            to.set_event_name(log.event_name);
            to.set_dropped_attributes_count(log.dropped);
            if let Some(body) = log.body {
                values.write_value(body, to.reborrow().init_body());
            }
            values.write(log.attributes, |length| to.init_attributes(length));
        }
    }
}
