//! What only the OpenTelemetry API says of a span: times, scope, attributes of links.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use crate::context::Parent;
use crate::telemetry::Value;

use super::Open;

/// What the attributes of an event or a link are written with.
pub(crate) type Set<'a> = &'a mut dyn FnMut(&str, Value<'_>);

impl Open {
    pub(crate) fn set_scope(&mut self, scope: Option<&Arc<str>>) {
        if scope.is_some() || self.has_details {
            self.details_mut().scope = scope.cloned();
        }
    }

    pub(crate) fn set_name(&mut self, name: Cow<'static, str>) {
        match name {
            Cow::Borrowed(name) => {
                self.name = name;
                self.details.name = None;
            }
            Cow::Owned(name) => self.rename(name),
        }
    }

    pub(crate) fn start_at(&mut self, time: SystemTime) {
        self.start = self.details.clock.at(time);
    }

    pub(crate) fn end_at(&mut self, time: SystemTime) {
        self.end = self.details.clock.at(time);
    }

    /// An event with its own time, `None` for now; `dropped` attributes are missing already.
    pub(crate) fn event_at(
        &mut self,
        time: Option<SystemTime>,
        name: &str,
        dropped: u32,
        write: impl FnOnce(Set<'_>),
    ) {
        let limits = self.limits;
        let details = self.details_mut();
        if details.takes_event(limits.events) {
            details.write_scratch(limits.event_attributes, limits.value_length, write);
            let clock = &details.clock;
            let time = time.map_or_else(|| clock.now(), |time| clock.at(time));
            details.pack_event(time, name, dropped);
        }
    }

    /// A link with attributes, of which `dropped` are missing already.
    pub(crate) fn link_with(&mut self, to: &Parent, dropped: u32, write: impl FnOnce(Set<'_>)) {
        if !to.has_span() {
            return;
        }
        let limits = self.limits;
        let details = self.details_mut();
        if details.takes_link(limits.links) {
            details.write_scratch(limits.link_attributes, limits.value_length, write);
            details.pack_link(to, dropped);
        }
    }
}
