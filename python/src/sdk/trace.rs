//! Spans of Python's SDK.

use pyo3::prelude::*;

use super::common::{all, field, number, of_enum, span_id, text, trace_id};
use super::message::Message;

/// Bits above those of `traceparent`: whether remoteness is known, and what it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

pub(super) fn span(to: &mut Message, of: &Bound<'_, PyAny>) -> PyResult<()> {
    let context = of.call_method0("get_span_context")?;
    let parent = field(of, "parent")?;
    ids(to, &context)?;
    text(to, 3, &trace_state(&context)?)?;
    if !parent.is_none() {
        to.bytes(4, &span_id(&field(&parent, "span_id")?).map_or(Vec::new(), |id| id.to_vec()));
    }
    text(to, 5, &field(of, "name")?)?;
    // The API counts from 0, OTLP from 1.
    to.varint(6, of_enum(&field(of, "kind")?)? + 1);
    to.fixed64(7, number(&field(of, "start_time")?));
    to.fixed64(8, number(&field(of, "end_time")?));
    all(to, 9, &field(of, "attributes")?)?;
    to.varint(10, number(&field(of, "dropped_attributes")?));
    for event in field(of, "events")?.try_iter()? {
        let event = event?;
        to.message(11, |to| {
            to.fixed64(1, number(&field(&event, "timestamp")?));
            text(to, 2, &field(&event, "name")?)?;
            all(to, 3, &field(&event, "attributes")?)?;
            to.varint(4, number(&field(&event, "dropped_attributes")?));
            Ok(())
        })?;
    }
    to.varint(12, number(&field(of, "dropped_events")?));
    for link in field(of, "links")?.try_iter()? {
        let link = link?;
        to.message(13, |to| {
            let context = field(&link, "context")?;
            ids(to, &context)?;
            text(to, 3, &trace_state(&context)?)?;
            all(to, 4, &field(&link, "attributes")?)?;
            to.varint(5, number(&field(&link, "dropped_attributes")?));
            to.fixed32(6, flags(&context, &context)?);
            Ok(())
        })?;
    }
    to.varint(14, number(&field(of, "dropped_links")?));
    let status = field(of, "status")?;
    to.message(15, |to| {
        text(to, 2, &field(&status, "description")?)?;
        to.varint(3, of_enum(&field(&status, "status_code")?)?);
        Ok(())
    })?;
    to.fixed32(16, flags(&context, &parent)?);
    Ok(())
}

fn ids(to: &mut Message, context: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Some(id) = trace_id(&field(context, "trace_id")?) {
        to.bytes(1, &id);
    }
    if let Some(id) = span_id(&field(context, "span_id")?) {
        to.bytes(2, &id);
    }
    Ok(())
}

fn trace_state<'py>(context: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let state = field(context, "trace_state")?;
    if state.is_none() { Ok(state) } else { state.call_method0("to_header") }
}

/// The flags of a span, and whether the span that it names is another process's.
fn flags(of: &Bound<'_, PyAny>, named: &Bound<'_, PyAny>) -> PyResult<u32> {
    let own = number(&field(of, "trace_flags")?) as u32 & 0xff;
    let is_remote = !named.is_none() && field(named, "is_remote")?.is_truthy()?;
    Ok(own | HAS_IS_REMOTE | if is_remote { IS_REMOTE } else { 0 })
}
