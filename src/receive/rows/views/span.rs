//! Spans.

use super::value::lend_attributes;
use super::{Table, trace};
use crate::encode::view::{Any, Attributes, EventView, LinkView, SpanStatus, SpanView};
use crate::schema::trace_capnp::{event, link, span};
use crate::telemetry::Kind;

/// OTLP's `SpanFlags`: the bit that says that the parent is another process's.
pub(super) const IS_REMOTE: u32 = 0x200;

/// A span in its row.
pub(in crate::receive::rows) struct SpanRow<'a> {
    pub(in crate::receive::rows) table: Table<'a>,
    pub(in crate::receive::rows) row: span::Reader<'a>,
    /// The name of its scope.
    pub(in crate::receive::rows) scope: &'a str,
}

pub(crate) struct EventRow<'a> {
    pub(super) table: Table<'a>,
    pub(super) row: event::Reader<'a>,
}

pub(crate) struct LinkRow<'a> {
    pub(super) table: Table<'a>,
    pub(super) row: link::Reader<'a>,
}

/// The kind of OTLP's number.
pub(super) fn kind(number: i32) -> Kind {
    match number {
        2 => Kind::Server,
        3 => Kind::Client,
        4 => Kind::Producer,
        5 => Kind::Consumer,
        _ => Kind::Internal,
    }
}

impl Attributes for SpanRow<'_> {
    fn attributes(&self, each: impl FnMut(&str, Any<'_>)) {
        lend_attributes(self.table, self.row, 0, |row| row.get_attributes(), each);
    }

    fn dropped_attributes(&self) -> u32 {
        self.row.get_dropped_attributes_count()
    }
}

impl<'a> SpanView for SpanRow<'a> {
    type Event = EventRow<'a>;
    type Link = LinkRow<'a>;

    fn trace(&self) -> u128 {
        trace(self.row.get_trace_id_high(), self.row.get_trace_id_low())
    }

    fn span(&self) -> u64 {
        self.row.get_span_id()
    }

    fn parent(&self) -> u64 {
        self.row.get_parent_span_id()
    }

    fn parent_is_remote(&self) -> bool {
        self.row.get_flags() & IS_REMOTE != 0
    }

    fn trace_flags(&self) -> u8 {
        self.row.get_flags() as u8
    }

    fn flags(&self) -> u32 {
        self.row.get_flags()
    }

    fn trace_state(&self) -> &str {
        self.table.text(self.row.get_trace_state())
    }

    fn scope(&self) -> &str {
        self.scope
    }

    fn name(&self) -> &str {
        self.table.text(self.row.get_name())
    }

    fn kind(&self) -> Kind {
        kind(self.row.get_kind())
    }

    fn kind_number(&self) -> i32 {
        self.row.get_kind()
    }

    fn start(&self) -> u64 {
        self.row.get_start_time_unix_nano()
    }

    fn end(&self) -> u64 {
        self.row.get_end_time_unix_nano()
    }

    fn status(&self) -> SpanStatus<'_> {
        match self.row.get_status_code() {
            1 => SpanStatus::Ok,
            2 => SpanStatus::Error(self.status_message()),
            _ => SpanStatus::Unset,
        }
    }

    fn status_code(&self) -> i32 {
        self.row.get_status_code()
    }

    fn status_message(&self) -> &str {
        self.table.text(self.row.get_status_message())
    }

    fn events(&self, mut each: impl FnMut(&Self::Event)) {
        // Most have none, and that is soon seen.
        if self.row.has_events() {
            for row in self.table.list(self.row.get_events()) {
                each(&EventRow { table: self.table, row });
            }
        }
    }

    fn dropped_events(&self) -> u32 {
        self.row.get_dropped_events_count()
    }

    fn links(&self, mut each: impl FnMut(&Self::Link)) {
        if self.row.has_links() {
            for row in self.table.list(self.row.get_links()) {
                each(&LinkRow { table: self.table, row });
            }
        }
    }

    fn dropped_links(&self) -> u32 {
        self.row.get_dropped_links_count()
    }
}

impl Attributes for EventRow<'_> {
    fn attributes(&self, each: impl FnMut(&str, Any<'_>)) {
        lend_attributes(self.table, self.row, 0, |row| row.get_attributes(), each);
    }

    fn dropped_attributes(&self) -> u32 {
        self.row.get_dropped_attributes_count()
    }
}

impl EventView for EventRow<'_> {
    fn name(&self) -> &str {
        self.table.text(self.row.get_name())
    }

    fn time(&self) -> u64 {
        self.row.get_time_unix_nano()
    }
}

impl Attributes for LinkRow<'_> {
    fn attributes(&self, each: impl FnMut(&str, Any<'_>)) {
        lend_attributes(self.table, self.row, 0, |row| row.get_attributes(), each);
    }

    fn dropped_attributes(&self) -> u32 {
        self.row.get_dropped_attributes_count()
    }
}

impl LinkView for LinkRow<'_> {
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

    fn trace_state(&self) -> &str {
        self.table.text(self.row.get_trace_state())
    }

    fn is_remote(&self) -> bool {
        self.row.get_flags() & IS_REMOTE != 0
    }
}
