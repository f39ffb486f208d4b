//! From an open span to its record.

use crate::pipeline::clock;

use super::super::packed::{Head, Record};
use super::Open;

impl Open {
    /// It has a head, a name and attributes, and nothing else.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        !self.has_details && self.extra.is_none()
    }

    /// Ends a plain span and lends its record.
    #[inline(always)]
    pub(crate) fn finish_plain(&mut self) -> Record<'_> {
        if self.end == 0 {
            self.end = clock::ticks();
        }
        let (name, attributes) = (self.name.as_bytes(), self.attributes.bytes());
        Record::new(&self.head(), name, attributes, None)
    }

    /// Ends the span and lends its record.
    pub(crate) fn finish(&mut self) -> Record<'_> {
        if self.end == 0 {
            self.end = self.now();
        }
        let details = &self.details;
        let mut head = self.head();
        head.dropped[1] = details.dropped_events;
        head.dropped[2] = details.dropped_links;
        let name = details.name.as_deref().unwrap_or(self.name);
        let trace_state = self.extra.as_ref().map_or("", |extra| &extra.trace_state);
        let rest: [&[u8]; 5] = [
            &details.events,
            &details.links,
            details.message.as_bytes(),
            trace_state.as_bytes(),
            details.scope.as_deref().unwrap_or_default().as_bytes(),
        ];
        Record::new(&head, name.as_bytes(), self.attributes.bytes(), Some(rest))
    }

    #[inline(always)]
    fn head(&self) -> Head {
        Head {
            trace: self.trace,
            span: self.span,
            parent: self.parent,
            start: self.start,
            end: self.end,
            kind: self.kind,
            status: self.status,
            trace_flags: self.flags,
            parent_is_remote: self.parent_is_remote,
            dropped: [self.attributes.dropped(), 0, 0],
        }
    }
}
