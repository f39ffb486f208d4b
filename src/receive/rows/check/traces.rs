//! Spans.

use super::{Check, FIXED, INT, LONG_HEAD, SPAN, TRACE};
use crate::receive::rows::Refusal;
use crate::schema::trace_capnp::{span, traces_data};

/// The most that the fields of fixed width take: of a span its ids, times, kind, flags, dropped counts and
/// status.
pub(super) const SPAN_FIELDS: u64 =
    LONG_HEAD + TRACE + 2 * SPAN + 2 * FIXED + INT + 6 + 3 * 6 + LONG_HEAD + INT;
pub(super) const EVENT_FIELDS: u64 = LONG_HEAD + FIXED + 6;
pub(super) const LINK_FIELDS: u64 = LONG_HEAD + TRACE + SPAN + 6 + 5;

impl<'a> Check<'a> {
    pub(super) fn traces(&mut self, data: traces_data::Reader<'a>) -> Result<(), Refusal> {
        for group in data.get_resource_spans()? {
            self.resource(group.get_resource()?, group.get_schema_url())?;
            for group in group.get_scope_spans()? {
                self.scope(group.get_scope()?, group.get_schema_url())?;
                let spans = group.get_spans()?;
                self.items += u64::from(spans.len());
                for span in spans {
                    self.span(span)?;
                }
            }
        }
        Ok(())
    }

    fn span(&mut self, span: span::Reader<'a>) -> Result<(), Refusal> {
        let name = self.text(span.get_name(), "span.name")?;
        let trace_state = self.text(span.get_trace_state(), "span.traceState")?;
        let message = self.text(span.get_status_message(), "span.statusMessage")?;
        self.grow(SPAN_FIELDS + name + trace_state + message)?;
        self.attributes(span, 0, |span| span.get_attributes(), "span.attributes")?;
        // Most have none, and that is soon seen.
        if span.has_events() {
            for event in span.get_events()? {
                self.grow(EVENT_FIELDS + self.text(event.get_name(), "event.name")?)?;
                self.attributes(event, 0, |event| event.get_attributes(), "event.attributes")?;
            }
        }
        if span.has_links() {
            for link in span.get_links()? {
                self.grow(LINK_FIELDS + self.text(link.get_trace_state(), "link.traceState")?)?;
                self.attributes(link, 0, |link| link.get_attributes(), "link.attributes")?;
            }
        }
        Ok(())
    }
}
