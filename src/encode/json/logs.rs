//! `LogRecord`.

use super::value::{any_value, attributes};
use super::writer::Writer;
use crate::encode::view::LogView;

pub(super) fn log(out: &mut Writer, from: &impl LogView) {
    out.object(|out| {
        out.large("timeUnixNano", from.time());
        out.large("observedTimeUnixNano", from.observed());
        out.small("severityNumber", from.severity_number());
        out.text("severityText", from.severity_text());
        from.body(|value| {
            out.key("body");
            any_value(out, value, 0);
        });
        attributes(out, from);
        out.small("flags", from.flags());
        out.trace_id("traceId", from.trace());
        out.span_id("spanId", from.span());
        out.text("eventName", from.event_name());
    });
}
