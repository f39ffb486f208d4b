//! A span's place: what is above it, and who is nearer.

use std::sync::Arc;

use crate::pipeline::clock;
use crate::telemetry::Kind;
use crate::testing::Sink;

use super::{KindRule, Open, Role};

/// Names the entries of one `tracing` span: its layer's number, and its id there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// 0 where the layer has none; then the id is the span's own.
    pub(crate) layer: u64,
    /// 0 for everything that is no `tracing` span.
    pub(crate) id: u64,
}

impl Mark {
    pub(crate) const NONE: Self = Self { layer: 0, id: 0 };

    #[inline]
    pub(crate) const fn is_some(self) -> bool {
        self.id != 0
    }
}

impl Open {
    /// Where a test captures this span, if one does.
    #[inline]
    pub(crate) fn capture(&self) -> Option<Arc<Sink>> {
        self.extra.as_ref().and_then(|extra| extra.capture.clone())
    }

    /// The next entry is the one that settles parent or kind.
    #[inline]
    pub(crate) fn may_move(&self) -> bool {
        self.is_implicit || self.kind_rule == KindRule::ServerCall
    }

    /// The first entry, where the nearest span changes nothing: starts the clock. False, and nothing is
    /// done, elsewhere.
    #[inline(always)]
    pub(crate) fn settle_at_once(&mut self, top: Option<&Self>) -> bool {
        let nearest = top.map_or(0, |top| top.span);
        let stays = nearest == 0 || nearest == self.parent || !self.is_implicit;
        let is_usual = matches!(self.role, Role::Recording | Role::Unsampled) && !self.has_details;
        if !stays || !is_usual {
            return false;
        }
        if self.kind_rule == KindRule::ServerCall {
            self.settle_kind(top);
        }
        self.is_new = false;
        self.is_implicit = false;
        if self.start == 0 && self.is_recording() {
            self.start = clock::ticks();
        }
        true
    }

    /// Whether a nearer parent is current at the first poll than there was when the span was made:
    /// a wrapper around it, made after it, or any other span of the same trace.
    #[inline]
    pub(crate) fn takes_over(&mut self, top: Option<&Self>, context: (u128, u64)) -> bool {
        if self.kind_rule == KindRule::ServerCall {
            self.settle_kind(top);
        }
        if !std::mem::take(&mut self.is_implicit) {
            return false;
        }
        let (trace, span) = Self::nearest(top, context);
        let is_other = span != 0 && span != self.parent;
        // `tracing` spans nest among themselves as they were created.
        let is_other_kind = |top: &Self| !top.mark.is_some() || top.span != span;
        let is_foreign = !self.mark.is_some() || top.is_none_or(is_other_kind);
        is_other && is_foreign && (trace == self.trace || self.parent == 0)
    }

    #[inline]
    fn settle_kind(&mut self, top: Option<&Self>) {
        self.kind_rule = KindRule::Fixed;
        let is_served = top.is_some_and(Self::is_served);
        self.kind = if is_served { Kind::Internal } else { Kind::Server };
    }

    /// Whether this `Context`'s span came after the entry: whoever was entered last is the parent.
    pub(crate) const fn is_older(&self, span: u64) -> bool {
        span != 0 && span != self.seen
    }

    /// Trace and span of whoever was entered last: the top of the stack, or this `Context`'s span.
    pub(crate) fn nearest(top: Option<&Self>, context: (u128, u64)) -> (u128, u64) {
        match top {
            Some(top) if !top.is_older(context.1) => (top.trace, top.span),
            _ => context,
        }
    }

    /// Whether this or an entry below it is the server span of the request: what a client calls in
    /// the same place is served anew.
    fn is_served(&self) -> bool {
        let mut next = Some(self);
        while let Some(open) = next {
            match open.kind {
                Kind::Server => return true,
                Kind::Client => return false,
                _ => next = open.below.as_deref(),
            }
        }
        false
    }
}
