//! What a `tracing` span keeps of ours in its extensions.
//!
//! The span itself is at home while nobody has it entered: in the table of `parked`, or here. The
//! thread that enters it takes it onto its stack; a second thread gets its context only, and what it
//! writes meanwhile is kept beside it.

use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::context::Parent;
use crate::health::counters;

use super::super::limits::Limits;
use super::super::open::{Mark, Open, Role};
use super::super::start::Clock;
use super::super::{current, local};
use super::parked;

/// A span, or the place to which it comes back.
#[derive(Debug)]
pub(super) struct Held {
    /// At home, and not in the table.
    open: Option<Box<Open>>,
    /// Written while the span was on another thread's stack.
    beside: Option<Box<Open>>,
    context: Parent,
    role: Role,
    mark: Mark,
    /// What is written beside it is written by these.
    limits_and_clock: (Limits, Clock),
    /// Others know its context.
    is_seen: bool,
}

impl Held {
    /// A span that is not recorded gives its context all the same.
    pub(super) fn new(mut open: Box<Open>, mark: Mark) -> Self {
        open.mark = if mark.layer == 0 { Mark { layer: 0, id: open.span.max(1) } } else { mark };
        // Nobody has entered it.
        open.ticket = 0;
        let mut held = Self {
            context: open.as_parent(),
            role: open.role,
            mark: open.mark,
            limits_and_clock: open.limits_and_clock(),
            open: None,
            beside: None,
            is_seen: false,
        };
        held.take_home(open);
        held
    }

    fn take_home(&mut self, open: Box<Open>) {
        // What has no number of its own would be told from others by chance only.
        let may_park = self.mark.layer != 0 && self.role != Role::Carried;
        self.open = if may_park { parked::put(self.mark, open) } else { Some(open) };
    }

    /// The span, if it is at home.
    fn take(&mut self) -> Option<Box<Open>> {
        self.open.take().or_else(|| parked::take(self.mark))
    }

    /// Lends the span, if it is at home.
    fn with<R>(&mut self, run: impl FnOnce(&mut Open) -> R) -> Option<R> {
        match &mut self.open {
            Some(open) => Some(run(open)),
            None => parked::with(self.mark, run),
        }
    }

    /// Another parent, while nobody has seen the first; false where it is too late.
    fn hang_below(&mut self, parent: Parent) -> bool {
        if self.is_seen || self.role == Role::Carried {
            return false;
        }
        let Some(mut open) = self.take() else {
            return false;
        };
        let was_entered = open.ticket != 0;
        if !was_entered {
            open.fix_parent();
            local::with(|local| local.hang_below(&mut open, parent));
            open.start_clock();
            (self.context, self.role) = (open.as_parent(), open.role);
        }
        self.take_home(open);
        !was_entered
    }

    /// Else the entry is the context only, and another one is the span.
    fn is_home_of(&self, open: &Open) -> bool {
        self.open.is_none() && open.role == self.role
    }

    /// The span's context as others see it from now on.
    fn context(&mut self) -> Parent {
        if !self.is_seen {
            self.with(Open::fix_parent);
        }
        self.is_seen = true;
        self.context.clone()
    }
}

impl Drop for Held {
    /// The registry may go before its spans have closed.
    fn drop(&mut self) {
        if self.mark.is_some() {
            let left = [self.take(), self.beside.take()];
            left.into_iter().flatten().for_each(local::recycle);
        }
    }
}

/// The context of a span, for others to hang below.
pub(super) fn context<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<Parent> {
    span.extensions_mut().get_mut::<Held>().map(Held::context)
}

/// Gives a span another parent; false where it is too late, or where the span is not ours.
pub(super) fn hang_below<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, parent: Parent) -> bool {
    let mut extensions = span.extensions_mut();
    if let Some(held) = extensions.get_mut::<Held>().filter(|held| held.role != Role::Carried) {
        return held.hang_below(parent);
    }
    // Spans are off: the context passes through.
    let carried = if local::records() { None } else { local::carry(parent) };
    let carried = carried.map(|open| Held::new(open, Mark::NONE));
    let is_carried = carried.is_some();
    carried.into_iter().for_each(|held| drop(extensions.replace(held)));
    is_carried
}

/// Makes a span the current one that is in the table; false where it is not there.
#[inline]
pub(super) fn enter_parked<'a, S: LookupSpan<'a> + 'a>(
    mark: Mark,
    find: impl FnOnce() -> Option<SpanRef<'a, S>>,
) -> bool {
    let Some(open) = parked::take_at_once(mark) else {
        return false;
    };
    let was_implicit = open.is_implicit();
    let mut taken = Some(open);
    current::enter(&mut taken);
    match taken {
        Some(open) => {
            if let Some(span) = find() {
                give_back(&span, open);
            }
        }
        None if was_implicit && has_moved() => settle(mark, find),
        None => {}
    }
    true
}

