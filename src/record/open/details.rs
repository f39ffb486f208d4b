//! What most spans do not have: events, links, a text of the status, a name made at run time.

use std::sync::Arc;

use crate::context::Parent;
use crate::telemetry::Value;

use super::super::attributes::AttributeBuffer;
use super::super::limits::Limits;
use super::super::packed;
use super::super::start::Clock;

/// A pooled span keeps at most this much of each buffer.
const KEEP: usize = 4096;

/// The rare part of an open span.
#[derive(Debug, Default)]
pub(super) struct Details {
    /// Made at run time, in the place of the program's.
    pub(super) name: Option<String>,
    pub(super) clock: Clock,
    /// The status's text.
    pub(super) message: String,
    /// The instrumentation scope, where it is not the crate's own.
    pub(super) scope: Option<Arc<str>>,
    pub(super) events: Vec<u8>,
    pub(super) links: Vec<u8>,
    pub(super) event_count: u32,
    pub(super) link_count: u32,
    pub(super) dropped_events: u32,
    pub(super) dropped_links: u32,
    /// For the attributes of one event or link.
    scratch: AttributeBuffer,
}

impl Details {
    /// Forgets everything but the capacity.
    pub(super) fn clear(&mut self) {
        self.name = None;
        self.clock = Clock::Ticks;
        self.message.clear();
        self.message.shrink_to(KEEP);
        self.scope = None;
        for buffer in [&mut self.events, &mut self.links] {
            buffer.clear();
            buffer.shrink_to(KEEP);
        }
        self.scratch.clear();
        (self.event_count, self.link_count) = (0, 0);
        (self.dropped_events, self.dropped_links) = (0, 0);
    }

    /// Counts one more event; false where it is over the limit.
    pub(super) fn takes_event(&mut self, limit: u32) -> bool {
        let takes = self.event_count < limit;
        self.event_count += u32::from(takes);
        self.dropped_events += u32::from(!takes);
        takes
    }

    /// As `takes_event`, for links.
    pub(super) fn takes_link(&mut self, limit: u32) -> bool {
        let takes = self.link_count < limit;
        self.link_count += u32::from(takes);
        self.dropped_links += u32::from(!takes);
        takes
    }

    /// Writes the attributes of one event or link, within these limits.
    pub(super) fn write_scratch<R>(
        &mut self,
        count: u32,
        length: u32,
        write: impl FnOnce(&mut dyn FnMut(&str, Value<'_>)) -> R,
    ) -> R {
        let scratch = &mut self.scratch;
        scratch.clear();
        write(&mut |key, value| scratch.set(key, value, count, length))
    }

    /// Adds an event with what is in `scratch`; `dropped` attributes are missing already.
    pub(super) fn pack_event(&mut self, time: u64, name: &str, dropped: u32) {
        let dropped = self.scratch.dropped().saturating_add(dropped);
        packed::pack_event(&mut self.events, time, name, self.scratch.bytes(), dropped);
    }

    /// As `pack_event`, for a link.
    pub(super) fn pack_link(&mut self, to: &Parent, dropped: u32) {
        let dropped = self.scratch.dropped().saturating_add(dropped);
        packed::pack_link(&mut self.links, to, self.scratch.bytes(), dropped);
    }

    /// Takes over what was written beside the span.
    pub(super) fn absorb(&mut self, other: &Self, limits: Limits) {
        let room = limits.events.saturating_sub(self.event_count);
        self.dropped_events += other.dropped_events + other.event_count.saturating_sub(room);
        self.event_count += packed::copy_events(&mut self.events, &other.events, room);
        let room = limits.links.saturating_sub(self.link_count);
        self.dropped_links += other.dropped_links + other.link_count.saturating_sub(room);
        self.link_count += packed::copy_links(&mut self.links, &other.links, room);
    }
}
