//! What is kept of a `tracing` span: in the table of `parked`, or in the span's extensions.
//!
//! The span itself is at home there while nobody has it entered. The thread that enters it takes it
//! onto its stack; a second thread gets its context only, and what it writes meanwhile is kept beside
//! it.

use std::cell::Cell;
use std::sync::Arc;

use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::context::{Extra, Parent};
use crate::health::counters;

use super::super::limits::Limits;
use super::super::open::{Mark, Open, Role};
use super::super::start::Clock;
use super::super::{current, local};
use super::parked;

/// A span, or the place to which it comes back.
#[derive(Debug)]
pub(super) struct Held {
    /// `Mark::NONE` where there is no span.
    pub(super) mark: Mark,
    /// At home.
    open: Option<Box<Open>>,
    /// Written while the span was on another thread's stack.
    beside: Option<Box<Open>>,
    pub(super) context: Parent,
    pub(super) role: Role,
    /// Others know its context.
    is_seen: bool,
    /// What is written beside it is written by these.
    limits: Limits,
    clock: Clock,
}

/// What a span leaves behind; to be dropped while nothing is locked.
#[derive(Debug, Default)]
pub(super) struct Left {
    open: Option<Box<Open>>,
    rest: Option<Rest>,
}

/// What most spans do not have.
#[derive(Debug)]
struct Rest {
    beside: Option<Box<Open>>,
    _extra: Option<Arc<Extra>>,
    _clock: Clock,
}

/// What an entry is made with.
pub(super) enum Lent {
    Span(Box<Open>),
    /// Another thread has the span, or this one has entered it before.
    Context(Parent, Mark),
}

impl Held {
    pub(super) const NONE: Self = Self {
        mark: Mark::NONE,
        open: None,
        beside: None,
        context: Parent::root(),
        role: Role::Carried,
        is_seen: false,
        limits: Limits::NONE,
        clock: Clock::Ticks,
    };

    /// Takes a span in, where there is none.
    #[inline(always)]
    pub(super) fn take_in(&mut self, mark: Mark, mut open: Box<Open>) {
        open.mark = mark;
        // Nobody has entered it.
        open.ticket = 0;
        self.mark = mark;
        (self.limits, self.clock) = open.limits_and_clock();
        self.is_seen = false;
        self.look_at(&open);
        fill(&mut self.open, open);
    }

    /// How others see the span.
    #[inline(always)]
    fn look_at(&mut self, open: &Open) {
        self.context = open.as_parent();
        self.role = open.role;
    }

    /// Lends the span to who enters it.
    #[inline(always)]
    pub(super) fn lend_at_once(&mut self) -> Option<Box<Open>> {
        self.open.take()
    }

    /// Forgets the span.
    #[inline(always)]
    pub(super) fn leave(&mut self) -> Left {
        self.mark = Mark::NONE;
        let is_plain = self.beside.is_none()
            && self.context.extra.is_none()
            && matches!(self.clock, Clock::Ticks);
        Left { open: self.open.take(), rest: if is_plain { None } else { Some(self.rest()) } }
    }

    #[cold]
    fn rest(&mut self) -> Rest {
        Rest {
            beside: self.beside.take(),
            _extra: self.context.extra.take(),
            _clock: std::mem::take(&mut self.clock),
        }
    }

    /// Takes a span back that was entered, if it is the span: an entry may be the context only.
    #[inline(always)]
    pub(super) fn take_home(&mut self, open: Box<Open>) -> Option<Box<Open>> {
        if self.open.is_some() || open.role != self.role {
            return Some(open);
        }
        fill(&mut self.open, open);
        None
    }

    pub(super) fn lend(&mut self) -> Lent {
        if let Some(open) = self.open.take() {
            return Lent::Span(open);
        }
        self.is_seen = true;
        Lent::Context(self.context.clone(), self.mark)
    }

    /// The span's context as others see it from now on.
    fn context(&mut self) -> Parent {
        if !self.is_seen {
            self.open.iter_mut().for_each(|open| open.fix_parent());
        }
        self.is_seen = true;
        self.context.clone()
    }

    /// Takes over what was written to the span, unless there is no place for it yet.
    fn absorb(&mut self, written: Box<Open>) -> Option<Box<Open>> {
        match (&mut self.open, &mut self.beside) {
            (Some(span), _) | (None, Some(span)) => span.absorb_words(&written),
            (None, beside) => {
                *beside = Some(written);
                return None;
            }
        }
        Some(written)
    }
}

/// Fills what is empty: nothing is there to drop, so there is no code for it either.
#[inline(always)]
fn fill(place: &mut Option<Box<Open>>, open: Box<Open>) {
    std::mem::forget(place.replace(open));
}

impl Drop for Held {
    /// The registry may go before its spans have closed.
    fn drop(&mut self) {
        self.leave().give_up();
    }
}

impl Left {
    /// Ends the span.
    #[inline(always)]
    pub(super) fn end(self) {
        let Self { mut open, rest } = self;
        if let Some(rest) = rest {
            rest.join(&mut open);
        }
        if let Some(open) = open {
            local::end(open);
        }
    }

    /// What is not to be recorded.
    pub(super) fn recycle(self) {
        let beside = self.rest.and_then(|rest| rest.beside);
        [self.open, beside].into_iter().flatten().for_each(local::recycle);
    }

