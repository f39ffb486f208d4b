//! Log records of Python's SDK.

use pyo3::prelude::*;

use super::common::{all, field, number, of_enum, span_id, text, trace_id, whole};
use super::message::Message;

pub(super) fn log(to: &mut Message, of: &Bound<'_, PyAny>) -> PyResult<()> {
    let record = of.getattr("log_record")?;
    to.fixed64(1, number(&field(&record, "timestamp")?));
    to.varint(2, of_enum(&field(&record, "severity_number")?)?);
    text(to, 3, &field(&record, "severity_text")?)?;
    whole(to, 5, &field(&record, "body")?)?;
    all(to, 6, &field(&record, "attributes")?)?;
    to.varint(7, number(&field(of, "dropped_attributes")?));
    to.fixed32(8, number(&field(&record, "trace_flags")?) as u32);
    if let Some(id) = trace_id(&field(&record, "trace_id")?) {
        to.bytes(9, &id);
    }
    if let Some(id) = span_id(&field(&record, "span_id")?) {
        to.bytes(10, &id);
    }
    to.fixed64(11, number(&field(&record, "observed_timestamp")?));
    text(to, 12, &field(&record, "event_name")?)
}
