//! What was written beside a span, or prepared for one, and how the span takes it over.

use crate::telemetry::Kind;

use super::super::limits::Limits;
use super::super::start::Clock;
use super::{Open, Role};

impl Open {
    /// Prepares an empty span for `absorb`: the same limits and clock.
    pub(crate) fn beside(&mut self, limits: Limits, clock: Clock) {
        self.role = Role::Recording;
        self.limits = limits;
        self.set_clock(clock);
    }

    pub(crate) fn limits_and_clock(&self) -> (Limits, Clock) {
        (self.limits, self.details.clock.clone())
    }

    /// Takes over what was written beside this span while it stayed current.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.attributes.absorb(&other.attributes, self.limits.attributes);
        if other.has_details {
            let limits = self.limits;
            self.details_mut().absorb(&other.details, limits);
        }
        match other.status {
            0 => {}
            1 => self.ok(),
            // An error that says nothing does not wipe out one that does.
            _ if other.details.message.is_empty() => self.fail_if_unset(&""),
            _ => self.fail(&other.details.message),
        }
    }

    /// `absorb`, with a name or a kind that was given there.
    pub(crate) fn absorb_words(&mut self, other: &Self) {
        if let Some(name) = &other.details.name {
            self.rename(name.clone());
        }
        if other.kind != Kind::Internal {
            self.kind = other.kind;
        }
        self.absorb(other);
    }

    /// Takes over what a builder had prepared, when the span starts again below another parent.
    pub(crate) fn inherit(&mut self, old: &Self) {
        self.name = old.name;
        if let Some(name) = &old.details.name {
            self.rename(name.clone());
        }
        self.kind = old.kind;
        self.set_kind_rule(old.kind_rule);
        self.absorb(old);
    }
}
