//! The limits a span is written under, small enough to copy into each.

use crate::config::plan::Limits as Plan;

/// `u32::MAX` is no limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) value_length: u32,
    pub(crate) attributes: u32,
    pub(crate) events: u32,
    pub(crate) links: u32,
    pub(crate) event_attributes: u32,
    pub(crate) link_attributes: u32,
}

impl Limits {
    pub(crate) const NONE: Self = Self {
        value_length: u32::MAX,
        attributes: u32::MAX,
        events: u32::MAX,
        links: u32::MAX,
        event_attributes: u32::MAX,
        link_attributes: u32::MAX,
    };
}

impl From<&Plan> for Limits {
    fn from(plan: &Plan) -> Self {
        let clamp = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
        Self {
            value_length: plan.value_length.map_or(u32::MAX, clamp),
            attributes: clamp(plan.attributes),
            events: clamp(plan.events),
            links: clamp(plan.links),
            event_attributes: clamp(plan.event_attributes),
            link_attributes: clamp(plan.link_attributes),
        }
    }
}
