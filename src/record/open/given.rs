//! What only the OpenTelemetry API says of a span: times, scope, attributes of links.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use crate::context::Parent;
use crate::record::packed;
use crate::telemetry::Value;

use super::{Name, Open};

/// What the attributes of an event or a link are written with.
pub(crate) type Set<'a> = &'a mut dyn FnMut(&str, Value<'_>);

impl Open {
    pub(crate) fn set_scope(&mut self, scope: Option<&Arc<str>>) {
        self.scope = scope.cloned();
    }

    pub(crate) fn set_name(&mut self, name: Cow<'static, str>) {
        self.name = match name {
            Cow::Borrowed(name) => Name::Static(name),
            Cow::Owned(name) => Name::Made(name),
        };
    }

    pub(crate) fn start_at(&mut self, time: SystemTime) {
        self.start = self.clock.at(time);
    }

    pub(crate) fn end_at(&mut self, time: SystemTime) {
        self.end = self.clock.at(time);
    }

    /// An event with its own time, `None` for now; `dropped` attributes are missing already.
    pub(crate) fn event_at(
        &mut self,
        time: Option<SystemTime>,
        name: &str,
        dropped: u32,
        write: impl FnOnce(Set<'_>),
    ) {
        if self.event_count >= self.limits.events {
            self.dropped_events += 1;
            return;
        }
        self.event_count += 1;
        self.write_scratch(self.limits.event_attributes, write);
        let time = time.map_or_else(|| self.clock.now(), |time| self.clock.at(time));
        let dropped = self.scratch.dropped().saturating_add(dropped);
        packed::pack_event(&mut self.events, time, name, self.scratch.bytes(), dropped);
    }

    /// A link with attributes, of which `dropped` are missing already.
    pub(crate) fn link_with(&mut self, to: &Parent, dropped: u32, write: impl FnOnce(Set<'_>)) {
        if !to.has_span() {
            return;
        }
        if self.link_count >= self.limits.links {
            self.dropped_links += 1;
            return;
        }
        self.link_count += 1;
        self.write_scratch(self.limits.link_attributes, write);
        let dropped = self.scratch.dropped().saturating_add(dropped);
        packed::pack_link(&mut self.links, to, self.scratch.bytes(), dropped);
    }

    fn write_scratch(&mut self, count: u32, write: impl FnOnce(Set<'_>)) {
        let (scratch, length) = (&mut self.scratch, self.limits.value_length);
        scratch.clear();
        write(&mut |key, value| scratch.set(key, value, count, length));
    }
}