    /// What nobody will close any more ends now.
    #[cold]
    pub(super) fn give_up(self) {
        let is_recording = self.open.as_ref().is_some_and(|open| open.is_recording());
        counters::FORGOTTEN_SPANS.add(is_recording.into());
        self.end();
    }
}

impl Rest {
    /// What was written beside the span comes to it.
    #[cold]
    fn join(self, open: &mut Option<Box<Open>>) {
        let Some(beside) = self.beside else {
            return;
        };
        match open {
            Some(open) => open.absorb_words(&beside),
            // It was ended with the scope in which it was forgotten.
            None => counters::LATE_WRITES.add(1),
        }
        local::recycle(beside);
    }
}

/// Lends what is kept of a span; `run` takes no lock.
pub(super) fn with_held<'a, S: LookupSpan<'a>, R>(
    mark: Mark,
    span: &SpanRef<'a, S>,
    run: impl Fn(&mut Held) -> R,
) -> Option<R> {
    parked::with(mark, &run).or_else(|| span.extensions_mut().get_mut::<Held>().map(&run))
}

/// Keeps a span that was just made.
#[inline(always)]
pub(super) fn keep<'a, S: LookupSpan<'a> + 'a>(
    mark: Mark,
    open: Box<Open>,
    find: impl FnOnce() -> Option<SpanRef<'a, S>>,
) {
    // What has no number of its own would be told from others by chance only.
    let may_park = mark.layer != 0 && open.role != Role::Carried;
    let left = if may_park { parked::put(mark, open) } else { Some(open) };
    if let Some(open) = left {
        keep_elsewhere(mark, open, find);
    }
}

#[cold]
#[inline(never)]
fn keep_elsewhere<'a, S: LookupSpan<'a> + 'a>(
    mark: Mark,
    open: Box<Open>,
    find: impl FnOnce() -> Option<SpanRef<'a, S>>,
) {
    match find() {
        Some(span) => extend(&span, mark, open),
        None => local::recycle(open),
    }
}

/// Keeps a span in its extensions.
#[cold]
fn extend<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, mark: Mark, open: Box<Open>) {
    let mark = if mark.layer == 0 { Mark { layer: 0, id: open.span.max(1) } } else { mark };
    let mut held = Held::NONE;
    held.take_in(mark, open);
    let old = span.extensions_mut().replace(held);
    old.into_iter().for_each(|mut old| old.leave().recycle());
}

/// The context of a span, for others to hang below.
pub(super) fn context<'a, S: LookupSpan<'a>>(mark: Mark, span: &SpanRef<'a, S>) -> Option<Parent> {
    with_held(mark, span, Held::context)
}

/// Gives a span another parent; false where it is too late, or where the span is not ours.
pub(super) fn hang_below<'a, S: LookupSpan<'a>>(
    mark: Mark,
    span: &SpanRef<'a, S>,
    parent: Parent,
) -> bool {
    let is_ours = |held: &mut Held| held.role != Role::Carried;
    if with_held(mark, span, is_ours) == Some(true) {
        return hang_ours_below(mark, span, parent);
    }
    // Spans are off: the context passes through.
    let carried = if local::records() { None } else { local::carry(parent) };
    let is_carried = carried.is_some();
    carried.into_iter().for_each(|open| extend(span, Mark::NONE, open));
    is_carried
}

/// Another parent, while nobody has seen the first; false where it is too late.
fn hang_ours_below<'a, S: LookupSpan<'a>>(
    mark: Mark,
    span: &SpanRef<'a, S>,
    parent: Parent,
) -> bool {
    let lend = |held: &mut Held| if held.is_seen { None } else { held.open.take() };
    let Some(mut open) = with_held(mark, span, lend).flatten() else {
        return false;
    };
    let was_entered = open.ticket != 0;
    if !was_entered {
        open.fix_parent();
        local::with(|local| local.hang_below(&mut open, parent));
        open.start_clock();
    }
    let open = Cell::new(Some(open));
    with_held(mark, span, |held| {
        if let Some(open) = open.take() {
            held.look_at(&open);
            held.open = Some(open);
        }
    });
    !was_entered
}

/// Writes to a span, wherever it is; `prepare` runs code of the host, so nothing is held meanwhile.
pub(super) fn write<'a, S: LookupSpan<'a>>(
    mark: Mark,
    span: &SpanRef<'a, S>,
    prepare: impl FnOnce(&mut Open),
) {
    let by = |held: &mut Held| {
        let is_recording = held.role == Role::Recording;
        is_recording.then(|| (held.mark, held.limits, held.clock.clone()))
    };
    let Some(Some((own, limits, clock))) = with_held(mark, span, by) else {
        return;
    };
    let Some(mut written) = local::with(local::Local::unpool) else {
        return;
    };
    written.beside(limits, clock);
    prepare(&mut written);
    let is_own = |open: &Open| open.mark == own;
    let absorbed = current::with_entry_where(is_own, |open| {
        let is_ours = open.is_recording();
        if is_ours {
            open.absorb_words(&written);
        }
        is_ours
    });
    let written = Cell::new(Some(written));
    if absorbed != Some(true) {
        with_held(mark, span, |held| {
            written.set(written.take().and_then(|written| held.absorb(written)))
        });
    }
    written.take().into_iter().for_each(local::recycle);
}
