//! What was written beside a span, or prepared for one, and how the span takes it over.

use crate::telemetry::Kind;

use super::super::limits::Limits;
use super::super::packed;
use super::super::start::Clock;
use super::{Name, Open, Role};

impl Open {
    /// Prepares an empty span for `absorb`: the same limits and clock.
    pub(crate) fn beside(&mut self, limits: Limits, clock: Clock) {
        self.role = Role::Recording;
        self.limits = limits;
        self.clock = clock;
    }

    pub(crate) fn limits_and_clock(&self) -> (Limits, Clock) {
        (self.limits, self.clock.clone())
    }

    /// Takes over what was written beside this span while it stayed current.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.attributes.absorb(&other.attributes, self.limits.attributes);
        let room = self.limits.events.saturating_sub(self.event_count);
        self.dropped_events += other.dropped_events + other.event_count.saturating_sub(room);
        self.event_count += packed::copy_events(&mut self.events, &other.events, room);
        let room = self.limits.links.saturating_sub(self.link_count);
        self.dropped_links += other.dropped_links + other.link_count.saturating_sub(room);
        self.link_count += packed::copy_links(&mut self.links, &other.links, room);
        match other.status {
            0 => {}
            1 => self.ok(),
            // An error that says nothing does not wipe out one that does.
            _ if other.message.is_empty() => self.fail_if_unset(&""),
            _ => self.fail(&other.message),
        }
    }

    /// `absorb`, with a name or a kind that was given there.
    pub(crate) fn absorb_words(&mut self, other: &Self) {
        if let Name::Made(name) = &other.name {
            self.name = Name::Made(name.clone());
        }
        if other.kind != Kind::Internal {
            self.kind = other.kind;
        }
        self.absorb(other);
    }

    /// Takes over what a builder had prepared, when the span starts again below another parent.
    pub(crate) fn inherit(&mut self, old: &Self) {
        self.name = old.name.clone();
        self.kind = old.kind;
        self.set_kind_rule(old.kind_rule);
        self.absorb(old);
    }
}