/// Makes a span, or its context where another thread has it, the current one.
#[cold]
pub(super) fn enter<'a, S: LookupSpan<'a>>(span: SpanRef<'a, S>) {
    let mut taken = span.extensions_mut().get_mut::<Held>().and_then(|held| {
        held.take().or_else(|| {
            held.is_seen = true;
            let mut carried = local::carry(held.context.clone())?;
            carried.mark = held.mark;
            Some(carried)
        })
    });
    let Some((was_implicit, mark)) = taken.as_ref().map(|open| (open.is_implicit(), open.mark))
    else {
        return;
    };
    current::enter(&mut taken);
    match taken {
        Some(open) => give_back(&span, open),
        None if was_implicit && has_moved() => settle(mark, || Some(span)),
        None => {}
    }
}

/// Whether the span that was just entered is below another one than when it was made.
fn has_moved() -> bool {
    current::with_top(|open| open.has_moved) == Some(true)
}

/// Follows a span whose first entry found a nearer parent.
#[cold]
fn settle<'a, S: LookupSpan<'a> + 'a>(mark: Mark, find: impl FnOnce() -> Option<SpanRef<'a, S>>) {
    if let (Some(seen), Some(span)) =
        (with_entry(mark, |open| (open.as_parent(), open.role)), find())
    {
        if let Some(held) = span.extensions_mut().get_mut::<Held>() {
            (held.context, held.role) = seen;
        }
    }
}

/// Takes a span off this thread's stack and leaves it in the table; false where it is not its top.
#[inline]
pub(super) fn exit_to_parked<'a, S: LookupSpan<'a> + 'a>(
    mark: Mark,
    find: impl FnOnce() -> Option<SpanRef<'a, S>>,
) -> bool {
    let Some(open) = current::pop_marked(mark) else {
        return false;
    };
    if let Some(open) = parked::put(mark, open) {
        if let Some(span) = find() {
            give_back(&span, open);
        }
    }
    true
}

/// Takes a span off this thread's stack, wherever it is there.
#[cold]
pub(super) fn exit<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) {
    let Some(mark) = span.extensions().get::<Held>().map(|held| held.mark) else {
        return;
    };
    // A `Context` may own a span of the host's: nothing is held while it goes.
    if let Some(open) = current::remove_marked(mark) {
        give_back(span, current::detached(open));
    }
}

#[cold]
fn give_back<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, open: Box<Open>) {
    if let Some(held) = span.extensions_mut().get_mut::<Held>() {
        if held.is_home_of(&open) {
            return held.take_home(open);
        }
    }
    local::recycle(open);
}

/// Ends a span that nobody holds any more.
pub(super) fn close<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) {
    let Some(mut held) = span.extensions_mut().remove::<Held>() else {
        return;
    };
    let beside = held.beside.take();
    let open = held.take();
    // Nothing is left for its drop to look for.
    held.mark = Mark::NONE;
    match open {
        Some(mut open) => {
            if let Some(beside) = &beside {
                open.absorb_words(beside);
            }
            local::end(open);
        }
        // It was ended with the scope in which it was forgotten.
        None if beside.is_some() => counters::LATE_WRITES.add(1),
        None => {}
    }
    beside.into_iter().for_each(local::recycle);
}

/// Writes to a span, wherever it is; `prepare` runs code of the host, so nothing is held meanwhile.
pub(super) fn write<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, prepare: impl FnOnce(&mut Open)) {
    let (mark, (limits, clock)) = match span.extensions().get::<Held>() {
        Some(held) if held.role == Role::Recording => (held.mark, held.limits_and_clock.clone()),
        _ => return,
    };
    let Some(mut written) = local::with(local::Local::unpool) else {
        return;
    };
    written.beside(limits, clock);
    prepare(&mut written);
    let absorbed = with_entry(mark, |open| {
        let is_ours = open.is_recording();
        if is_ours {
            open.absorb_words(&written);
        }
        is_ours
    });
    if absorbed != Some(true) {
        if let Some(held) = span.extensions_mut().get_mut::<Held>() {
            let absorbed = held.with(|open| open.absorb_words(&written));
            match (absorbed, &mut held.beside) {
                (Some(()), _) => {}
                (None, Some(beside)) => beside.absorb_words(&written),
                (None, beside) => {
                    *beside = Some(written);
                    return;
                }
            }
        }
    }
    local::recycle(written);
}

fn with_entry<R>(mark: Mark, run: impl FnOnce(&mut Open) -> R) -> Option<R> {
    current::with_entry_where(|open| open.mark == mark, run)
}
