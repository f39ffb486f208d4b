//! Log records.

use super::items::Items;
use super::message::{Message, Target};
use super::trace::{halves, two};
use super::value::Values;
use crate::encode::view::LogView;
use crate::schema::common_capnp::value;

/// The records of a batch.
#[derive(Debug, Default)]
pub(super) struct Logs {
    pub(super) items: Items<8, 2>,
    /// One record's attributes, which stand behind its body.
    attributes: Message,
}

impl Logs {
    pub(super) fn stage(&mut self, values: &mut Values, scope: u32, from: &impl LogView) {
        let attributes = values.attributes(&mut self.attributes, from);
        let inside = &mut self.items.inside;
        let start = inside.len();
        let mut body = Target::NONE;
        from.copied_body(|from| {
            let staged = values.copied(from);
            let (target, place) = inside.apart::<value::Builder<'_>>();
            values.write_value(staged, inside, place);
            body = target;
        });
        let attributes = attributes.behind(inside.len());
        inside.copy(&self.attributes, 0, self.attributes.len());
        self.attributes.clear();
        let [high, low] = halves(from.trace());
        let flags = two(from.flags(), from.severity_number() as u32);
        let severity = values.strings.index(from.severity_text());
        let event = values.strings.index(from.event_name());
        let data = [
            from.time(),
            from.observed(),
            high,
            low,
            from.span(),
            flags,
            two(severity, event),
            from.dropped_attributes().into(),
        ];
        self.items.push(scope, start, data, [body, attributes]);
    }
}
